"""What leads out of the browser of one image: a file looked at or taken out, the report saved, a path copied."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING

from layerscope.report.paths import escape_path
from layerscope.tui.model.view import REMOVED
from layerscope.tui.paint import path_text
from layerscope.tui.screens.saving import Saving
from layerscope.tui.screens.taking_out import Selection, TakingOut

if TYPE_CHECKING:
    from layerscope.filesystem.entry import Entry
    from layerscope.filesystem.node import Node
    from layerscope.report.document.rows import Document
    from layerscope.report.formats.format import Format
    from layerscope.tui.model.session import Session
    from layerscope.tui.panes.files_pane import FilesPane
    from layerscope.tui.panes.largest_pane import LargestPane
    from layerscope.tui.panes.waste_pane import WastePane


class GoingOut(Saving, TakingOut):
    """What the screen of an image derives from."""

    session: Session | None
    reference: str

    @property
    def tab(self) -> str:
        raise NotImplementedError

    @property
    def files(self) -> FilesPane:
        raise NotImplementedError

    def look_inside(self, node: Node, entry: Entry) -> None:
        """Show what a file holds; a followed link moves the cursor to its target."""
        assert self.session is not None
        from layerscope.tui.screens.file_screen import FileScreen

        def follow(path: bytes | None) -> None:
            if path is not None and not self.files.go_to(path):
                self.files.view(self.session.whole if self.session else self.files.scope, path)

        selection = self._selection(node, entry.layer)

        def take_out() -> None:
            if not self.is_elsewhere():
                self.take_out(selection)

        self.app.push_screen(FileScreen(self.session, node, entry, take_out), follow)

    def _selection(self, node: Node, layer: int) -> Selection:
        assert self.session is not None
        when = f"as it is after instruction {self.session.instruction_of_layer(layer)}"
        return Selection(node, layer, when, self.session.analysis.indexes)

    def selected(self) -> Selection | None:
        """The file or directory under the cursor of the pane that is shown."""
        if self.session is None:
            return None
        if self.tab == "waste":
            pane: WastePane = self.query_one("#waste")  # type: ignore[assignment]
            row = pane.waste_list.current
            if row is None or row.file is None:
                return None
            node = self.session.analysis.tree.find(row.file.path.strip(b"/"))
            return None if node is None else self._selection(node, row.file.layer)
        nodes = self.session.outline.nodes
        if self.tab == "largest":
            largest: LargestPane = self.query_one("#largest")  # type: ignore[assignment]
            file = largest.largest_list.current
            node = None if file is None else self.session.analysis.tree.find(file.path)
            if file is None or node is None:
                return None
            layer = self.session.last_layer if file.wasted_in is None else file.layer
            return self._selection(node, layer)
        number, totals = self.files.tree_view.number, self.files.tree_view.totals
        if self.tab != "files" or number is None or totals is None:
            return None
        entry = self.files.entry
        removed = totals.marks[number] == REMOVED
        if removed and entry is not None:
            return self._selection(nodes[number], entry.layer)
        return self._selection(nodes[number], self.files.scope.last)

    # Saving and copying

    def formats(self) -> Mapping[str, Format]:
        from layerscope.report.formats.renderers import RENDERERS

        return {} if self.session is None else RENDERERS

    def document_for(self, form: Format) -> Document:
        assert self.session is not None
        from layerscope.report.document.builder import build

        document = build(self.session.analysis)
        if not form.filesystem:
            return document
        from layerscope.report.document.filesystem import with_filesystem

        return with_filesystem(document, self.session.analysis)

    def action_copy_path(self) -> None:
        """Put the path under the cursor on the clipboard."""
        selection = self.selected()
        if selection is not None:
            path = escape_path(selection.node.path)
            self.copy(path, path_text(path.encode("utf-8", "backslashreplace")))

    def action_copy_command(self) -> None:
        """Put the command line that takes this file out on the clipboard."""
        selection = self.selected()
        if selection is None or self.session is None:
            return
        words = [
            "layerscope",
            "extract",
            self.reference,
            escape_path(selection.node.path),
            "-o",
            ".",
        ]
        if selection.layer != self.session.last_layer:
            words += ["--layer", str(selection.layer)]
        command = shlex.join(words)
        self.copy(command, path_text(command.encode("utf-8", "backslashreplace"))[1:])
