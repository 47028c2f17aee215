"""Saves the report on what a screen shows, in any format."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from layerscope.errors import LayerscopeError, OutputError, UsageError
from layerscope.tui.screens.dialogs import TextDialog
from layerscope.tui.screens.questions import ask_overwrite, may_write, show_error
from layerscope.units import format_size

if TYPE_CHECKING:
    from textual.screen import Screen

    from layerscope.report.formats.format import Format

DocumentT = TypeVar("DocumentT")


class ReportSaver(Generic[DocumentT]):
    """Asks for a file name and writes the report there, in the format of the name's extension."""

    def __init__(
        self,
        screen: Screen[None],
        formats: Mapping[str, Format[DocumentT]],
        document_for: Callable[[Format[DocumentT]], DocumentT],
    ) -> None:
        """`document_for` builds the document for a format; a worker calls it."""
        self._screen = screen
        self._formats = formats
        self._document_for = document_for

    def ask(self) -> None:
        if not may_write(self._screen):
            return
        formats = list(self._formats.values())
        hint = "The extension picks the format: " + ", ".join(
            f"{form.suffix} {form.name}" for form in formats
        )
        dialog = TextDialog("Write the report to:", "report.json", title="Save report", hint=hint)
        self._screen.app.push_screen(dialog, self._begin)

    def _begin(self, path: str | None) -> None:
        if path is None:
            return
        endings = {form.suffix: form for form in reversed(list(self._formats.values()))}
        name = os.path.expanduser(path)
        form = endings.get(os.path.splitext(name)[1])
        if form is None:
            error = UsageError(
                "no format has this extension", hint=f"end the name in {', '.join(endings)}"
            )
            show_error(self._screen, error)
        elif os.path.lexists(name):
            begin = partial(self._start, name, form, overwrite=True)
            ask_overwrite(self._screen, f"{name} already exists.", begin)
        else:
            self._start(name, form, overwrite=False)

    def _start(self, path: str, form: Format[DocumentT], *, overwrite: bool) -> None:
        self._screen.run_worker(
            partial(self._save, path, form, overwrite=overwrite),
            thread=True,
            exclusive=True,
            group="save",
            exit_on_error=False,
        )

    def _save(self, path: str, form: Format[DocumentT], *, overwrite: bool) -> None:
        """Runs in a worker."""
        from layerscope.report.formats.format import Display
        from layerscope.report.replace import replacing

        text = io.StringIO()
        try:
            form.create(Display(width=120)).render(self._document_for(form), text)
            data = text.getvalue().encode("utf-8", "backslashreplace")
            if os.path.lexists(path) and not overwrite:
                raise OutputError(f"{path} already exists", hint="choose another name")
            with replacing(path) as file:
                file.write(data)
        except LayerscopeError as error:
            self._screen.call_later(show_error, self._screen, error)
            return
        self._screen.call_later(
            partial(
                self._screen.notify,
                f"{format_size(len(data))} in {path}",
                title="Report saved",
                markup=False,
            )
        )
