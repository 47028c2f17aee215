"""The files of a layer that are kept while it is read: those that say which packages are installed, or what was unpacked.

A compressed layer is read only once, and a layer from the cache has no blob at hand. So the index keeps these files.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from itertools import chain
from typing import Final

from layerscope.errors import FormatError
from layerscope.image.blob import StoredBlob
from layerscope.layers.budget import Budget
from layerscope.layers.compression import zstd
from layerscope.layers.entry import FILE
from layerscope.layers.layer_index import Columns
from layerscope.layers.window import Window
from layerscope.packages.archive_members import ENDINGS, Allowance
from layerscope.packages.databases import CANDIDATES, SINGLE_STATUS
from layerscope.packages.documents import (
    EXECUTE,
    LEAST_EXECUTABLE,
    MOST_BYTES,
    document,
    may_be_elf,
    most_bytes,
)

_PACK_FROM: Final = 4 * 1024 * 1024
_PLAIN, _PACKED = b"\0", b"\1"
_PEEK: Final = 4
_ENDINGS: Final = (*CANDIDATES, *ENDINGS)
_TAIL_BYTES: Final = 4
_TAILS: Final = frozenset(ending[-_TAIL_BYTES:] for ending in (*CANDIDATES, *ENDINGS))
"""The last bytes of all endings, which most paths don't have."""


class DocumentKeeper:
    """Keeps the documents of one layer in `columns`. `budget` counts their bytes."""

    def __init__(self, columns: Columns, budget: Budget | None = None) -> None:
        self._columns = columns
        self._budget = budget
        self._allowance = Allowance()

    def pass_by(self, window: Window, path: bytes, mode: int, offset: int, size: int) -> bool:
        """Look at a file in a stream. Returns whether that may have moved the window."""
        path = path.removeprefix(b"./")
        most = most_bytes(path, size)
        if not most:
            return False

        def read_at(position: int, count: int) -> bytes:
            end = min(position + count, most)
            window.move(offset, _PEEK if end <= _PEEK else most)
            start = offset - window.start
            return window.data[start + position : start + end]

        self.keep(offset, document(path, size, mode, read_at, self._allowance))
        return True

    def look_through(self, blob: StoredBlob) -> None:
        """Look at the files of a seekable layer."""
        columns = self._columns
        for position in candidates(columns):
            size, extra = columns.sizes[position], columns.extras.get(position)
            if (
                columns.kinds[position] != FILE
                or not size
                or (extra is not None and extra.logical_size is not None)
            ):
                continue
            path = columns.path(position)
            if not most_bytes(path, size):
                continue
            data = columns.data[position]
            mode = columns.owner_table[columns.owners[position]][0]

            def read_at(at: int, count: int, data: int = data, size: int = size) -> bytes:
                return blob.read_at(data + at, min(count, size - at)) if at < size else b""

            self.keep(data, document(path, size, mode, read_at, self._allowance))

    def keep(self, offset: int, data: bytes | None) -> None:
        """Keep the part of the file at an offset that is of interest; None for nothing."""
        if data is None:
            return
        packed = _PLAIN + data if len(data) < _PACK_FROM else _PACKED + zstd().compress(data, 1)
        if self._budget is not None:
            self._budget.spend(len(packed))
        self._columns.documents[offset] = packed


def candidates(columns: Columns) -> list[int]:
    """The positions of members that may be documents by their names, or by their sizes and modes."""
    paths, ends = bytes(columns.paths), columns.ends
    found = {
        position
        for position, (start, end) in enumerate(zip(chain((0,), ends), ends, strict=False))
        if paths[end - _TAIL_BYTES : end] in _TAILS and paths[start:end].endswith(_ENDINGS)
    }
    found.update(_executables(columns, paths))
    start = paths.find(SINGLE_STATUS)
    while start >= 0:
        found.add(bisect_right(ends, start))
        start = paths.find(SINGLE_STATUS, start + 1)
    return sorted(found)


def _executables(columns: Columns, paths: bytes) -> Iterator[int]:
    """The positions of members that may be ELF files."""
    ends, owners = columns.ends, columns.owners
    modes = [mode for mode, _, _ in columns.owner_table]
    programs = {number for number, mode in enumerate(modes) if mode & EXECUTE}
    for position, size in enumerate(columns.sizes):
        if size < LEAST_EXECUTABLE:
            continue
        if owners[position] in programs:
            yield position
            continue
        path = paths[ends[position - 1] if position else 0 : ends[position]]
        if (b".so" in path or b"core" in path) and may_be_elf(path, 0):
            yield position


def unpacked(kept: bytes) -> bytes:
    """The bytes of a document. Raises `FormatError` if it is damaged."""
    if kept.startswith(_PLAIN):
        return kept[1:]
    module = zstd()
    decompressor = module.ZstdDecompressor()
    try:
        data: bytes = decompressor.decompress(kept[1:], MOST_BYTES + 1)
    except (module.ZstdError, EOFError):
        data = b""
    if not decompressor.eof or len(data) > MOST_BYTES:
        raise FormatError("a kept document is damaged")
    return data
