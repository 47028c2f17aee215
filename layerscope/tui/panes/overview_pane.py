"""The overview: why the image is big, what to do first, and what is live and hardly needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from layerscope.report.escape import cell_width, fit_end, fit_start
from layerscope.report.file_text import size_text
from layerscope.report.paths import unescape_path
from layerscope.tui.folding_list import FoldingList
from layerscope.tui.model.overview_rows import Row
from layerscope.tui.paint import Span, cell
from layerscope.tui.panes.list_pane import ListPane
from layerscope.units import format_percent, format_size

if TYPE_CHECKING:
    from layerscope.analysis.filter.query import Query
    from layerscope.tui.model.overview_rows import OverviewRows
    from layerscope.tui.model.session import Session


class OverviewList(FoldingList[Row]):
    """Opens and closes kinds of dead weight."""

    HEADED = False
    HELP = """\
The causes of the image's size. No two of them share a byte, and those of the base image are apart. Below them is the advice
that saves most, and what is live although a running container hardly needs it.

Enter lists the paths of a kind. On a path, enter goes to the layer that stored it, and backspace goes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Paths", id="overview.paths"),
        Binding("right,l", "open", "Open", show=False, id="overview.open"),
        Binding("left,h", "close", "Close", show=False, id="overview.close"),
        Binding("space", "fold", "Fold", show=False, id="overview.fold"),
    ]

    def __init__(self, overview: OverviewRows, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.overview = overview
        self._query: Query | None = None

    def show(self, query: Query | None) -> None:
        """List what matches a filter."""
        self._query = query
        self.rebuild()

    def rebuild(self) -> None:
        width = self.size.width or 80
        self.rows = list(self.overview.rows(self._open, width, self._query))
        self.rows_changed()

    def on_resize(self) -> None:
        self.rebuild()

    def group(self, line: Row) -> int | None:
        return line.kind if line.opens else None

    # Painting

    def spans(self, row: int, width: int) -> Sequence[Span]:
        line = self.rows[row]
        if line.head:
            return [(fit_start(f" {line.text}", width), "strong")]
        if line.bytes is None:
            return [(fit_start(line.text, width), "")]
        share = format_percent(line.bytes, line.whole)
        spans: list[Span] = [
            (cell(size_text(line.bytes), 10, right=True), ""),
            (cell(share, 9, right=True) + "  ", "dim"),
        ]
        sign = "" if not line.opens else "▾ " if line.kind in self._open else "▸ "
        ending = f"  {line.ending}" if line.ending else ""
        left = max(4, width - 21 - cell_width(sign) - cell_width(ending))
        text = line.text if line.path is None else f"  {fit_end(line.text, max(4, left - 2))}"
        return [
            *spans,
            (sign, "dim"),
            (cell(fit_start(text, left), left), "strong" if line.opens else ""),
            (ending, "dim"),
        ]

    # Keys

    def action_choose(self) -> None:
        line = self.current
        if line is not None and line.path is not None:
            path = unescape_path(line.path).removeprefix(b"/")
            self.post_message(ListPane.ShowInLayer(line.layer, path))
        elif line is not None and line.opens:
            self.action_fold()


class OverviewPane(ListPane):
    """The overview and its filter."""

    kinds: ClassVar[Mapping[str, Collection[int]]] = {}

    def __init__(self, session: Session, *, id: str) -> None:  # noqa: A002
        self.overview_list = OverviewList(session.overview, id="overview-list")
        super().__init__(self.overview_list, id=id)
        self.session = session

    def on_mount(self) -> None:
        self.find(None)

    def find(self, query: Query | None) -> None:
        self.overview_list.show(query)
        self.overview_list.cursor = 0
        weight = self.session.analysis.facts.weight
        if weight is None:
            self.show_status("dead weight was not looked for (--no-dead-weight)")
            return
        live = self.session.analysis.sizes.live
        part = format_percent(weight.bytes, live)
        self.show_status(f"dead weight {format_size(weight.bytes)} · {part} of what is live")
