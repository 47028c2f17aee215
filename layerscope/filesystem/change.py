"""How an entry changes its path."""

from __future__ import annotations

from layerscope.filesystem.entry import Entry
from layerscope.filesystem.node import is_implicit
from layerscope.layers.entry import DIRECTORY, FILE, HARDLINK, MODIFIED, SYMLINK, UNCHANGED


def compare(before: Entry, entry: Entry) -> int:
    """How `entry` changes the path, judging by headers alone. Contents of equal size still have to be compared."""
    kind = entry.kind
    if kind != before.kind or is_implicit(entry):
        if is_implicit(entry):
            return UNCHANGED if before.kind == DIRECTORY else MODIFIED
        if not {kind, before.kind} <= {FILE, HARDLINK}:
            return MODIFIED
    if entry.owner != before.owner:
        return MODIFIED
    if entry.xattrs != before.xattrs:
        return MODIFIED
    if kind == DIRECTORY:
        return UNCHANGED
    if entry.mtime != before.mtime:
        return MODIFIED
    if kind == SYMLINK:
        return UNCHANGED if entry.link == before.link else MODIFIED
    if kind in (FILE, HARDLINK):
        old, new = before.content, entry.content
        if old is new:
            return UNCHANGED
        if old is None or new is None or old.size != new.size:
            return MODIFIED
        return UNCHANGED
    return UNCHANGED if entry.extra == before.extra else MODIFIED
