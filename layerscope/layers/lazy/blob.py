"""The contents of a layer's files, joined in the order of its table of contents, and fetched by chunk."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from typing import Final

from layerscope.errors import DigestMismatch, FormatError
from layerscope.image.blob import StoredBlob
from layerscope.image.wrapped_blob import WrappedBlob
from layerscope.layers.compression import Decompression
from layerscope.layers.lazy.part import Part
from layerscope.layers.lazy.table import Chunk, Chunks
from layerscope.limits import Limits

_WHOLE: Final = 16 * 1024 * 1024
"""Chunks up to this size in bytes are unpacked whole and kept."""
_KEPT: Final = 32 * 1024 * 1024
"""The most bytes of chunks to keep."""


class TableBlob(WrappedBlob):
    """All contents as one blob. Each chunk is checked against its digest before any of it is returned.

    Raises `SourceUnavailable`, `FormatError` if a chunk can't be unpacked, and `DigestMismatch`.
    """

    def __init__(self, blob: StoredBlob, compression: str, chunks: Chunks, limits: Limits) -> None:
        super().__init__(blob)
        self.size = chunks.total
        self._compression = compression
        self._chunks = chunks
        self._limits = limits
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._checked: set[int] = set()
        self._kept_bytes = 0
        self._now: _Frame | None = None

    def read_at(self, position: int, count: int) -> bytes:
        """At most `count` bytes from `position`; fewer only at the end of all contents."""
        count = min(count, self.size - position)
        parts: list[bytes] = []
        with self._lock:
            while count > 0:
                chunk = self._chunks.at(position)
                offset = position - chunk.start
                part = self._read(chunk, offset, min(count, chunk.size - offset))
                parts.append(part)
                position += len(part)
                count -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read(self, chunk: Chunk, offset: int, count: int) -> bytes:
        if chunk.zeros:
            return bytes(count)
        if chunk.size > _WHOLE:
            return self._from_large(chunk, offset, count)
        data = self._kept.get(chunk.start)
        if data is None:
            data = self._frame(chunk, 0).read(chunk, 0, chunk.size)
            self._check(chunk, hashlib.sha256(data).digest())
            self._kept[chunk.start] = data
            self._kept_bytes += len(data)
            while self._kept_bytes > _KEPT:
                self._kept_bytes -= len(self._kept.popitem(last=False)[1])
        else:
            self._kept.move_to_end(chunk.start)
        return data[offset : offset + count]

    def _from_large(self, chunk: Chunk, offset: int, count: int) -> bytes:
        """Part of a chunk that is too large to keep. The first time, it is read an extra time to check its digest."""
        if chunk.start not in self._checked:
            hasher = hashlib.sha256()
            for start in range(0, chunk.size, _WHOLE):
                size = min(_WHOLE, chunk.size - start)
                hasher.update(self._frame(chunk, start).read(chunk, start, size))
            self._check(chunk, hasher.digest())
            self._checked.add(chunk.start)
        return self._frame(chunk, offset).read(chunk, offset, count)

    def _frame(self, chunk: Chunk, offset: int) -> _Frame:
        """The unpacked data of a chunk, from which a byte of it can still be read.

        Chunks that share a frame are usually read in order, so it goes on where the last one ended.
        """
        now = self._now
        if now is None or now.offset != chunk.offset or now.position > chunk.inner + offset:
            now = self._now = _Frame(self.blob, self._compression, chunk, self._limits)
        return now

    def _check(self, chunk: Chunk, digest: bytes) -> None:
        if chunk.digest is not None and digest != chunk.digest:
            raise DigestMismatch(
                f"{self.name}: the content at byte {chunk.offset} has the digest sha256:{digest.hex()},"
                f" but its table of contents says sha256:{chunk.digest.hex()}",
                hint="read the image without --lazy, or push it again",
            )


class _Frame:
    """The data that the compressed bytes of a chunk unpack to, read forward."""

    def __init__(self, blob: StoredBlob, compression: str, chunk: Chunk, limits: Limits) -> None:
        self.offset = chunk.offset
        part = Part(blob, chunk.offset, chunk.end - chunk.offset)
        self._pieces = iter(Decompression(part, compression, limits))
        self._data = b""
        self._name = blob.name
        self.position = 0
        """The first byte that can still be read."""

    def read(self, chunk: Chunk, offset: int, count: int) -> bytes:
        """Exactly `count` bytes of a chunk. Raises `FormatError` if there are fewer."""
        parts: list[bytes] = []
        offset += chunk.inner
        while count > 0:
            at = offset - self.position
            if at >= len(self._data):
                self.position += len(self._data)
                self._data = next(self._pieces, b"")
                if not self._data:
                    raise FormatError(
                        f"{self._name}: the content at byte {self.offset} is shorter than the"
                        f" {chunk.size} bytes of its table of contents",
                        hint="read the image without --lazy, or push it again",
                    )
                continue
            part = self._data[at : at + count]
            parts.append(part)
            offset += len(part)
            count -= len(part)
        return b"".join(parts)
