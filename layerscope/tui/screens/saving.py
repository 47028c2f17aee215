"""Saving the report of what a screen shows, in every format that there is."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from textual import work

from layerscope.errors import LayerscopeError, OutputError
from layerscope.tui.screens.asking import Asking
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import Document
    from layerscope.report.formats.format import Format


class Saving(Asking):
    """A screen that tells its formats, and the document that a format writes."""

    def formats(self) -> Mapping[str, Format]:
        """The formats by name; none while there is nothing to save."""
        raise NotImplementedError

    def document_for(self, form: Format) -> Document:
        """What a format writes; called by a worker."""
        raise NotImplementedError

    def action_save_report(self) -> None:
        """Write the report in the format that the file's ending names."""
        formats = self.formats()
        if not formats or self.is_elsewhere():
            return
        from layerscope.tui.screens.dialogs import TextDialog

        endings = {form.suffix: form for form in reversed(list(formats.values()))}

        def begin(path: str | None) -> None:
            if path is None:
                return
            name = os.path.expanduser(path)
            form = endings.get(os.path.splitext(name)[1])
            if form is None:
                self.tell_error(
                    "the ending tells no format", f"end the name in {', '.join(endings)}"
                )
            elif os.path.lexists(name):
                question = f"{name} is there already."
                self.ask_overwrite(question, partial(self._save, name, form, overwrite=True))
            else:
                self._save(name, form, overwrite=False)

        hint = "By its ending: " + ", ".join(f"{end} {form.name}" for end, form in endings.items())
        dialog = TextDialog("Write the report to:", "report.json", title="Save report", hint=hint)
        self.app.push_screen(dialog, begin)

    @work(thread=True, exclusive=True, group="save", exit_on_error=False)
    def _save(self, path: str, form: Format, *, overwrite: bool) -> None:
        from layerscope.report.formats.format import Display
        from layerscope.report.replace import replacing

        text = io.StringIO()
        form.create(Display(width=120)).render(self.document_for(form), text)
        data = text.getvalue().encode("utf-8", "backslashreplace")
        try:
            if os.path.lexists(path) and not overwrite:
                raise OutputError(f"{path} is there already", hint="name another file")
            with replacing(path) as file:
                file.write(data)
        except LayerscopeError as error:
            self.post_message(self.Refused(error))
            return
        self.app.call_from_thread(
            self.notify, f"{format_size(len(data))} in {path}", title="Report saved", markup=False
        )
