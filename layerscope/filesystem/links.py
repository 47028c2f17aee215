"""Following symlinks within an image: never the host's, never above the image's root, never forever."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from layerscope.errors import LimitExceeded
from layerscope.filesystem.node import Node
from layerscope.layers.entry import DIRECTORY, SYMLINK, VISIBLE
from layerscope.layers.layer_index import LayerIndex

MOST_LINKS: Final = 40
"""Links that one path may lead through, as Linux has it."""
MOST_NAMES: Final = 100_000
MOST_NAMES_IN_ALL: Final = 10_000_000
"""Names that are looked up while the paths of one image are led through symlinks."""

NAME_BYTES: Final = 320
"""What a name on the way to a symlink takes, beside its bytes."""

Names = dict[bytes, "Names"]


def resolve(root: Node, start: Node, target: bytes, layer: int) -> Node | None:
    """The node that a link at `start` with this target leads to once the layers up to `layer` are applied.

    None where that is nothing, a loop, or longer than Linux would follow.
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
    """Where a path leads: `target` is what the last symlink on its way stands for, None if there is no symlink."""

    path: bytes
    target: bytes | None = None
    lower: bool = False
    """Whether a symlink of a lower layer was followed."""


class Follower:
    """Leads paths through the symlinks of a tree that is being built, as they stand now."""

    def __init__(self, root: Node) -> None:
        self._root = root
        self._left = MOST_NAMES_IN_ALL

    def lead(self, path: bytes, layer: int, *, own: bool) -> Lead:
        """Where a clean path leads by the symlinks that stand, or with `own` by those of this layer alone.

        What is not there is taken for a directory to be made; a loop leads nowhere. Raises `LimitExceeded`.
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
                    return Lead(path)
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
                f"paths lead through symlinks by more than {MOST_NAMES_IN_ALL:,} names",
                hint="no engine would unpack this image in reasonable time",
            )


def link_names(index: LayerIndex, spend: Callable[[int], None]) -> Names:
    """The paths of a layer's symlinks, one dictionary a name; a link's own has an empty name. `spend` counts memory."""
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
    """Whether one of these symlinks is a folder on the way to a path, or is the path."""
    here: Names | None = names
    for part in path.split(b"/"):
        here = here.get(part) if here else None
        if here is None:
            return False
        if b"" in here:
            return True
    return False
