"""What leads out of the browser: a file looked at or taken out, the report saved, a path copied."""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from textual import on, work
from textual.message import Message
from textual.screen import Screen
from textual.worker import get_current_worker

from layerscope.errors import Cancelled, LayerscopeError, OutputError
from layerscope.report.paths import escape_path
from layerscope.tui.paint import path_text
from layerscope.tui.view import REMOVED
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.filesystem.extract import Item, Taken
    from layerscope.filesystem.node import Node
    from layerscope.layers.entry import Entry
    from layerscope.tui.files_pane import FilesPane
    from layerscope.tui.largest_pane import LargestPane
    from layerscope.tui.session import Session
    from layerscope.tui.waste_pane import WastePane


class GoingOut(Screen[None]):
    """What the screen of an image derives from."""

    session: Session | None
    reference: str

    class Took(Message):
        """Files were taken out."""

        def __init__(self, folder: str, taken: Taken) -> None:
            super().__init__()
            self.folder = folder
            self.taken = taken

    class Refused(Message):
        """Something that was asked for could not be done."""

        def __init__(self, error: LayerscopeError) -> None:
            super().__init__()
            self.error = error

    class Conflicted(Message):
        """Files are in the way of what is taken out."""

        def __init__(self, folder: str, items: list[Item], found: list[bytes]) -> None:
            super().__init__()
            self.folder = folder
            self.items = items
            self.found = found

    @property
    def tab(self) -> str:
        raise NotImplementedError

    @property
    def files(self) -> FilesPane:
        raise NotImplementedError

    # Looking inside

    def look_inside(self, node: Node, entry: Entry) -> None:
        """Show what a file holds; a followed link moves the cursor to its target."""
        assert self.session is not None
        from layerscope.tui.file_screen import FileScreen

        def follow(path: bytes | None) -> None:
            if path is not None and not self.files.go_to(path):
                self.files.view(self.session.whole if self.session else self.files.scope, path)

        layer = entry.layer
        self.app.push_screen(
            FileScreen(self.session, node, entry, lambda: self._ask_folder(node, layer)), follow
        )

    # Taking out

    def _selected(self) -> tuple[Node, int] | None:
        """The node that is meant, and after which layer."""
        if self.session is None:
            return None
        if self.tab == "waste":
            pane: WastePane = self.query_one("#waste")  # type: ignore[assignment]
            row = pane.waste_list.current
            if row is None or row.file is None:
                return None
            node = self.session.analysis.tree.find(row.file.path.strip(b"/"))
            return None if node is None else (node, row.file.layer)
        if self.tab == "largest":
            largest: LargestPane = self.query_one("#largest")  # type: ignore[assignment]
            numbers = largest.largest_list.numbers
            cursor = largest.largest_list.cursor
            if cursor >= len(numbers):
                return None
            return self.session.outline.nodes[numbers[cursor]], self.session.last_layer
        number, totals = self.files.tree_view.number, self.files.tree_view.totals
        if self.tab != "files" or number is None or totals is None:
            return None
        scope = self.files.scope
        entry = self.files.entry
        removed = totals.marks[number] == REMOVED
        if removed and entry is not None:
            return self.session.outline.nodes[number], entry.layer
        return self.session.outline.nodes[number], scope.last

    def action_take_out(self) -> None:
        """Save the file or directory under the cursor to a folder."""
        if self._is_elsewhere():
            return
        selected = self._selected()
        if selected is None:
            self.notify("Choose a file or a directory first.")
        else:
            self._ask_folder(*selected)

    def _is_elsewhere(self) -> bool:
        """Whether the person sits at a web browser, who is not to write files where this runs."""
        if self.app.is_web:
            self.notify("Files are saved from a terminal only: Y copies the command for it.")
        return self.app.is_web

    def _ask_folder(self, node: Node, layer: int) -> None:
        assert self.session is not None
        from layerscope.tui.dialogs import TextDialog

        def begin(folder: str | None) -> None:
            if folder is not None:
                self._collect(node, layer, os.path.expanduser(folder))

        index = self.session.instruction_of_layer(layer)
        question = f"{path_text(node.path)}, as it is after instruction {index}, into the folder:"
        self.app.push_screen(
            TextDialog(
                question,
                os.getcwd(),
                title="Extract",
                hint="Files, directories and links that stay inside; owners and devices are left out.",
            ),
            begin,
        )

    @work(thread=True, exclusive=True, group="take", exit_on_error=False)
    def _collect(self, node: Node, layer: int, folder: str) -> None:
        from layerscope.filesystem.extract import Extraction, items_below

        items = items_below(node, layer)
        try:
            with Extraction(folder) as extraction:
                found = extraction.conflicts(items)
        except LayerscopeError as error:
            self.post_message(self.Refused(error))
            return
        except OSError as error:
            self.post_message(self.Refused(OutputError(f"{folder}: {error.strerror}")))
            return
        if found:
            self.post_message(self.Conflicted(folder, items, found))
        else:
            self._extract(folder, items, overwrite=False)

    def _extract(self, folder: str, items: list[Item], *, overwrite: bool) -> None:
        """Runs in a worker."""
        assert self.session is not None
        from layerscope.filesystem.extract import Extraction

        worker = get_current_worker()
        try:
            with Extraction(folder, overwrite=overwrite) as extraction:
                taken = extraction.take(
                    items, self.session.analysis.indexes, cancelled=lambda: worker.is_cancelled
                )
        except Cancelled:
            return
        except LayerscopeError as error:
            self.post_message(self.Refused(error))
            return
        self.post_message(self.Took(folder, taken))

    @work(thread=True, exclusive=True, group="take", exit_on_error=False)
    def _overwrite(self, folder: str, items: list[Item]) -> None:
        self._extract(folder, items, overwrite=True)

    @on(Conflicted)
    def _conflicted(self, event: Conflicted) -> None:
        count = len(event.found)
        text = f"{count:,} of {len(event.items):,} files are there already, such as\n{path_text(event.found[0])}"
        self._ask_overwrite(text, partial(self._overwrite, event.folder, event.items))

    def _ask_overwrite(self, question: str, begin: Callable[[], object]) -> None:
        from layerscope.tui.dialogs import ConfirmDialog

        def answered(yes: bool | None) -> None:
            if yes:
                begin()

        self.app.push_screen(ConfirmDialog(question, title="Overwrite?", yes="Overwrite"), answered)

    @on(Took)
    def _took(self, event: Took) -> None:
        taken = event.taken
        made = taken.files + taken.symlinks
        text = f"{made:,} files, {format_size(taken.size)} in {event.folder}"
        if taken.skipped_count:
            path, reason = taken.skipped[0]
            text += f"\n{taken.skipped_count:,} left out, such as {path_text(path)}: {reason}"
        self.notify(text, title="Extracted", markup=False)

    @on(Refused)
    def _refused(self, event: Refused) -> None:
        self._tell_error(event.error.message, event.error.hint)

    def _tell_error(self, message: str, hint: str | None) -> None:
        from layerscope.tui.dialogs import ErrorDialog

        self.app.push_screen(ErrorDialog(message, hint))

    # Saving and copying

    def action_save_report(self) -> None:
        """Write the report of the image, in the format that the file's ending names."""
        if self.session is None or self._is_elsewhere():
            return
        from layerscope.report.renderers import RENDERERS
        from layerscope.tui.dialogs import TextDialog

        endings = {form.suffix: name for name, form in reversed(RENDERERS.items())}

        def begin(path: str | None) -> None:
            if path is None:
                return
            name = os.path.expanduser(path)
            form = endings.get(os.path.splitext(name)[1])
            if form is None:
                self._tell_error(
                    "the ending tells no format", "end the name in " + ", ".join(endings)
                )
            elif os.path.lexists(name):
                question = f"{name} is there already."
                self._ask_overwrite(question, partial(self._save, name, form, overwrite=True))
            else:
                self._save(name, form, overwrite=False)

        hint = "By its ending: " + ", ".join(f"{ending} {form}" for ending, form in endings.items())
        dialog = TextDialog("Write the report to:", "report.json", title="Save report", hint=hint)
        self.app.push_screen(dialog, begin)

    @work(thread=True, exclusive=True, group="save", exit_on_error=False)
    def _save(self, path: str, form: str, *, overwrite: bool) -> None:
        assert self.session is not None
        from layerscope.report.document import build
        from layerscope.report.filesystem import with_filesystem
        from layerscope.report.renderers import RENDERERS, Display
        from layerscope.report.replace import replacing

        document = build(self.session.analysis)
        if RENDERERS[form].filesystem:
            document = with_filesystem(document, self.session.analysis)
        text = io.StringIO()
        RENDERERS[form].create(Display(width=120)).render(document, text)
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

    def _path(self) -> str | None:
        selected = self._selected()
        return None if selected is None else escape_path(selected[0].path)

    def action_copy_path(self) -> None:
        """Put the path under the cursor on the clipboard."""
        path = self._path()
        if path is not None:
            self.app.copy_to_clipboard(path)
            self.notify(
                path_text(path.encode("utf-8", "backslashreplace")), title="Copied", markup=False
            )

    def action_copy_command(self) -> None:
        """Put the command line that takes this file out on the clipboard."""
        selected = self._selected()
        path = self._path()
        if selected is None or path is None or self.session is None:
            return
        words = ["layerscope", "extract", self.reference, path, "-o", "."]
        if selected[1] != self.session.last_layer:
            words += ["--layer", str(selected[1])]
        command = shlex.join(words)
        self.app.copy_to_clipboard(command)
        self.notify(
            path_text(command.encode("utf-8", "backslashreplace"))[1:], title="Copied", markup=False
        )
