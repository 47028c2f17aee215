"""Following symlinks within an image: never the host's, never above the image's root, never for ever."""

from __future__ import annotations

from typing import Final

from layerscope.filesystem.node import Node
from layerscope.layers.entry import DIRECTORY, SYMLINK

MOST_LINKS: Final = 40
"""Links that one path may lead through, as Linux has it."""
MOST_NAMES: Final = 100_000


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
        below = node.children.get(part) if node.children else None
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
