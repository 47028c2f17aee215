"""Which files of a layer list packages, and which part of each is kept.

Databases are kept whole. Of executables and Java archives, only the parts about packages are kept.
"""

from __future__ import annotations

from typing import Final

from layerscope.packages.databases import (
    ARCHIVE_ENDINGS,
    ARCHIVES,
    CANDIDATES,
    EXECUTABLES,
    SINGLE_STATUS,
    Unit,
    is_database_file,
    unit_of,
)
from layerscope.packages.elf import MAGIC, ReadAt

MOST_BYTES: Final = 128 * 1024 * 1024
"""Larger files are ignored."""
LEAST_EXECUTABLE: Final = 32 * 1024
"""Smaller programs aren't looked into."""
EXECUTE: Final = 0o111
"""The bits of a mode that make a file a program."""


def may_be_document(path: bytes, size: int) -> bool:
    """A quick check of the name and the size. False for most files from which `document` would keep nothing."""
    return size >= LEAST_EXECUTABLE or path.endswith(CANDIDATES) or SINGLE_STATUS in path


def document(path: bytes, size: int, mode: int, read_at: ReadAt) -> bytes | None:
    """The part of a file of `size` bytes that is kept; None for most files. Reads as little of the file as possible."""
    if is_database_file(path):
        return read_at(0, size)
    if mode & EXECUTE and size >= LEAST_EXECUTABLE and read_at(0, 4) == MAGIC:
        from layerscope.packages import executables

        return executables.clip(read_at)
    if path.endswith(ARCHIVE_ENDINGS):
        from layerscope.packages import java

        return java.clip(path, read_at, size)
    return None


def unit_of_document(path: bytes, data: bytes) -> Unit | None:
    """The part of a database that a kept document belongs to."""
    unit = unit_of(path)
    if unit is not None:
        return unit
    if path.endswith(ARCHIVE_ENDINGS):
        return ARCHIVES, path
    from layerscope.packages import executables

    return (EXECUTABLES, path) if executables.is_document(data) else None
