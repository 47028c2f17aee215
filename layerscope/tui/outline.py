"""A tree laid out flat, so that a million names can be sorted, summed and filtered by plain sequences."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from layerscope.layers.entry import FILE

if TYPE_CHECKING:
    from layerscope.filesystem.node import Node
    from layerscope.filesystem.tree import FileTree
    from layerscope.layers.entry import Entry
    from layerscope.layers.index import LayerIndex

ROOT = 0


class Outline:
    """Every name of a tree by number: the root is 0, and the children of one directory stand beside each other.

    The children of number `i` are `first[i]` up to `first[i] + count[i]`, all greater than `i`, so one walk backwards
    over `directories` (the numbers that have children, ascending) sums up every subtree.
    """

    def __init__(
        self, names: list[bytes], parent: array[int], first: array[int], count: array[int]
    ) -> None:
        self.names = names
        self.parent = parent
        self.first = first
        self.count = count
        self.directories = [number for number, below in enumerate(count) if below]
        self._paths: list[bytes] | None = None
        self._folded: list[bytes] | None = None
        self._folded_names: list[bytes] | None = None
        self._joined: dict[bool, bytes] = {}

    def __len__(self) -> int:
        return len(self.names)

    def children(self, number: int) -> range:
        first = self.first[number]
        return range(first, first + self.count[number])

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

    def paths(self) -> list[bytes]:
        """All paths, by number; made when they are first asked for."""
        if self._paths is None:
            self._paths = self._make_paths()
        return self._paths

    def folded_paths(self) -> list[bytes]:
        """All paths in lower case, as far as ASCII goes; those that are so already are not held twice."""
        if self._folded is None:
            self._folded = _fold(self.paths())
        return self._folded

    def folded_names(self) -> list[bytes]:
        if self._folded_names is None:
            self._folded_names = _fold(self.names)
        return self._folded_names

    def joined_names(self, *, folded: bool) -> bytes:
        """All names behind each other, a NUL after each."""
        joined = self._joined.get(folded)
        if joined is None:
            names = self.folded_names() if folded else self.names
            joined = self._joined[folded] = b"\0".join(names) + b"\0"
            if joined.count(b"\0") != len(names):
                joined = b"\0".join(name.replace(b"\0", b"?") for name in names) + b"\0"
                self._joined[folded] = joined
        return joined

    def _make_paths(self) -> list[bytes]:
        paths = [b""] * len(self.names)
        names = self.names
        for number in self.directories:
            first = self.first[number]
            end = first + self.count[number]
            if number == ROOT:
                paths[first:end] = names[first:end]
            else:
                above = paths[number] + b"/"
                paths[first:end] = [above + name for name in names[first:end]]
        return paths


def _fold(texts: list[bytes]) -> list[bytes]:
    """The texts in lower case; the very same object where that changes nothing."""
    folded = texts.copy()
    for number, text in enumerate(texts):
        lower = text.lower()
        if lower != text:
            folded[number] = lower
    return folded


class TreeOutline(Outline):
    """The outline of an image's filesystem; `nodes` gives the node of each number.

    `shadowed` are files that their own layer stores again at the same path, each with its number: the chain of a node
    has but the last one of a layer.
    """

    def __init__(self, tree: FileTree, indexes: Iterable[LayerIndex | None]) -> None:
        nodes: list[Node] = [tree.root]
        parent = array("i", [-1])
        first = array("i")
        count = array("i")
        for number, node in enumerate(nodes):
            first.append(len(nodes))
            children = node.children
            if children:
                nodes.extend(children.values())
                parent.extend([number] * len(children))
                count.append(len(children))
            else:
                count.append(0)
        self.nodes = nodes
        super().__init__([node.name for node in nodes], parent, first, count)
        self.shadowed = list(self._find_shadowed(tree, indexes))

    def _make_paths(self) -> list[bytes]:
        """The paths that the entries hold already; only directories that no tar describes need one of their own."""
        paths: list[bytes] = []
        append = paths.append
        for number, node in enumerate(self.nodes):
            entry = node.latest
            append(entry.path if entry is not None and entry.path else self._join(paths, number))
        return paths

    def _join(self, paths: list[bytes], number: int) -> bytes:
        above = self.parent[number]
        if above <= ROOT:
            return self.names[number]
        return paths[above] + b"/" + self.names[number]

    def _find_shadowed(
        self, tree: FileTree, indexes: Iterable[LayerIndex | None]
    ) -> Iterator[tuple[int, Entry]]:
        hidden = [
            entry
            for index in indexes
            if index is not None
            for entry in index.entries
            if entry.size and entry.ended == entry.layer and entry.kind == FILE
        ]
        if not hidden:
            return
        wanted = {id(node) for entry in hidden if (node := tree.find(entry.path)) is not None}
        numbers = {id(node): n for n, node in enumerate(self.nodes) if id(node) in wanted}
        for entry in hidden:
            node = tree.find(entry.path)
            if node is not None and not _in_chain(node, entry):
                yield numbers[id(node)], entry


def _in_chain(node: Node, entry: Entry) -> bool:
    current = node.latest
    while current is not None and current.layer > entry.layer:
        current = current.previous
    return current is entry
