"""The content of a file in the tree, live or deleted."""

from __future__ import annotations

from layerscope.errors import UnsupportedFormat
from layerscope.filesystem.entry import Entry
from layerscope.layers.entry import FILE, HARDLINK, METADATA
from layerscope.layers.file_content import Content, Indexes, stored_bytes
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.progress import CancelledCallback


def content_entry(entry: Entry) -> Entry | None:
    """The entry that stores the bytes of a file or hard link; None for an empty file and for other kinds."""
    if entry.kind in (FILE, HARDLINK, METADATA):
        return entry.content or (entry if entry.kind == FILE else None)
    return None


def open_content(
    entry: Entry,
    indexes: Indexes,
    *,
    limits: Limits = DEFAULT_LIMITS,
    cancelled: CancelledCallback | None = None,
) -> Content:
    """The content of a file or hard link, live or deleted. Raises `UnsupportedFormat` for other kinds."""
    source = content_entry(entry)
    if source is None:
        raise UnsupportedFormat("not a regular file, so it has no content")
    return Content(stored_bytes(indexes, source.layer, limits=limits, cancelled=cancelled), source)
