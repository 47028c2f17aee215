"""The pane of the largest files: one flat list of the whole image, with or without wasted files."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import chain
from operator import attrgetter
from typing import ClassVar, Final

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.worker import get_current_worker

from layerscope.analysis.filter.query import Query
from layerscope.errors import Cancelled
from layerscope.layers.entry import DIRECTORY
from layerscope.records import dataclass
from layerscope.report.escape import fit_end
from layerscope.report.file_text import path_text, size_text
from layerscope.tui.line_list import LineList
from layerscope.tui.model.finder import Finder
from layerscope.tui.model.flags import select
from layerscope.tui.model.selection import Selection
from layerscope.tui.model.session import CHANGES, Session
from layerscope.tui.model.view import REMOVED
from layerscope.tui.paint import Span, bar, cell
from layerscope.tui.panes.list_pane import ListPane
from layerscope.units import count, format_size

MOST: Final = 5_000
"""How many of the largest files to list."""
_ORDERS = ("size", "path", "layer")


@dataclass(frozen=True, slots=True)
class LargeFile:
    """Content at a path, and the layer that stores it. `wasted_in` is the layer that made it waste."""

    size: int
    path: bytes
    layer: int
    wasted_in: int | None = None


class LargestList(LineList):
    """Files with the instruction that wrote each."""

    HELP = """\
The largest files that a container sees. `v` adds wasted files: `x` marks content that the image stores but no container
sees.

