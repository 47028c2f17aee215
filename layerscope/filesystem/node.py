"""One path of the filesystem, through all layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from layerscope.filesystem.entry import Entry, PlacedLayer
from layerscope.layers.entry import DIRECTORY, VISIBLE, Member
from layerscope.layers.layer_index import LayerIndex

IMPLICIT_DATA: Final = -1
"""The data offset of an entry that no tar holds: a directory which only the paths below it tell of."""
MOST_POSITIONS: Final = 1 << 32
"""More than the members that one layer can have."""


class Node:
    """A path and what stood there: `latest`, and before it the chain of `Entry.previous`.

    `held` is either that entry, or the number of one which nothing has asked for yet: its layer's above its position
    (`number_of`). Only an entry that was added at a new path is held so; a node with children holds an entry.
    `children` holds every name ever seen below, `shown` those that were visible since the directory was last emptied.
    """

    __slots__ = ("children", "held", "listed", "name", "parent", "shown")

    def __init__(self, name: bytes, parent: Node | None, held: Entry | int | None = None) -> None:
        self.name = name
        self.parent = parent
        self.children: dict[bytes, Node] | None = None
        self.shown: list[Node] | None = None
        self.listed = False
        self.held = held

    @property
    def latest(self) -> Entry | None:
        """The last entry at the path, visible or not."""
        held = self.held
        return self._ask() if type(held) is int else held  # type: ignore[return-value]

    def _ask(self) -> Entry:
        above = self.parent.held if self.parent is not None else None
        assert isinstance(above, Entry)
        assert isinstance(self.held, int)
        layer, position = divmod(self.held, MOST_POSITIONS)
        entry = self.held = above.place.stack[layer].entry(position)
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
        """What stands here once the layers up to `layer` are applied; None for nothing."""
        entry = self.latest
        while entry is not None and entry.layer > layer:
            entry = entry.previous
        if entry is None or (entry.ended != VISIBLE and entry.ended <= layer):
            return None
        return entry

    def __repr__(self) -> str:
        return f"Node({self.path!r})"


def along(root: Node, path: bytes) -> Iterator[Node]:
    """The nodes on the way to a path, as far as there are any, without the root."""
    node = root
    for part in path.split(b"/"):
        below = node.children.get(part) if node.children else None
        if below is None:
            return
        node = below
        yield node


def implicit_layer(stack: list[PlacedLayer]) -> PlacedLayer:
    """What the implicit directories of a tree belong to; its layers are `stack`."""
    return PlacedLayer(_IMPLICIT, -1, stack)


def implicit_directory(place: PlacedLayer, layer: int) -> Entry:
    """The directory that engines make where a path needs one and no tar entry describes it."""
    return Entry(place, 0, layer)


_IMPLICIT: Final = LayerIndex.of([Member(b"", DIRECTORY, 0, IMPLICIT_DATA, (0o755, 0, 0), 0)])


def is_implicit(entry: Entry) -> bool:
    return entry.place.columns is _IMPLICIT
