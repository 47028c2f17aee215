"""Looks inside a file of two images: what differs, or the content of either side."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content as Words
from textual.widgets import Static

from layerscope.filesystem.content import content_entry, open_content
from layerscope.filesystem.links import resolve
from layerscope.layers.entry import FILE, HARDLINK, KIND_NAMES, SYMLINK
from layerscope.layers.file_content import Content
from layerscope.report.escape import fit_end
from layerscope.report.file_text import mode_text, name_text, owner_text, path_text
from layerscope.tui.model.pages import Line, diff_lines, metadata_lines
from layerscope.tui.screens.file_screen import FileScreen, FileStore, Look, Page
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.analysis.comparison.side import Side
    from layerscope.filesystem.entry import Entry
    from layerscope.filesystem.node import Node
    from layerscope.tui.compare.pair_session import CompareSession, MergedFiles


class CompareFileScreen(FileScreen):
    """One path of the merged tree. A moved file is compared with its other path."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "side", "Side A/B", id="file.side"),
    ]

    def __init__(self, compared: CompareSession, merged: MergedFiles, number: int) -> None:
        self.compared = compared
        self.path = merged.outline.path(number)
        a, b = merged.outline.entries(number)
        change = merged.outline.change(number)
        if change is not None and change.kind == "moved":
            a, b = change.a, change.b
        self.entry_a, self.entry_b = a, b
        self.side = "B" if b is not None else "A"
        entry = b if b is not None else a
        assert entry is not None
        side = compared.comparison.b if b is not None else compared.comparison.a
        found = None if side.files is None else side.files.tree.find(entry.path.strip(b"/"))
        assert side.files is not None
        node = found if found is not None else side.files.tree.root
        super().__init__(FileStore(side.files.tree.root, side.files.indexes), node, entry)
        self.before = a if b is not None else None

    def _side(self) -> Side:
        comparison = self.compared.comparison
        return comparison.a if self.side == "A" else comparison.b

    def _paint_title(self) -> None:
        facts = []
        for letter, entry in (("A", self.entry_a), ("B", self.entry_b)):
            words = "–" if entry is None else f"{mode_text(entry)} {owner_text(entry)}"
            if entry is not None and entry.content is not None:
                words += f" {format_size(entry.content.size)}"
            facts.append(f"{letter} {words}")
        status = "   ".join(facts)
        path = fit_end(path_text(self.path), max(8, self.app.size.width - len(status) - 6))
        self.query_one("#file-title", Static).update(
            Words.assemble((path, "bold"), "   ", (status, ""))
        )

    def _facts(self) -> list[Line]:
        """What to show if a side has no content."""
        lines: list[Line] = []
        for letter, entry in (("A", self.entry_a), ("B", self.entry_b)):
            if entry is None:
                lines.append([(f"{letter}   ", "strong"), ("not there", "dim")])
                continue
            words = KIND_NAMES[entry.kind]
            if entry.kind == SYMLINK:
                words += f" → {name_text(entry.link)}"
            elif entry.extra is not None and entry.extra.device is not None:
                words += " {}, {}".format(*entry.extra.device)
            lines.append([(f"{letter}   ", "strong"), (words, "")])
        if self.entry_a is not None and self.entry_b is not None:
            lines += metadata_lines(self.entry_a, self.entry_b)
        return lines

    def _target(self) -> Node | None:
        files = self._side().files
        if files is None:
            return None
        return resolve(files.tree.root, self.node, self.entry.link, self.entry.layer)

    # Reading, in the base class's worker

    def _open(self, entry: Entry, cancelled: Callable[[], bool]) -> Content | None:
        comparison = self.compared.comparison
        files = (comparison.a if entry is self.entry_a else comparison.b).files
        if files is None or content_entry(entry) is None:
            return None
        return open_content(entry, files.indexes, cancelled=cancelled)

    def _page(self, look: Look | None, number: int, cancelled: Callable[[], bool]) -> Page:
        both = self.entry_a is not None and self.entry_b is not None
        if look == "diff" or (look is None and both):
            return self._diff(cancelled)
        if self._side().saved:
            return Page(look or "text", 0, 1, self._without_content(self.side), "no content")
        page = super()._page(look, number, cancelled)
        return Page(page.look, page.number, page.count, page.lines, f"{self.side} · {page.status}")

    def _without_content(self, sides: str) -> list[Line]:
        """What is known anyway."""
        note = f"{sides} is a saved report, which has the sizes and hashes of files but not their contents"
        if " and " in sides:
            note = f"{sides} are saved reports, which have the sizes and hashes of files but not their contents"
        lines: list[Line] = [*self._facts(), [("", "")], [(note, "dim")]]
        sizes = [
            None if entry is None or entry.content is None else entry.content.size
            for entry in (self.entry_a, self.entry_b)
        ]
        words = f"{format_size(sizes[0])} → {format_size(sizes[1])}"
        return [*lines, [("size    ", "dim"), (words, "")]]

    def _diff(self, cancelled: Callable[[], bool]) -> Page:
        a, b = self.entry_a, self.entry_b
        status = "diff · A to B"
        files = [each is not None and each.kind in (FILE, HARDLINK) for each in (a, b)]
        if self.compared.contentless:
            return Page("diff", 0, 1, self._without_content(self.compared.contentless), status)
        if a is None or b is None or not all(files):
            return Page("diff", 0, 1, self._facts(), status)
        lines = metadata_lines(a, b)
        lines += diff_lines(self._open(a, cancelled), self._open(b, cancelled))
        return Page("diff", 0, 1, lines, status)

    # Keys

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "take_out":
            return False
        if action == "side":
            return self.entry_a is not None and self.entry_b is not None
        return super().check_action(action, parameters)

    def action_side(self) -> None:
        """Show the content of the other side."""
        self.side = "A" if self.side == "B" else "B"
        entry = self.entry_a if self.side == "A" else self.entry_b
        files = self._side().files
        if entry is None or files is None:
            return
        self.entry = entry
        self.node = files.tree.find(entry.path.strip(b"/")) or self.node
        self._content = None
        if entry.kind in (FILE, HARDLINK):
            self._read("hex" if self.look == "hex" else "text", 0)
        self.refresh_bindings()