Enter goes to the file in its layer's changes, `x` to the layer that made it waste, and backspace goes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go to file", id="largest.go"),
        Binding("x", "waster", "Go to waster", show=False, id="largest.waster"),
        Binding("s", "sort", "Sort", id="largest.sort"),
    ]

    def __init__(self, session: Session, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.session = session
        self.files: list[LargeFile] = []
        self.order = "size"
        self._most = 1

    def show(self, files: list[LargeFile]) -> None:
        self.files = files
        self._most = max((file.size for file in files), default=1)
        self._sort()

    def _sort(self) -> None:
        if self.order == "path":
            self.files.sort(key=lambda file: (file.path, file.layer))
        elif self.order == "layer":
            self.files.sort(key=lambda file: (file.layer, -file.size, file.path))
        else:
            self.files.sort(key=lambda file: (-file.size, file.path, file.layer))
        self.rows_changed()

    @property
    def row_count(self) -> int:
        return len(self.files)

    @property
    def current(self) -> LargeFile | None:
        return self.files[self.cursor] if self.cursor < len(self.files) else None

    def heading(self, width: int) -> Sequence[Span]:
        share = "" if width < 60 else "         "
        marks = {name: name + ("↓" if name == self.order else "") for name in _ORDERS}
        size = cell(marks["size"], 12, right=True)
        return [(f"{size}  {share}{cell('written by', 12)}{marks['path']}", "")]

    def heading_clicked(self, column: int) -> None:
        self.order = "size" if column < 23 else "layer" if column < 35 else "path"
        self._sort()

    def spans(self, row: int, width: int) -> Sequence[Span]:
        file = self.files[row]
        wasted = file.wasted_in is not None
        spans: list[Span] = [
            ("x " if wasted else "  ", "waste"),
            (cell(size_text(file.size), 10, right=True) + "  ", ""),
        ]
        left = width - 26
        if width >= 60:
            spans.append((bar(file.size, self._most, 8) + " ", "waste" if wasted else "bar"))
            left -= 9
        writer = self.session.instruction_of_layer(file.layer)
        found = self.session.instruction(writer)
        keyword = "" if found is None else found.instruction.keyword
        spans.append((cell(f"{writer:>3} {cell(keyword, 7)}", 12), "dim"))
        tail = ""
        if file.wasted_in is not None:
            tail = f"  ✕ {self.session.instruction_of_layer(file.wasted_in)}"
        spans.append((fit_end(path_text(file.path), max(4, left - len(tail))), ""))
        spans.append((tail, "dim"))
        return spans

    def action_choose(self) -> None:
        file = self.current
        if file is not None:
            self.post_message(ListPane.ShowInLayer(file.layer, file.path))

    def action_waster(self) -> None:
        """Go to the layer that wasted the file."""
        file = self.current
        if file is not None and file.wasted_in is not None:
            self.post_message(ListPane.ShowInLayer(file.wasted_in, file.path))

    def action_sort(self) -> None:
        self.order = _ORDERS[(_ORDERS.index(self.order) + 1) % len(_ORDERS)]
        self._sort()


class LargestPane(ListPane):
    """The list of large files and its filter."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "wasted", "Wasted on/off", id="largest.wasted"),
    ]

    @dataclass
    class _Found(Message):
        query: Query | None
        files: list[LargeFile]
        status: str

    def __init__(self, session: Session, *, id: str) -> None:  # noqa: A002
        self.largest_list = LargestList(session, id="largest-list")
        super().__init__(self.largest_list, id=id)
        self.session = session
        self.with_wasted = False
        self._query: Query | None = None

    def on_mount(self) -> None:
        self.find(None)

    def action_wasted(self) -> None:
        """Include wasted files, or leave them out."""
        self.with_wasted = not self.with_wasted
        self.find(self._query)

    def selected(self) -> Selection | None:
        file = self.largest_list.current
        node = None if file is None else self.session.analysis.tree.find(file.path)
        if file is None or node is None:
            return None
        layer = self.session.last_layer if file.wasted_in is None else file.layer
        return self.session.selection(node, layer)

    def find(self, query: Query | None) -> None:
        self._query = query
        self._search(query, self.session, self.with_wasted)

    @work(thread=True, exclusive=True, group="largest", exit_on_error=False)
    def _search(self, query: Query | None, session: Session, with_wasted: bool) -> None:
        worker = get_current_worker()
        totals = session.totals(session.whole)
        there = select(totals.marks, set().union(*CHANGES.values()) - CHANGES["removed"])
        try:
            finder = Finder(session.outline, totals, lambda: worker.is_cancelled)
            hits = there if query is None else finder.find(query, there)
        except Cancelled:
            return
        sizes, kinds = totals.size, totals.kinds
        numbers = [
            number
            for number, flag in enumerate(hits)
            if flag and sizes[number] and kinds[number] != DIRECTORY
        ]
        size, number = sum(sizes[each] for each in numbers), len(numbers)
        largest = heapq.nlargest(MOST, numbers, key=sizes.__getitem__)
        files: Iterator[LargeFile] = (_live(session, number, sizes[number]) for number in largest)
        status = ""
        if with_wasted:
            wasted = list(_wasted(session, query))
            gone = sum(file.size for file in wasted)
            size, number = size + gone, number + len(wasted)
            status = f", {format_size(gone)} of it wasted"
            files = chain(files, wasted)
        listed = heapq.nlargest(MOST, files, key=attrgetter("size"))
        status = (
            f"{count(number, 'file')} · {format_size(size)}{status}" if number else "nothing found"
        )
        if not number and query is not None and not with_wasted:
            gone = sum(1 for _ in _wasted(session, query))
            status += f" · {gone:,} wasted: v lists them" if gone else ""
        if number > len(listed):
            status += f" · the {len(listed):,} largest are listed"
        if not worker.is_cancelled:
            self.post_message(self._Found(query, listed, status))

    @on(_Found)
    def _found(self, event: _Found) -> None:
        if event.query is not self._query:
            return
        self.largest_list.show(event.files)
        self.largest_list.cursor = 0
        self.show_status(event.status)


def _live(session: Session, number: int, size: int) -> LargeFile:
    entry = session.outline.node(number).latest
    content = None if entry is None else entry.content or entry
    return LargeFile(size, session.outline.path(number), 0 if content is None else content.layer)


def _wasted(session: Session, query: Query | None) -> Iterator[LargeFile]:
    for file in session.analysis.waste:
        layers = (file.layer, file.wasted_in)
        if query is None or (
            (query.marks is None or (file.kind == "deleted" and REMOVED in query.marks))
            and query.holds(file.path, file.bytes, layers, wasted=True)
        ):
            yield LargeFile(file.bytes, file.path.lstrip(b"/"), file.layer, file.wasted_in)
