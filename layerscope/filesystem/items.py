"""The files to extract from an image: which there are below a node, and which links are safe to create."""

from __future__ import annotations

from layerscope.filesystem.entry import Entry
from layerscope.filesystem.node import Node
from layerscope.layers.entry import DIRECTORY
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True)
class Item:
    """One file to create: its path below the target folder, and its entry in the image."""

    path: bytes
    entry: Entry


def items_below(node: Node, layer: int) -> list[Item]:
    """What exists at a node and below it after layer `layer`, directories before their contents."""
    entry = node.at_layer(layer)
    if entry is None:
        return []
    found: list[Item] = []
    waiting = [(node, node.name, entry)]
    while waiting:
        current, path, entry = waiting.pop()
        if path:
            found.append(Item(path, entry))
        if entry.kind != DIRECTORY or not current.children:
            continue
        for child in current.children.values():
            below = child.at_layer(layer)
            if below is not None:
                waiting.append((child, path + b"/" + child.name if path else child.name, below))
    return found


def is_safe(item: Item) -> bool:
    """Whether a symlink leads to a path below the target folder.

    Its target may start with `..`, but not go above the folder. A `..` after a name is refused, since that name could
    be another link.
    """
    target = item.entry.link
    if not target or target.startswith(b"/") or b"\0" in target:
        return False
    room = item.path.count(b"/")
    descended = False
    for part in target.split(b"/"):
        if part in (b"", b"."):
            continue
        if part != b"..":
            descended = True
        elif descended or not room:
            return False
        else:
            room -= 1
    return True
