"""Two final filesystems as one flat tree: what each name is on both sides, and what differs."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from layerscope.analysis.comparison.files import FileChange, FileComparison, Listed, MergedTree
from layerscope.analysis.comparison.glob import compile_glob
from layerscope.errors import Cancelled
from layerscope.layers.entry import DIRECTORY
from layerscope.tui.model.flags import select
from layerscope.tui.model.outline import ROOT, Outline
from layerscope.tui.model.rows import lead_to
from layerscope.tui.model.view import Totals

if TYPE_CHECKING:
    from layerscope.filesystem.entry import Entry

SAME: Final = 1
ADDED: Final = 2
CONTENT: Final = 3
REMOVED: Final = 4
METADATA: Final = 5
TYPE: Final = 6
MOVED_AWAY: Final = 7
MOVED_HERE: Final = 8
HARDLINKED: Final = 9
UNKNOWN: Final = 10
BELOW: Final = 11
"""A directory that is the same on both sides but has differences below it."""

MARKS: Final = "  +~-mt→←h? "
CHANGED: Final = frozenset(range(ADDED, BELOW))
QUERY_KINDS: Final[Mapping[str, set[int]]] = {
    "added": {ADDED},
    "removed": {REMOVED},
    "changed": set(CHANGED),
    "content": {CONTENT},
    "metadata": {METADATA},
    "type": {TYPE},
    "moved": {MOVED_AWAY, MOVED_HERE},
    "hardlink": {HARDLINKED},
    "unknown": {UNKNOWN},
    "unchanged": {SAME},
}
"""The values of `kind:` in a filter over two images."""

_MARK_OF: Final = {
    "added": ADDED,
    "removed": REMOVED,
    "content": CONTENT,
    "metadata": METADATA,
    "type": TYPE,
    "hardlink": HARDLINKED,
    "unknown": UNKNOWN,
}
_STEP: Final = 1 << 10


class MergedOutline(Outline):
    """The outline of both filesystems. By number: each side's entry and the difference, or None."""

    def __init__(
        self, comparison: FileComparison, pattern: str | None, cancelled: Callable[[], bool]
    ) -> None:
        """List every directory of either side. Raises `Cancelled`."""
        matches = None if pattern is None else compile_glob(pattern)
        merged = MergedTree(comparison)
        above = comparison.root
        names: list[bytes] = [b""]
        parent = array("i", [-1])
        first, count = array("i"), array("i")
        own = next((change for change in comparison.changes if not change.path), None)
        listed: list[Listed] = [
            Listed(
                b"",
                above.a.latest if above.a is not None else None,
                above.b.latest if above.b is not None else None,
                above.a_bytes,
                above.b_bytes,
                own,
                above,
            )
        ]
        for number, each in enumerate(listed):
            if not number % _STEP and cancelled():
                raise Cancelled("cancelled")
            first.append(len(listed))
            below = each.directory
            if below is not None:
                base = below.path + b"/"
                listed += [
                    child
                    for child in merged.listing(below)
                    if matches is None or child.directory is not None or matches(base + child.name)
                ]
            added = len(listed) - first[-1]
            count.append(added)
            if added:
                names += [child.name for child in listed[-added:]]
                parent.extend([number] * added)
        directories = [number for number, below in enumerate(count) if below]
        super().__init__(names, parent, first, count, directories)
        self.listed: Sequence[Listed] = listed

    def entries(self, number: int) -> tuple[Entry | None, Entry | None]:
        each = self.listed[number]
        return each.a, each.b

    def change(self, number: int) -> FileChange | None:
        return self.listed[number].change


class CompareTotals(Totals):
    """What the rows of an outline show: `a` and `b` are the bytes of each side, `files` counts the differences.

    Rows are sorted by how much they differ. A filter's sizes apply to the larger side.
    """

    def __init__(self, outline: MergedOutline) -> None:
        size = len(outline)
        self.a = array("q", bytes(8 * size))
        self.b = array("q", bytes(8 * size))
        marks, kinds = bytearray(size), bytearray(size)
        for number, each in enumerate(outline.listed):
            change = each.change
            a, b = each.a_bytes, each.b_bytes
            if each.directory is not None and change is not None and change.kind == "type":
                a, b = a + change.a_bytes, b + change.b_bytes
            self.a[number], self.b[number] = a, b
            marks[number] = _mark(each)
            entry = each.b if each.b is not None else each.a
            kinds[number] = DIRECTORY if each.directory is not None or entry is None else entry.kind
        flags = select(marks, CHANGED)
        files = array("q", list(flags))
        for number in reversed(outline.directories):
            start = outline.first[number]
            files[number] += sum(files[start : start + outline.count[number]])
        self.changed = lead_to(outline, flags)
        """Flags for what differs and for every directory above it."""
        for number in outline.directories:
            if marks[number] == SAME and self.changed[number]:
                marks[number] = BELOW
        nothing = array("B", bytes(size))
        super().__init__(
            marks=marks,
            kinds=kinds,
            size=array("q", map(max, self.a, self.b)),
            gone=nothing,
            wasted=nothing,
            files=files,
            layer=nothing,
        )
        self._listed = outline.listed
        self.knows_costs = any(self._listed[ROOT].costs)
        """Whether the compressed bytes of a side are known."""
        self.most = max(map(abs, map(self.delta, range(ROOT, size))), default=0)
        """The largest difference, whose bar fills the available width."""

    def costs(self, number: int) -> tuple[int | None, int | None]:
        """The compressed bytes of what counts here on each side; None where they are unknown."""
        return self._listed[number].compressed

    def delta(self, number: int) -> int:
        return self.b[number] - self.a[number]

    def weights(self, numbers: range) -> Sequence[int]:
        part = slice(numbers.start, numbers.stop)
        return [abs(b - a) for a, b in zip(self.a[part], self.b[part], strict=True)]

    def weight(self, number: int) -> int:
        return abs(self.b[number] - self.a[number])


def _mark(each: Listed) -> int:
    change = each.change
    if change is None:
        return SAME
    if change.kind == "moved":
        return MOVED_AWAY if each.b is None else MOVED_HERE
    return _MARK_OF[change.kind]
