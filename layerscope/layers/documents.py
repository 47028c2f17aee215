"""The files of a layer that are kept while it is read: those that say which packages are installed.

A compressed layer is read only once, and a layer from the cache has no blob at hand. So the index keeps these files.
"""

from __future__ import annotations

from typing import Final

from layerscope.errors import FormatError
from layerscope.image.blob import StoredBlob
from layerscope.layers.budget import Budget
from layerscope.layers.compression import zstd
from layerscope.layers.entry import FILE
from layerscope.layers.layer_index import Columns
from layerscope.layers.window import Window
from layerscope.packages.documents import MOST_BYTES, document, may_be_document

_PACK_FROM: Final = 4 * 1024 * 1024
_PLAIN, _PACKED = b"\0", b"\1"
_PEEK: Final = 4


class DocumentKeeper:
    """Keeps the documents of one layer in `columns`. `budget` counts their bytes."""

    def __init__(self, columns: Columns, budget: Budget | None = None) -> None:
        self._columns = columns
        self._budget = budget

    def pass_by(self, window: Window, path: bytes, mode: int, offset: int, size: int) -> bool:
        """Look at a file in a stream. Returns whether that moved the window."""
        if size > MOST_BYTES:
            return False
        path = path.removeprefix(b"./")

        def read_at(position: int, count: int) -> bytes:
            end = min(position + count, size)
            window.move(offset, _PEEK if end <= _PEEK else size)
            start = offset - window.start
            return window.data[start + position : start + end]

        self._keep(offset, document(path, size, mode, read_at))
        return True

    def look_through(self, blob: StoredBlob) -> None:
        """Look at the files of a seekable layer."""
        columns = self._columns
        modes = [mode for mode, _, _ in columns.owner_table]
        start = 0
        rows = zip(columns.ends, columns.kinds, columns.sizes, columns.owners, strict=True)
        paths = bytes(columns.paths)
        for position, (end, kind, size, owner) in enumerate(rows):
            path = paths[start:end]
            start = end
            if kind != FILE or not size or size > MOST_BYTES:
                continue
            if not may_be_document(path, size):
                continue
            extra = columns.extras.get(position)
            if extra is not None and extra.logical_size is not None:
                continue
            data = columns.data[position]

            def read_at(at: int, count: int, data: int = data, size: int = size) -> bytes:
                return blob.read_at(data + at, min(count, size - at)) if at < size else b""

            self._keep(data, document(path, size, modes[owner], read_at))

    def _keep(self, offset: int, data: bytes | None) -> None:
        if data is None:
            return
        packed = _PLAIN + data if len(data) < _PACK_FROM else _PACKED + zstd().compress(data, 1)
        if self._budget is not None:
            self._budget.spend(len(packed))
        self._columns.documents[offset] = packed


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
