"""The pane of the largest files: one flat list over the whole image."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.worker import get_current_worker

from layerscope.errors import Cancelled
from layerscope.layers.entry import DIRECTORY
from layerscope.report.escape import fit_end
from layerscope.tui.finder import Finder
from layerscope.tui.flags import select
from layerscope.tui.line_list import LineList
from layerscope.tui.list_pane import ListPane
from layerscope.tui.paint import Span, bar, cell, path_text, size_text
from layerscope.tui.query import Query
from layerscope.tui.session import CHANGES, Session
from layerscope.units import format_size

MOST = 5_000
"""Files that are listed, the largest."""
_ORDERS = ("size", "path", "layer")


class LargestList(LineList):
    """Files of the final filesystem with the instruction that wrote each."""

    HELP = """\
The largest files of the image as a container sees it. Enter goes to the file in the tree of its layer.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Go to file", id="largest.go"),
        Binding("s", "sort", "Sort", id="largest.sort"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.session: Session | None = None
        self.numbers: list[int] = []
        self.order = "size"
        self._most = 1

    def show(self, session: Session, numbers: list[int]) -> None:
        self.session = session
        self.numbers = numbers
        self._most = max((self._bytes_of(number) for number in numbers), default=1)
        self._sort()

    def _bytes_of(self, number: int) -> int:
        assert self.session is not None
        return self.session.totals(self.session.whole).size[number]

    def _layer_of(self, number: int) -> int:
        assert self.session is not None
        entry = self.session.outline.nodes[number].latest
        content = None if entry is None else entry.content or entry
        return 0 if content is None else content.layer

    def _sort(self) -> None:
        assert self.session is not None
        path = self.session.outline.path
        sizes = self.session.totals(self.session.whole).size
        if self.order == "path":
            self.numbers.sort(key=path)
        elif self.order == "layer":
            self.numbers.sort(key=lambda number: (self._layer_of(number), -self._bytes_of(number)))
        else:
            self.numbers.sort(key=lambda number: (-sizes[number], number))
        self.rows_changed()

    @property
    def row_count(self) -> int:
        return len(self.numbers)

    def path_at(self, row: int) -> bytes:
        assert self.session is not None
        return self.session.outline.path(self.numbers[row])

    def layer_at(self, row: int) -> int:
        return self._layer_of(self.numbers[row])

    def heading(self, width: int) -> Sequence[Span]:
        share = "" if width < 60 else "         "
        marks = {name: name + ("↓" if name == self.order else "") for name in _ORDERS}
        return [
            (
                cell(marks["size"], 10, right=True)
                + "  "
                + share
                + cell("written by", 12)
                + marks["path"],
                "",
            )
        ]

    def heading_clicked(self, column: int) -> None:
        self.order = "size" if column < 21 else "layer" if column < 33 else "path"
        self._sort()

    def spans(self, row: int, width: int) -> Sequence[Span]:
        assert self.session is not None
        number = self.numbers[row]
        size, layer = self._bytes_of(number), self._layer_of(number)
        spans: list[Span] = [(cell(size_text(size), 10, right=True) + "  ", "")]
        left = width - 24
        if width >= 60:
            spans.append((bar(size, self._most, 8) + " ", "bar"))
            left -= 9
        writer = self.session.instruction_of_layer(layer)
        found = self.session.instruction(writer)
        keyword = "" if found is None else found.instruction.keyword
        spans.append((cell(f"{writer:>3} {cell(keyword, 7)}", 12), "dim"))
        spans.append((fit_end(path_text(self.path_at(row)), max(4, left)), ""))
        return spans

    def action_choose(self) -> None:
        if self.cursor < len(self.numbers):
            self.post_message(ListPane.Jump(self.layer_at(self.cursor), self.path_at(self.cursor)))

    def action_sort(self) -> None:
        self.order = _ORDERS[(_ORDERS.index(self.order) + 1) % len(_ORDERS)]
        self._sort()


class LargestPane(ListPane):
    """The list of large files and its filter."""

    class _Found(Message):
        def __init__(self, query: Query | None, numbers: list[int], count: int, size: int) -> None:
            super().__init__()
            self.query = query
            self.numbers = numbers
            self.count = count
            self.size = size

    def __init__(self, session: Session, *, id: str) -> None:  # noqa: A002
        self.largest_list = LargestList(id="largest-list")
        super().__init__(self.largest_list, id=id)
        self.session = session
        self._query: Query | None = None

    def on_mount(self) -> None:
        self.find(None)

    def find(self, query: Query | None) -> None:
        self._query = query
        self._search(query, self.session)

    @work(thread=True, exclusive=True, group="largest", exit_on_error=False)
    def _search(self, query: Query | None, session: Session) -> None:
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
        size = sum(sizes[number] for number in numbers)
        largest = heapq.nlargest(MOST, numbers, key=sizes.__getitem__)
        if not worker.is_cancelled:
            self.post_message(self._Found(query, largest, len(numbers), size))

    @on(_Found)
    def _found(self, event: _Found) -> None:
        if event.query is not self._query:
            return
        self.largest_list.show(self.session, event.numbers)
        self.largest_list.cursor = 0
        text = f"{event.count:,} files · {format_size(event.size)}"
        if event.count > len(event.numbers):
            text += f" · the {len(event.numbers):,} largest are listed"
        self.tell(text if event.count else "nothing found")
