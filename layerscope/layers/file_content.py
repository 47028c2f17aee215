"""The content of one file, read page by page from the layer that stores it.

An uncompressed layer is read at the file's offset. A compressed layer is decompressed up to the file, and the stream
stays open so that reading further doesn't start over. Holes of sparse files are filled with zeros.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from layerscope.errors import FormatError, UnsupportedFormat
from layerscope.image.blob import StoredBlob
from layerscope.layers.compression import Decompression
from layerscope.layers.entry import Extra
from layerscope.layers.reader import StoredLayer
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.progress import CancelledCallback, stop_if

PIECE: Final = 1 << 18
"""Size in bytes of one cached piece of a compressed layer."""
KEPT_PIECES: Final = 128
"""Pieces cached for paging back without reading the layer again (32 MiB)."""

Indexes = Sequence[StoredLayer | None]


class StoredFile(Protocol):
    """Where a file's bytes are in its layer's tar."""

    @property
    def data(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def extra(self) -> Extra | None: ...


class StoredBytes(Protocol):
    """An uncompressed tar that can be read at any offset, though not always cheaply."""

    def read_at(self, position: int, count: int) -> bytes: ...


class CompressedTar:
    """Reads a compressed layer's tar by offset.

    Going forward decompresses everything in between; going back past the cached pieces starts over. Raises
    `FormatError` for a broken stream, `LimitExceeded` for a decompression bomb, and `Cancelled`.
    """

    def __init__(
        self,
        blob: StoredBlob,
        compression: str,
        limits: Limits = DEFAULT_LIMITS,
        cancelled: CancelledCallback | None = None,
    ) -> None:
        self._blob = blob
        self._compression = compression
        self._limits = limits
        self._cancelled = cancelled
        self._kept: OrderedDict[int, bytes] = OrderedDict()
        self._begin()

    def _begin(self) -> None:
        source = Decompression(
            self._blob, self._compression, self._limits, advanced=lambda _: stop_if(self._cancelled)
        )
        self._chunks: Iterator[bytes] = iter(source)
        self._data = b""
        self._start = 0

    def read_at(self, position: int, count: int) -> bytes:
        """`count` bytes of the tar from `position`, fewer only at its end."""
        parts = []
        end = position + count
        while position < end:
            piece, offset = divmod(position, PIECE)
            part = self._piece(piece)[offset : offset + end - position]
            if not part:
                break
            parts.append(part)
            position += len(part)
        return b"".join(parts)

    def _piece(self, number: int) -> bytes:
        kept = self._kept.get(number)
        if kept is not None:
            self._kept.move_to_end(number)
            return kept
        data = self._kept[number] = self._stream(number * PIECE)
        if len(self._kept) > KEPT_PIECES:
            self._kept.popitem(last=False)
        return data

    def _stream(self, position: int) -> bytes:
        """The piece at a position of the stream, which restarts if it is already past it."""
        if position < self._start:
            self._begin()
        parts = []
        missing = PIECE
        while missing:
            end = self._start + len(self._data)
            if end <= position:
                chunk = next(self._chunks, None)
                if chunk is None:
                    break
                self._start, self._data = end, chunk
                continue
            part = self._data[position - self._start :][:missing]
            parts.append(part)
            position += len(part)
            missing -= len(part)
        return b"".join(parts)


class Content:
    """The bytes of one file as a program in a container reads them. `size` counts them, holes included."""

    def __init__(self, stored: StoredBytes, entry: StoredFile) -> None:
        self._stored = stored
        self._data = entry.data
        self._stored_size = entry.size
        extra = entry.extra
        self._extents: tuple[tuple[int, int], ...] = ()
        self.size = entry.size
        if extra is not None and extra.logical_size is not None:
            self._extents = extra.extents
            self.size = extra.logical_size
        self.sparse = extra is not None and extra.logical_size is not None
        self._starts: list[int] = [begin for begin, _ in self._extents]
        self._offsets: list[int] = []
        reached = 0
        for _, length in self._extents:
            self._offsets.append(reached)
            reached += length

    def read(self, position: int, count: int) -> bytes:
        """`count` bytes from `position`, fewer only at the end. Raises `FormatError` if the layer is cut short."""
        count = min(count, self.size - position)
        if count <= 0 or position < 0:
            return b""
        if not self.sparse:
            return self._exactly(position, count)
        return self._expanded(position, count)

    def _exactly(self, position: int, count: int) -> bytes:
        data = self._stored.read_at(self._data + position, count)
        if len(data) != count:
            raise FormatError(
                f"the layer ends {count - len(data)} bytes before the content of the file does"
            )
        return data

    def _expanded(self, position: int, count: int) -> bytes:
        end = position + count
        parts = []
        number = max(0, bisect_right(self._starts, position) - 1)
        while position < end:
            begin, length = self._extents[number] if number < len(self._extents) else (self.size, 0)
            if position < begin:
                hole = min(begin, end) - position
                parts.append(bytes(hole))
                position += hole
            elif position < begin + length:
                part = min(begin + length, end) - position
                parts.append(self._exactly(self._offsets[number] + position - begin, part))
                position += part
            else:
                number += 1
        return b"".join(parts)

    def stored_pieces(self, size: int = 1 << 20) -> Iterator[tuple[int, bytes]]:
        """The stored bytes, without the holes, each piece with its position in the file."""
        for begin, length in self._extents if self.sparse else ((0, self.size),):
            position, end = begin, begin + length
            while position < end:
                data = self.read(position, min(size, end - position))
                yield position, data
                position += len(data)

    def pieces(self, size: int = 1 << 20) -> Iterator[bytes]:
        """The whole content in order, in pieces of at most `size` bytes."""
        position = 0
        while position < self.size:
            data = self.read(position, size)
            yield data
            position += len(data)


def stored_bytes(
    indexes: Indexes,
    layer: int,
    *,
    limits: Limits = DEFAULT_LIMITS,
    cancelled: CancelledCallback | None = None,
) -> StoredBytes:
    """A layer's tar, readable by offset. Raises `UnsupportedFormat` if the source doesn't have the layer."""
    index = indexes[layer]
    if index is None:
        raise UnsupportedFormat(
            f"layer {layer}: the source doesn't have its bytes",
            hint="read the image from its registry",
        )
    if index.compression == "none" or index.by_table:
        return index.blob
    return CompressedTar(index.blob, index.compression, limits, cancelled)
