"""The rows of the duplicates pane: groups of equal files, packages in several places, and below an open one its paths."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from layerscope.records import dataclass
from layerscope.report.file_text import path_text
from layerscope.report.words import one_line
from layerscope.units import count

if TYPE_CHECKING:
    from layerscope.analysis.duplicates import Duplicates
    from layerscope.analysis.filter.query import Query
    from layerscope.filesystem.tree import FileTree


@dataclass(frozen=True, slots=True)
class Row:
    """A line for a group, for one of its paths, or for the paths that are not listed.

    Only a group has `copies`. `layer` is the one that stores `path`.
    """

    number: int
    saving: int
    text: str
    copies: int = 0
    path: bytes | None = None
    layer: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A content or a package with several copies. `size` is one copy of a content, or all copies of a package."""

    title: str
    saving: int
    size: int
    copies: int
    paths: tuple[bytes, ...]
    layers: tuple[int, ...]
    package: bool


class DuplicateRows:
    """Contents and then packages, each the largest saving first. Callers pass the open ones when they ask for rows."""

    def __init__(self, duplicates: Duplicates, tree: FileTree) -> None:
        self._tree = tree
        self.groups = [
            Group(
                path_text(each.paths[0]),
                each.saving,
                each.bytes,
                each.copies,
                each.paths,
                each.layers,
                package=False,
            )
            for each in duplicates.groups
        ]
        self.groups += [
            Group(
                one_line(f"{each.type} {each.name} {', '.join(each.versions)}"),
                each.saving,
                each.bytes,
                each.copies,
                each.places,
                each.layers,
                package=True,
            )
            for each in duplicates.packages or ()
        ]

    def find(self, query: Query | None) -> list[int]:
        """The groups with a path that matches a filter. A package also matches by its name."""
        return [
            number
            for number, group in enumerate(self.groups)
            if query is None or _holds(query, group)
        ]

    def rows(self, numbers: Collection[int], opened: Collection[int]) -> Iterator[Row]:
        for number in numbers:
            group = self.groups[number]
            yield Row(number, group.saving, group.title, group.copies)
            if number not in opened:
                continue
            for path in group.paths:
                yield Row(number, 0, path_text(path), path=path, layer=self._layer(path))
            left = group.copies - len(group.paths)
            if left:
                yield Row(number, 0, f"and {count(left, 'other')}")

    def _layer(self, path: bytes) -> int | None:
        node = self._tree.find(path)
        entry = None if node is None else node.latest
        return None if entry is None else entry.layer


def _holds(query: Query, group: Group) -> bool:
    names = [*group.paths, group.title.encode()] if group.package else group.paths
    return query.marks is None and any(
        query.holds(name, group.size, group.layers) for name in names
    )
