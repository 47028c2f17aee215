"""The duplicates pane: contents that are stored more than once, and packages that are installed more than once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType

from layerscope.report.escape import fit_end, fit_start
from layerscope.report.file_text import size_text
from layerscope.tui.folding_list import FoldingList
from layerscope.tui.model.duplicate_rows import DuplicateRows, Row
from layerscope.tui.model.selection import Selection
from layerscope.tui.model.session import Session
from layerscope.tui.paint import Span, bar, cell
from layerscope.tui.panes.list_pane import ListPane
from layerscope.units import count, format_size

if TYPE_CHECKING:
    from layerscope.analysis.duplicates import Duplicates
    from layerscope.analysis.filter.query import Query

_ROOMY: Final = 70
"""The width from which a row has a bar."""


class DuplicateList(FoldingList[Row]):
    """Opens and closes groups."""

    HELP = """\
Contents that the final filesystem stores more than once, with what one copy of each would save. Packages that are
installed more than once follow; what all copies but one of them hold overlaps with the saving of files.

Enter lists the paths of a group. On a path, enter goes to the layer that stored it, and backspace goes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Paths", id="duplicates.paths"),
        Binding("right,l", "open", "Open", show=False, id="duplicates.open"),
        Binding("left,h", "close", "Close", show=False, id="duplicates.close"),
        Binding("space", "fold", "Fold", show=False, id="duplicates.fold"),
    ]

    def __init__(self, groups: DuplicateRows, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.groups = groups
        self._numbers: list[int] = []
        self._most = 1

    def show(self, numbers: list[int]) -> None:
        """List these groups."""
        self._numbers = numbers
        self.rebuild()

    def rebuild(self) -> None:
        self.rows = list(self.groups.rows(self._numbers, self._open))
        self._most = max((row.saving for row in self.rows), default=1)
        self.rows_changed()

    def group(self, line: Row) -> int | None:
        return line.number if line.copies else None

    # Painting

    def heading(self, width: int) -> Sequence[Span]:
        share = " " * 9 if width >= _ROOMY else ""
        return [(f"{cell('saving', 10, right=True)}  {share}{cell('copies', 8)}content", "")]

    def spans(self, row: int, width: int) -> Sequence[Span]:
        line = self.rows[row]
        left = width - 20 - (9 if width >= _ROOMY else 0)
        if not line.copies:
            layer = "" if line.layer is None else f"layer {line.layer}"
            path = fit_end(line.text, max(4, left - 4 - len(layer) - 2))
            return [(" " * (width - left), ""), ("    " + path, ""), (f"  {layer}", "dim")]
        spans: list[Span] = [(cell(size_text(line.saving), 10, right=True) + "  ", "")]
        if width >= _ROOMY:
            spans.append((bar(line.saving, self._most, 8) + " ", "bar"))
        sign = "▾ " if line.number in self._open else "▸ "
        fit = fit_start if self.groups.groups[line.number].package else fit_end
        return [
            *spans,
            (cell(f"{line.copies:,}", 8), "dim"),
            (sign, "dim"),
            (fit(line.text, max(4, left - 2)), "strong"),
        ]

    # Keys

    def action_choose(self) -> None:
        line = self.current
        if line is not None and line.path is not None and line.layer is not None:
            self.post_message(ListPane.ShowInLayer(line.layer, line.path))
        elif line is not None and line.copies:
            self.action_fold()


class DuplicatesPane(ListPane):
    """The list of duplicates and its filter."""

    kinds: ClassVar[Mapping[str, Collection[int]]] = {}

    def __init__(self, session: Session, duplicates: Duplicates, *, id: str) -> None:  # noqa: A002
        self.groups = DuplicateRows(duplicates, session.analysis.tree)
        self.duplicate_list = DuplicateList(self.groups, id="duplicate-list")
        super().__init__(self.duplicate_list, id=id)
        self.session = session
        self.duplicates = duplicates

    def on_mount(self) -> None:
        self.find(None)

    def selected(self) -> Selection | None:
        row = self.duplicate_list.current
        if row is None or row.path is None or row.layer is None:
            return None
        node = self.session.analysis.tree.find(row.path)
        return None if node is None else self.session.selection(node, row.layer)

    def find(self, query: Query | None) -> None:
        numbers = self.groups.find(query)
        self.duplicate_list.show(numbers)
        self.duplicate_list.cursor = 0
        files = [group for number in numbers if not (group := self.groups.groups[number]).package]
        saving = sum(group.saving for group in files)
        words = [
            f"{count(len(files), 'content')} · one copy of each would save {format_size(saving)}"
        ]
        if len(numbers) > len(files):
            words.append(f"{count(len(numbers) - len(files), 'package')} in several places")
        if self.duplicates.unread is not None:
            words.append(f"{count(self.duplicates.unread.files, 'file')} not compared")
        self.show_status(" · ".join(words) if numbers else "nothing found")
