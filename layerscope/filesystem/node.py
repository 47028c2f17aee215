"""One path of the filesystem, through all layers."""

from __future__ import annotations

from layerscope.layers.entry import DIRECTORY, VISIBLE, Entry

IMPLICIT_DATA = -1
"""The data offset of an entry that no tar holds: a directory which only the paths below it tell of."""


class Node:
    """A path and what stood there: `latest`, and before it the chain of `Entry.previous`.

    `children` holds every name ever seen below, `shown` those that were visible since the directory was last emptied.
    """

    __slots__ = ("children", "latest", "listed", "name", "parent", "shown")

    def __init__(self, name: bytes, parent: Node | None) -> None:
        self.name = name
        self.parent = parent
        self.children: dict[bytes, Node] | None = None
        self.shown: list[Node] | None = None
        self.listed = False
        self.latest: Entry | None = None

    @property
    def visible(self) -> bool:
        """Whether the final filesystem has something here."""
        return self.latest is not None and self.latest.ended == VISIBLE

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


def implicit_directory(layer: int) -> Entry:
    """The directory that engines make where a path needs one and no tar entry describes it."""
    return Entry(b"", DIRECTORY, 0, IMPLICIT_DATA, (0o755, 0, 0), 0, b"", None, layer)


def is_implicit(entry: Entry) -> bool:
    return entry.data == IMPLICIT_DATA
