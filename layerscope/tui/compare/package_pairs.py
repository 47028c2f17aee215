"""The packages that differ between two images, and below an open one its files in both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from layerscope.layers.entry import METADATA
from layerscope.layers.layer_index import values
from layerscope.records import dataclass

if TYPE_CHECKING:
    from layerscope.analysis.comparison.packages import PackageChange
    from layerscope.analysis.comparison.side import Side
    from layerscope.analysis.filter.query import Query

MOST_FILES: Final = 2_000
"""The most files to list per package."""


@dataclass(frozen=True, slots=True)
class PairFile:
    """A path of a package, with the bytes that each image stores there for it."""

    path: bytes
    a_bytes: int
    b_bytes: int


@dataclass(frozen=True, slots=True)
class PairRow:
    """A line for a package, for one of its files, or for its unlisted files. `number` is the package's."""

    number: int
    a_bytes: int
    b_bytes: int
    file: PairFile | None = None
    rest: int = 0

    @property
    def is_package(self) -> bool:
        return self.file is None and not self.rest

    @property
    def delta(self) -> int:
        return self.b_bytes - self.a_bytes


class PackagePairs:
    """The packages that differ, the largest difference first. Callers pass the open ones when they ask for rows."""

    def __init__(self, changes: Sequence[PackageChange], a: Side, b: Side) -> None:
        self.changes = changes
        self._sides = (a, b)
        self._files: dict[int, Sequence[PairFile]] = {}

    @property
    def knows_files(self) -> bool:
        """Whether the files of packages are known. A saved report has none."""
        return all(side.ownership is not None for side in self._sides)

    def find(self, query: Query | None) -> list[int]:
        """The packages that match a filter, as numbers."""
        numbers = range(len(self.changes))
        return [n for n in numbers if query is None or _holds(query, self.changes[n])]

    def rows(self, numbers: Sequence[int], opened: Collection[int]) -> Iterator[PairRow]:
        for number in numbers:
            change = self.changes[number]
            yield PairRow(number, change.a_bytes, change.b_bytes)
            if number not in opened:
                continue
            files = self.files(number)
            for file in files[:MOST_FILES]:
                yield PairRow(number, file.a_bytes, file.b_bytes, file)
            rest = files[MOST_FILES:]
            if rest:
                a, b = sum(each.a_bytes for each in rest), sum(each.b_bytes for each in rest)
                yield PairRow(number, a, b, rest=len(rest))

    def files(self, number: int) -> Sequence[PairFile]:
        """The paths of a package in both images, the largest difference first; found once."""
        known = self._files.get(number)
        if known is None:
            a, b = (_stored(side, self.changes[number]) for side in self._sides)
            found = [PairFile(path, a[path], b[path]) for path in a.keys() | b.keys()]
            found.sort(key=lambda each: (-abs(each.b_bytes - each.a_bytes), each.path))
            known = self._files[number] = found
        return known


def _stored(side: Side, change: PackageChange) -> Counter[bytes]:
    """The bytes that all versions of a package store, by path."""
    stored: Counter[bytes] = Counter()
    ownership = side.ownership
    if ownership is None or side.files is None:
        return stored
    numbers = {
        number
        for number, each in enumerate(ownership.packages)
        if (each.package.type, each.package.full_name) == (change.type, change.name)
    }
    if not numbers:
        return stored
    for placed, owners in zip(side.files.tree.layers, ownership.owners, strict=True):
        columns = placed.columns
        for position, (size, owner) in enumerate(zip(values(columns.sizes), owners, strict=True)):
            if not size or owner not in numbers:
                continue
            record = placed.records[position]
            if columns.kinds[position] != METADATA or (
                record is not None and record.content is not None
            ):
                stored[placed.entry(position).path] += size
    return stored


def _holds(query: Query, change: PackageChange) -> bool:
    """Whether a package matches: its type and name like a path, and the larger of its sizes."""
    name = f"{change.type}:{change.name}".encode("utf-8", "surrogateescape")
    size = max(change.a_bytes, change.b_bytes)
    return query.marks is None and query.holds(name, size, (), wasted=False)
