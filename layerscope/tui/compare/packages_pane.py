"""The packages pane of two images: what was added, removed, or changed its version, and below an open one its files."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.message import Message

from layerscope.records import dataclass
from layerscope.report.comparison.package_words import STATUS_WORDS
from layerscope.report.comparison.words import one_line
from layerscope.report.escape import fit_end, fit_start
from layerscope.report.file_text import path_text, size_text
from layerscope.tui.compare.deltas import delta_style, delta_text
from layerscope.tui.compare.package_pairs import PackagePairs, PairRow
from layerscope.tui.folding_list import FoldingList
from layerscope.tui.paint import Span, cell
from layerscope.tui.panes.list_pane import ListPane
from layerscope.units import count, format_delta

if TYPE_CHECKING:
    from layerscope.analysis.comparison.packages import PackageChange
    from layerscope.analysis.filter.query import Query
    from layerscope.tui.compare.pair_session import CompareSession

_SIZES: Final = 10
_STATUS: Final = 12
_STYLES: Final = {
    "added": "added",
    "removed": "removed",
    "upgraded": "modified",
    "downgraded": "modified",
    "changed": "modified",
    "resized": "rewritten",
}
_UNKNOWN: Final = "packages are not compared; the notes in the overview say why"


class PackagePairList(FoldingList[PairRow]):
    """Opens and closes packages."""

    HELP = """\
The packages that differ, the largest difference first, with the content that they store in A and in B. `resized` packages
have the same versions with other bytes.

Enter lists a package's files. On a file, enter shows it in the tree.
"""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "Files", id="packages.files"),
        Binding("right,l", "open", "Open", show=False, id="packages.open"),
        Binding("left,h", "close", "Close", show=False, id="packages.close"),
        Binding("space", "fold", "Fold", show=False, id="packages.fold"),
    ]

    @dataclass
    class ShowFile(Message):
        """Show a path in the tree of both images."""

        path: bytes

    def __init__(self, pairs: PackagePairs, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.pairs = pairs
        self._numbers: list[int] = []

    def show(self, numbers: list[int]) -> None:
        """List these packages."""
        self._numbers = numbers
        self.rebuild()

    def rebuild(self) -> None:
        self.rows = list(self.pairs.rows(self._numbers, self._open))
        self.rows_changed()

    def group(self, line: PairRow) -> int | None:
        return line.number if line.is_package else None

    def heading(self, width: int) -> Sequence[Span]:
        names = "".join(cell(name, _SIZES, right=True) for name in ("A", "B"))
        status = cell("", _STATUS) if self._is_roomy(width) else ""
        return [(f"{names}{cell('change↓', 12, right=True)}  {status}package", "")]

    @staticmethod
    def _is_roomy(width: int) -> bool:
        return width >= 70

    def spans(self, row: int, width: int) -> Sequence[Span]:
        line = self.rows[row]
        spans: list[Span] = [
            (cell(size_text(size) if size else "–", _SIZES, right=True), "" if size else "dim")
            for size in (line.a_bytes, line.b_bytes)
        ]
        spans.append((cell(delta_text(line.delta), 12, right=True) + "  ", delta_style(line.delta)))
        left = width - 2 * _SIZES - 14
        roomy = self._is_roomy(width)
        left -= _STATUS if roomy else 0
        change = self.pairs.changes[line.number]
        if line.is_package:
            if roomy:
                status = cell(STATUS_WORDS[change.status], _STATUS)
                spans.append((status, _STYLES[change.status]))
            return [*spans, *self._package(line, change, left)]
        spans.append((" " * _STATUS if roomy else "", ""))
        if line.file is None:
            return [*spans, (fit_start(f"    {line.rest:,} other files", left), "dim")]
        return [*spans, ("    " + fit_end(path_text(line.file.path), max(4, left - 4)), "")]

    def _package(self, line: PairRow, change: PackageChange, left: int) -> list[Span]:
        sign = "▾ " if line.number in self._open else "▸ "
        name = fit_start(one_line(f"{change.type} {change.name}"), max(4, left - 2))
        tail = f" {versions_text(change)}"
        room = left - 2 - len(name)
        shown = fit_start(tail, room) if room > 4 else ""
        return [(sign, "dim"), (name, "strong"), (shown, "dim")]

    # Keys

    def action_choose(self) -> None:
        line = self.current
        if line is not None and line.file is not None:
            self.post_message(self.ShowFile(line.file.path))
        elif line is not None and line.is_package:
            self.action_fold()


def versions_text(change: PackageChange) -> str:
    """`1.0 → 2.0`, or the versions of the only image that has the package."""
    before, after = ", ".join(change.a_versions), ", ".join(change.b_versions)
    both = f"{before} → {after}" if before and after and before != after else before or after
    return one_line(both)


class ComparePackagesPane(ListPane):
    """The list of packages that differ, and its filter."""

    kinds: ClassVar[Mapping[str, Collection[int]]] = {}

    def __init__(self, session: CompareSession, *, id: str) -> None:  # noqa: A002
        comparison = session.comparison
        packages = comparison.packages
        self.known = packages is not None
        changes = () if packages is None else packages.changes
        self.pairs = PackagePairs(changes, comparison.a, comparison.b)
        self.package_list = PackagePairList(self.pairs, id="package-pairs")
        super().__init__(self.package_list, id=id)

    def on_mount(self) -> None:
        self.find(None)

    def find(self, query: Query | None) -> None:
        numbers = self.pairs.find(query)
        self.package_list.show(numbers)
        self.package_list.cursor = 0
        if not self.known:
            self.show_status(_UNKNOWN)
            return
        if not numbers:
            self.show_status("no package differs" if query is None else "nothing found")
            return
        changes = [self.pairs.changes[number] for number in numbers]
        parts = [f"{count(len(numbers), 'package')} with a difference"]
        parts.append(format_delta(sum(change.delta for change in changes)))
        if not self.pairs.knows_files:
            parts.append("a saved report doesn't say which files are whose")
        self.show_status(" · ".join(parts))
