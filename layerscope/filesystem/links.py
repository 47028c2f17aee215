"""Following symlinks within an image: never into the host, never above the image's root, never forever."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from layerscope.errors import LimitExceeded
from layerscope.filesystem.node import Node
from layerscope.layers.entry import DIRECTORY, SYMLINK, VISIBLE
from layerscope.layers.layer_index import LayerIndex
from layerscope.records import dataclass

MOST_LINKS: Final = 40
"""The most symlinks on one path, the same as in Linux."""
MOST_NAMES: Final = 100_000
MOST_NAMES_IN_ALL: Final = 10_000_000
"""The most names looked up while following symlinks, for all paths of an image together."""

NAME_BYTES: Final = 320
"""Memory for a name on the way to a symlink, on top of its bytes."""

Names = dict[bytes, "Names"]


def resolve(root: Node, start: Node, target: bytes, layer: int) -> Node | None:
    """The node that a link at `start` with this target leads to after layer `layer`.

    None if it leads nowhere, in a loop, or through more links than Linux follows.
    """
    links = 1
    node = root if target.startswith(b"/") or start.parent is None else start.parent
    waiting = list(reversed(target.split(b"/")))
    for _ in range(MOST_NAMES):
        if not waiting:
            return node
        part = waiting.pop()
        if part in (b"", b"."):
            continue
        if part == b"..":
            node = node.parent or node
            continue
        entry = node.at_layer(layer)
        below = node.child(part)
        found = below.at_layer(layer) if below is not None else None
        if entry is None or entry.kind != DIRECTORY or below is None or found is None:
            return None
        if found.kind != SYMLINK:
            node = below
            continue
        links += 1
        if links > MOST_LINKS:
            return None
        if found.link.startswith(b"/"):
            node = root
        waiting.extend(reversed(found.link.split(b"/")))
    return None


@dataclass(frozen=True, slots=True)
class Lead:
    """Where a path leads. `target` is what the last symlink on it resolves to, None if there is no symlink."""

    path: bytes
    target: bytes | None = None
    lower: bool = False
    """Whether a symlink of a lower layer was followed."""
    loop: bool = False
    """Whether the symlinks lead in a circle or are more than Linux follows, so that the path leads nowhere."""


class Follower:
    """Follows the symlinks of a tree under construction, as they are now."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._left = MOST_NAMES_IN_ALL

    def lead(self, path: bytes, layer: int, *, own: bool) -> Lead:
        """Where a clean path leads through the visible symlinks, or with `own` through those of this layer alone.

        A missing name is treated as a directory to be created. A loop leads nowhere. Raises `LimitExceeded`.
        """
        nodes: list[Node | None] = [self._root]
        names: list[bytes] = []
        waiting = path.split(b"/")[::-1] if path else []
        links = behind = 0
        target = None
        following = lower = False
        while waiting:
            self._spend()
            part = waiting.pop()
            above = nodes[-1]
            node = above.child(part) if above is not None else None
            entry = node.latest if node is not None else None
            if part == b"..":
                if names:
                    names.pop()
                    nodes.pop()
            elif (
                entry is not None
                and entry.kind == SYMLINK
                and entry.ended == VISIBLE
                and entry.link
                and (entry.layer == layer or not own)
            ):
                links += 1
                if links > MOST_LINKS:
                    return Lead(path, loop=True)
                if not following:
                    following, behind = True, len(waiting)
                lower = lower or entry.layer != layer
                if entry.link.startswith(b"/"):
                    del nodes[1:], names[:]
                waiting.extend(reversed(entry.link.split(b"/")))
            elif part not in (b"", b"."):
                nodes.append(node)
                names.append(part)
            if following and len(waiting) <= behind:
                target, following = b"/".join(names), False
        return Lead(b"/".join(names), target, lower)

    def _spend(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise LimitExceeded(
                f"following symlinks takes more than {MOST_NAMES_IN_ALL:,} lookups",
                hint="no engine would unpack this image in reasonable time",
            )


def link_names(index: LayerIndex, spend: Callable[[int], None]) -> Names:
    """The paths of a layer's symlinks as nested dictionaries by name. An empty name marks a link.

    `spend` counts memory.
    """
    names: Names = {}
    position = index.kinds.find(SYMLINK)
    while position >= 0:
        here = names
        for part in index.path(position).split(b"/"):
            below = here.get(part)
            if below is None:
                spend(NAME_BYTES + len(part))
                below = here[part] = {}
            here = below
        here[b""] = {}
        position = index.kinds.find(SYMLINK, position + 1)
    return names


def leads_through(names: Names, path: bytes) -> bool:
    """Whether one of these symlinks is on the way to a path, or is the path itself."""
    here: Names | None = names
    for part in path.split(b"/"):
        here = here.get(part) if here else None
        if here is None:
            return False
        if b"" in here:
            return True
    return False
