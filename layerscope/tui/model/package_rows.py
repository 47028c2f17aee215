"""The rows of the packages pane: packages, and below an open one its files."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from layerscope.analysis.claims import UNOWNED
from layerscope.layers.entry import METADATA
from layerscope.layers.layer_index import values
from layerscope.records import dataclass

if TYPE_CHECKING:
    from layerscope.analysis.filter.query import Query
    from layerscope.analysis.model import Analysis
    from layerscope.analysis.ownership import Ownership, PackageShare

MOST_FILES: Final = 2_000
"""The most files to list per package."""
ORDERS: Final = ("content", "wasted", "layer", "name")


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A file version that a package owns. `wasted_in` is the layer that made it waste; None for a live one."""

    path: bytes
    bytes: int
    layer: int
    wasted_in: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A line for a package, for one of its files, or for its unlisted files.

    `number` is the package, or `UNOWNED` for what belongs to none.
    """

    number: int
    files: int
    bytes: int
    wasted: int
    file: PackageFile | None = None
    rest: bool = False

    @property
    def is_package(self) -> bool:
        return self.file is None and not self.rest


class PackageRows:
    """Packages in some order. Callers pass the open ones when they ask for rows."""

    def __init__(self, analysis: Analysis, ownership: Ownership) -> None:
        self._ownership = ownership
        self._tree = analysis.tree
        self._waste = analysis.waste
        self._files: dict[int, Sequence[PackageFile]] = {}
        self._wasted_in: dict[tuple[bytes, int], int] | None = None

    def package(self, number: int) -> PackageShare | None:
        """A package; None for what belongs to none."""
        return None if number == UNOWNED else self._ownership.packages[number]

    def find(self, query: Query | None) -> list[int]:
        """The packages that match a filter, as numbers. Without one, also what belongs to none."""
        packages = self._ownership.packages
        if query is None:
            more = [UNOWNED] if self._ownership.unowned.files else []
            return [*range(len(packages)), *more]
        return [number for number, each in enumerate(packages) if _holds(query, each)]

    def sort(self, numbers: list[int], order: str) -> None:
        """Sort packages. What belongs to none comes last."""
        packages = self._ownership.packages

        def key(number: int) -> tuple[object, ...]:
            if number == UNOWNED:
                return (True,)
            each = packages[number]
            name = (each.package.full_name, each.package.type, each.package.version, number)
            ranks = {"content": -each.content, "wasted": -each.wasted, "layer": each.layer}
            return False, ranks.get(order, 0), *(() if order == "name" else (-each.content,)), *name

        numbers.sort(key=key)

    def rows(self, numbers: Sequence[int], opened: Collection[int]) -> Iterator[Row]:
        for number in numbers:
            share = (
                self._ownership.unowned if number == UNOWNED else self._ownership.packages[number]
            )
            yield Row(number, share.files, share.content, share.wasted)
            if number not in opened:
                continue
            files = self.files(number)
            for file in files[:MOST_FILES]:
                wasted = file.bytes if file.wasted_in is not None else 0
                yield Row(number, 1, file.bytes, wasted, file)
            rest = files[MOST_FILES:]
            if rest:
                wasted = sum(each.bytes for each in rest if each.wasted_in is not None)
                yield Row(number, len(rest), sum(each.bytes for each in rest), wasted, rest=True)

    def files(self, number: int) -> Sequence[PackageFile]:
        """The file versions with content that a package owns, largest first; found once."""
        known = self._files.get(number)
        if known is None:
            found = sorted(
                self._find_files(number), key=lambda each: (-each.bytes, each.path, each.layer)
            )
            known = self._files[number] = found
        return known

    def _find_files(self, number: int) -> Iterator[PackageFile]:
        if self._wasted_in is None:
            self._wasted_in = {
                (file.path.lstrip(b"/"), file.layer): file.wasted_in for file in self._waste
            }
        wasted_in = self._wasted_in
        for layer, (placed, owners) in enumerate(
            zip(self._tree.layers, self._ownership.owners, strict=True)
        ):
            columns = placed.columns
            for position, size in enumerate(values(columns.sizes)):
                if not size or owners[position] != number:
                    continue
                record = placed.records[position]
                if columns.kinds[position] == METADATA and (
                    record is None or record.content is None
                ):
                    continue
                live = record is None or record.names > 0
                path = placed.entry(position).path
                gone = None if live else wasted_in.get((path, layer), layer)
                yield PackageFile(path, size, layer, gone)


def _holds(query: Query, share: PackageShare) -> bool:
    """Whether a package matches: its type, name, and version like a path, and its content and layer."""
    package = share.package
    names = (f"{package.type}:{package.full_name}", f"{package.type}/{package.full_name}")
    return query.marks is None and any(
        query.holds(
            name.encode("utf-8", "surrogateescape"),
            share.content,
            (share.layer,),
            wasted=share.wasted > 0,
        )
        for name in names
    )
