"""Which files of a layer list packages, and which part of each is kept.

Databases are kept whole. Of executables and Java archives, only the parts about packages are kept.
"""

from __future__ import annotations

from typing import Final

from layerscope.packages import executables, java
from layerscope.packages.databases import (
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
_LEAST_EXECUTABLE: Final = 32 * 1024
_EXECUTE: Final = 0o111


def may_be_document(path: bytes, size: int, mode: int) -> bool:
    """A quick check of the name. False for most files from which `document` would keep nothing."""
    return (
        path.endswith(CANDIDATES)
        or (size >= _LEAST_EXECUTABLE and mode & _EXECUTE != 0)
        or path.startswith(SINGLE_STATUS)
    )


def document(path: bytes, size: int, mode: int, read_at: ReadAt) -> bytes | None:
    """The part of a file of `size` bytes that is kept; None for most files. Reads as little of the file as possible."""
    if is_database_file(path):
        return read_at(0, size)
    if mode & _EXECUTE and size >= _LEAST_EXECUTABLE and read_at(0, 4) == MAGIC:
        return executables.clip(read_at)
    if java.wanted(path):
        return java.clip(path, read_at, size)
    return None


def unit_of_document(path: bytes, data: bytes) -> Unit | None:
    """The part of a database that a kept document belongs to."""
    unit = unit_of(path)
    if unit is not None:
        return unit
    if java.wanted(path):
        return ARCHIVES, path
    return (EXECUTABLES, path) if executables.is_document(data) else None
