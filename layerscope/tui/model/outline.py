"""A flat tree, where plain sequences sort, sum, and filter a million names."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import chain, repeat
from typing import TYPE_CHECKING

from layerscope.analysis.filter.texts import Texts
from layerscope.filesystem.joined import JoinedColumns
from layerscope.layers.entry import FILE

if TYPE_CHECKING:
    from layerscope.filesystem.entry import Entry
    from layerscope.filesystem.node import Node
    from layerscope.filesystem.tree import FileTree

ROOT = 0
LARGE = 2_000
"""A directory with this many children is large."""


class Outline:
    """Every name of a tree by number: the root is 0, and a directory's children are contiguous.

    Numbers go level by level, and within a level, children are in the order of their directories. The children of `i`
    are `first[i]` up to `first[i] + count[i]`, all greater than `i`. So one backward pass over `directories` (the
    numbers that have children, ascending) sums every subtree.
    """

    def __init__(
        self,
        names: list[bytes],
        parent: array[int],
        first: array[int],
        count: array[int],
        directories: list[int],
    ) -> None:
        self.names = names
        self.parent = parent
        self.first = first
        self.count = count
        self.directories = directories
        self._texts: dict[tuple[bool, bool], Texts] = {}
        self._by_name: dict[int, Sequence[int]] = {}

    def __len__(self) -> int:
        return len(self.names)

    def children(self, number: int) -> range:
        first = self.first[number]
        return range(first, first + self.count[number])

    def by_name(self, number: int) -> Sequence[int]:
        """The children's positions relative to the first, by name; cached for large directories."""
        known = self._by_name.get(number)
        if known is not None:
            return known
        children = self.children(number)
        names = self.names[children.start : children.stop]
        places = sorted(range(len(names)), key=names.__getitem__)
        if len(places) >= LARGE:
            self._by_name[number] = array("i", places)
        return places

    def prepare(self) -> None:
        """Precompute what opening a large directory or typing a filter would otherwise wait for."""
        for number in self.directories:
            if self.count[number] >= LARGE:
                self.by_name(number)
        self.texts(names=True, folded=True)
        self.texts(names=False, folded=True)

    def path(self, number: int) -> bytes:
        """The path below the root, without a leading slash."""
        parts = []
        while number:
            parts.append(self.names[number])
            number = self.parent[number]
        return b"/".join(reversed(parts))

    def find(self, path: bytes) -> int | None:
        """The number of a path, with or without a leading slash."""
        number = ROOT
        for part in path.split(b"/"):
            if not part:
                continue
            below = self.children(number)
            found = next((each for each in below if self.names[each] == part), None)
            if found is None:
                return None
            number = found
        return number

    def texts(self, *, names: bool, folded: bool) -> Texts:
        """All names or all paths, as is or in lower case; created on first use."""
        texts = self._texts.get((names, folded))
        if texts is None:
            if folded:
                texts = self.texts(names=names, folded=False).folded()
            else:
                texts = Texts.of(self.names if names else self._paths(), len(self))
            self._texts[names, folded] = texts
        return texts

    def _paths(self) -> Iterator[bytes]:
        """The path of every number. A directory's path is built once for everything in it."""
        yield b""
        names, first, count = self.names, self.first, self.count
        above = {ROOT: b""}
        for number in self.directories:
            folder = above.pop(number)
            for below in range(first[number], first[number] + count[number]):
                path = folder + names[below]
                if count[below]:
                    above[below] = path + b"/"
                yield path


class TreeOutline(Outline):
    """The outline of an image's filesystem; `node` gives the node of each number.

    `held` has them as the tree does: as nodes, or as the numbers of entries that nothing has touched. `has_costs` says whether the compressed bytes of all files are known. `columns` are those of all layers. `shadowed`
    are files that their own layer stores again at the same path, each with its number: a node's chain has only the last
    one of each layer.
    """

    def __init__(self, tree: FileTree) -> None:
        shadowed = list(_shadowed(tree))
        held: list[Node | int] = [tree.root]
        names = [b""]
        directories: list[int] = []
        starts: list[int] = []
        counts: list[int] = []
        for number, node in enumerate(held):
            below = node.names_below if type(node) is not int else None  # type: ignore[union-attr]
            if below:
                directories.append(number)
                starts.append(len(held))
                counts.append(len(below))
                held += below.values()
                names += below
        self.held = held
        first = array("i", bytes(4 * len(held)))
        count = array("i", bytes(4 * len(held)))
        for number, start, length in zip(directories, starts, counts, strict=True):
            first[number] = start
            count[number] = length
        parent = array("i", [-1])
        parent.extend(chain.from_iterable(map(repeat, directories, counts)))
        super().__init__(names, parent, first, count, directories)
        wanted = {id(node) for _, node in shadowed}
        numbers = (
            {id(each): n for n, each in enumerate(held) if id(each) in wanted} if wanted else {}
        )
        self.shadowed = [(numbers[id(node)], entry) for entry, node in shadowed]
        self.columns = JoinedColumns(tree.layers)
        self.has_costs = bool(self.columns.records) and self.columns.costs_known

    def node(self, number: int) -> Node:
        """The node of a number, created on first use."""
        held = self.held[number]
        if not isinstance(held, int):
            return held
        node = self.node(self.parent[number]).child(self.names[number])
        assert node is not None
        self.held[number] = node
        return node


def _shadowed(tree: FileTree) -> Iterator[tuple[Entry, Node]]:
    """The files that their own layer stores again at the same path, with its node."""
    for entry in tree.never_seen:
        if entry.size and entry.ended == entry.layer and entry.kind == FILE:
            node = tree.find(entry.path)
            if node is not None and not _in_chain(node, entry):
                yield entry, node


def _in_chain(node: Node, entry: Entry) -> bool:
    current = node.latest
    while current is not None and current.layer > entry.layer:
        current = current.previous
    return current is entry
