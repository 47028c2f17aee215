"""One path of the filesystem, through all layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from layerscope.filesystem.entry import Entry, PlacedLayer, numbered_entry
from layerscope.layers.entry import DIRECTORY, VISIBLE, Member
from layerscope.layers.layer_index import LayerIndex

IMPLICIT_DATA: Final = -1
"""The data offset of an entry that no tar has: a directory that exists only because of the paths below it."""


Below = dict[bytes, "Node | int"]


class Node:
    """A path and its history: `latest`, and before it the chain of `Entry.previous`.

    `held` is the latest entry, or the number of an entry whose object nobody has needed yet (`numbered_entry`). Only an
    entry added at a new path is held by number, and a node with children never is.
    `below` holds the names seen since the directory was last emptied, and `gone` the older ones. Their values are nodes,
    or numbers of entries nobody has needed yet. `children` and `child` turn those into nodes.
    """

    __slots__ = ("below", "gone", "held", "name", "parent")

    def __init__(self, name: bytes, parent: Node | None, held: Entry | int | None = None) -> None:
        self.name = name
        self.parent = parent
        self.below: Below | None = None
        self.gone: Below | None = None
        self.held = held

    @property
    def names_below(self) -> Below | None:
        """Every name ever seen directly below, with its node or number; None if there never was one."""
        below = self.below
        if self.gone:
            below = self.below = {**self.gone, **below} if below else self.gone
            self.gone = None
        return below

    @property
    def children(self) -> dict[bytes, Node] | None:
        """The nodes of every name ever seen directly below; None if there never was one."""
        below = self.names_below
        if below is not None:
            for name, child in below.items():
                if type(child) is int:
                    below[name] = Node(name, self, child)
        return below  # type: ignore[return-value]

    def child(self, name: bytes) -> Node | None:
        """The node of one name directly below, or None."""
        held = self.below
        child = held.get(name) if held is not None else None
        if child is None:
            held = self.gone
            child = held.get(name) if held is not None else None
        if type(child) is int:
            assert held is not None
            child = held[name] = Node(name, self, child)
        return child  # type: ignore[return-value]

    def show(self) -> None:
        """Move the node to the visible ones of its parent."""
        parent = self.parent
        if parent is None or parent.gone is None:
            return
        if parent.gone.pop(self.name, None) is not None:
            if parent.below is None:
                parent.below = {}
            parent.below[self.name] = self

    @property
    def latest(self) -> Entry | None:
        """The last entry at the path, visible or not."""
        held = self.held
        return self._ask() if type(held) is int else held  # type: ignore[return-value]

    def _ask(self) -> Entry:
        above = self.parent.held if self.parent is not None else None
        assert isinstance(above, Entry)
        assert isinstance(self.held, int)
        entry = self.held = numbered_entry(above.place.stack, self.held)
        return entry

    @property
    def visible(self) -> bool:
        """Whether the final filesystem has something here."""
        latest = self.latest
        return latest is not None and latest.ended == VISIBLE

    @property
    def path(self) -> bytes:
        """The path below the image's root, without a leading slash."""
        parts = []
        node: Node | None = self
        while node is not None and node.parent is not None:
            parts.append(node.name)
            node = node.parent
        return b"/".join(reversed(parts))

    def at_layer(self, layer: int) -> Entry | None:
        """The entry at this path after layer `layer`, or None."""
        entry = self.latest
        while entry is not None and entry.layer > layer:
            entry = entry.previous
        if entry is None or (entry.ended != VISIBLE and entry.ended <= layer):
            return None
        return entry

    def __repr__(self) -> str:
        return f"Node({self.path!r})"


def along(root: Node, path: bytes) -> Iterator[Node]:
    """The nodes on the way to a path, without the root, as far as they exist."""
    node = root
    for part in path.split(b"/"):
        below = node.child(part)
        if below is None:
            return
        node = below
        yield node


def implicit_layer(stack: list[PlacedLayer]) -> PlacedLayer:
    """The placeholder layer that the implicit directories of a tree belong to. `stack` is the tree's layers."""
    return PlacedLayer(_IMPLICIT, -1, stack)


def implicit_directory(place: PlacedLayer, layer: int) -> Entry:
    """A directory that engines create because a path needs it, though no tar entry describes it."""
    return Entry(place, 0, layer)


_IMPLICIT: Final = LayerIndex.of([Member(b"", DIRECTORY, 0, IMPLICIT_DATA, (0o755, 0, 0), 0)])


def is_implicit(entry: Entry) -> bool:
    return entry.place.columns is _IMPLICIT
