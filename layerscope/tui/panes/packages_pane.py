"""The packages pane: every package with the content that it stores, and below an open one its files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType

from layerscope.analysis.filter.query import WASTED, Query
from layerscope.report.escape import cell_width, fit_end, fit_start
from layerscope.report.file_text import path_text, size_text
from layerscope.report.words import one_line
from layerscope.tui.folding_list import FoldingList
from layerscope.tui.model.package_rows import ORDERS, PackageRows, Row
from layerscope.tui.model.selection import Selection
from layerscope.tui.model.session import Session
from layerscope.tui.paint import Span, bar, cell
from layerscope.tui.panes.list_pane import ListPane
from layerscope.units import count, format_percent, format_size

if TYPE_CHECKING:
    from layerscope.analysis.ownership import Ownership

_ROOMY: Final = 70
"""The width from which a row has a bar."""
_VERSION: Final = 9
"""The columns of a version that a long name leaves."""


class PackageList(FoldingList[Row]):
    """Opens and closes packages."""

    HELP = """\
The packages that the image's own databases name, with the content that their files store and how much of it is wasted. `x`
marks a version that the final filesystem doesn't have: a later layer removed or replaced it. The last line is what belongs
to no package.

Enter lists a package's files. On a file, enter goes to the layer that stored it, `x` to the layer that made it waste, and
backspace goes back.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Files", id="packages.files"),
        Binding("x", "waster", "Go to waster", show=False, id="packages.waster"),
        Binding("right,l", "open", "Open", show=False, id="packages.open"),
        Binding("left,h", "close", "Close", show=False, id="packages.close"),
        Binding("space", "fold", "Fold", show=False, id="packages.fold"),
        Binding("s", "sort", "Sort", id="packages.sort"),
    ]

    def __init__(self, session: Session, packages: PackageRows, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.session = session
        self.packages = packages
        self.order = ORDERS[0]
        self._numbers: list[int] = []
        self._most = 1

    def show(self, numbers: list[int]) -> None:
        """List these packages."""
        self._numbers = numbers
        self.packages.sort(numbers, self.order)
        self.rebuild()

    def rebuild(self) -> None:
        self.rows = list(self.packages.rows(self._numbers, self._open))
        self._most = max((row.bytes for row in self.rows), default=1)
        self.rows_changed()

    def group(self, line: Row) -> int | None:
        return line.number if line.is_package else None

    # Painting

    def heading(self, width: int) -> Sequence[Span]:
        names = {name: name + ("↓" if name == self.order else "") for name in ORDERS}
        share = "         " if width >= _ROOMY else ""
        numbers = cell(names["content"], 10, right=True) + cell(names["wasted"], 11, right=True)
        return [(f"{numbers}  {share}{cell(names['layer'], 7)}package{names['name'][4:]}", "")]

    def heading_clicked(self, column: int) -> None:
        share = 9 if self.size.width >= _ROOMY else 0
        ends = (10, 21 + 2 + share, 30 + share)
        place = next((place for place, end in enumerate(ends) if column < end), len(ends))
        self._sort_by(ORDERS[place])

    def spans(self, row: int, width: int) -> Sequence[Span]:
        line = self.rows[row]
        wasted = size_text(line.wasted) if line.wasted else "–"
        spans: list[Span] = [
            (cell(size_text(line.bytes), 10, right=True), ""),
            (cell(wasted, 11, right=True) + "  ", "waste" if line.wasted else "dim"),
        ]
        left = width - 30
        if width >= _ROOMY:
            spans.append((bar(line.bytes, self._most, 8) + " ", "bar"))
            left -= 9
        return [*spans, *(self._package(line, left) if line.is_package else self._file(line, left))]

    def _package(self, line: Row, left: int) -> list[Span]:
        sign = "▾ " if line.number in self._open else "▸ "
        files = f"  {count(line.files, 'file')}"
        share = self.packages.package(line.number)
        if share is None:
            return [(cell("", 7), ""), (sign, "dim"), ("no package", "strong")]
        package = share.package
        name = one_line(f"{package.type} {package.full_name}")
        version = one_line(package.version)
        tail = f" {version}{'' if share.installed else ' x'}"
        shown = fit_start(name, max(4, left - 2 - min(cell_width(tail), _VERSION)))
        room = left - 2 - cell_width(shown)
        if cell_width(tail) + cell_width(files) <= room:
            tail += files
        return [
            (cell(str(share.layer), 7), "dim"),
            (sign, "dim"),
            (shown, "strong"),
            (fit_start(tail, max(0, room)) if room > 0 else "", "dim"),
        ]

    def _file(self, line: Row, left: int) -> list[Span]:
        if line.file is None:
            return [
                (cell("", 7), ""),
                (fit_start(f"    {line.files:,} smaller files", left), "dim"),
            ]
        tail = ""
        if line.file.wasted_in is not None:
            tail = f"  ✕ {self.session.instruction_of_layer(line.file.wasted_in)}"
        path = fit_end(path_text(line.file.path), max(4, left - 4 - len(tail)))
        return [(cell(str(line.file.layer), 7), "dim"), ("    " + path, ""), (tail, "dim")]

    # Keys

    def action_choose(self) -> None:
        line = self.current
        if line is not None and line.file is not None:
            self.post_message(ListPane.ShowInLayer(line.file.layer, line.file.path))
        elif line is not None and line.is_package:
            self.action_fold()

    def action_waster(self) -> None:
        """Go to the layer that wasted the file."""
        line = self.current
        if line is not None and line.file is not None and line.file.wasted_in is not None:
            self.post_message(ListPane.ShowInLayer(line.file.wasted_in, line.file.path))

    def action_sort(self) -> None:
        self._sort_by(ORDERS[(ORDERS.index(self.order) + 1) % len(ORDERS)])

    def _sort_by(self, order: str) -> None:
        self.order = order
        self.show(self._numbers)


class PackagesPane(ListPane):
    """The list of packages and its filter."""

    kinds: ClassVar[Mapping[str, Collection[int]]] = {WASTED: ()}

    def __init__(self, session: Session, ownership: Ownership, *, id: str) -> None:  # noqa: A002
        self.packages = PackageRows(session.analysis, ownership)
        self.package_list = PackageList(session, self.packages, id="package-list")
        super().__init__(self.package_list, id=id)
        self.session = session

    def on_mount(self) -> None:
        self.find(None)

    def selected(self) -> Selection | None:
        row = self.package_list.current
        if row is None or row.file is None:
            return None
        node = self.session.analysis.tree.find(row.file.path)
        return None if node is None else self.session.selection(node, row.file.layer)

    def find(self, query: Query | None) -> None:
        numbers = self.packages.find(query)
        self.package_list.show(numbers)
        self.package_list.cursor = 0
        shares = [
            share for number in numbers if (share := self.packages.package(number)) is not None
        ]
        if not shares:
            self.show_status("no package was found" if query is None else "nothing found")
            return
        size = sum(share.content for share in shares)
        part = format_percent(size, self.session.analysis.sizes.content)
        self.show_status(
            f"{count(len(shares), 'package')} · {format_size(size)} · {part} of the content"
        )
