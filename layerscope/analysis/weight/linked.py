"""Caches that a program runs from: what symlinks from elsewhere lead to is not dead weight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from layerscope.analysis.weight.survey import Found
from layerscope.filesystem.links import resolve
from layerscope.filesystem.node import Node
from layerscope.filesystem.tree import FileTree
from layerscope.layers.entry import SYMLINK, VISIBLE

_HINTS: Final = (b"cache", b"store", b"pkg")
"""What the target of a link into a cache has in it."""


def spare_linked(tree: FileTree, found: dict[int, Found]) -> None:
    """Take out of `found` the files of package caches that a symlink outside of the caches leads to."""
    if not any(rule.kind == "package_cache" for rule, _ in found.values()):
        return
    caches = {path for rule, path in found.values() if rule.kind == "package_cache"}
    last = len(tree.layers) - 1
    seen: set[int] = set()
    for node, target in _links(tree):
        if _is_below(node.path, caches):
            continue
        led = resolve(tree.root, node, target, last)
        if led is None or not _is_below(led.path, caches):
            continue
        waiting = [led]
        while waiting:
            here = waiting.pop()
            if id(here) in seen:
                continue
            seen.add(id(here))
            waiting.extend((here.children or {}).values())
            entry = here.latest
            content = entry.content if entry is not None and entry.ended == VISIBLE else None
            if content is not None:
                number = content.place.first + content.position
                if number in found and found[number][0].kind == "package_cache":
                    del found[number]


def _links(tree: FileTree) -> Iterator[tuple[Node, bytes]]:
    """The symlinks that may lead into a cache, and their targets."""
    for layer in tree.layers:
        columns = layer.columns
        for position, target in columns.links.items():
            if columns.kinds[position] != SYMLINK or not any(hint in target for hint in _HINTS):
                continue
            record = layer.records[position]
            if record is not None and record.ended != VISIBLE:
                continue
            node = tree.find(columns.path(position) if record is None else record.path)
            if node is not None and node.visible:
                yield node, target


def _is_below(path: bytes, folders: set[bytes]) -> bool:
    end = len(path)
    while end > 0:
        if path[:end] in folders:
            return True
        end = path.rfind(b"/", 0, end)
    return False
