"""A layer's tar that an engine keeps in two parts: headers in a tar-split file, and contents in a folder."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final, Protocol

from layerscope.errors import FormatError, SourceUnavailable
from layerscope.image.blob import Blob, OpenFile
from layerscope.layers.tar_split import Payload, TarSplit
from layerscope.limits import Limits

_PIECE: Final = 1 << 20


class Contents(Protocol):
    """The folder that a layer was unpacked into."""

    def open(self, name: bytes) -> OpenFile:
        """The regular file that a tar member was unpacked to.

        Raises `FormatError` for anything else and for a path through a symlink, and `SourceUnavailable`.
        """

    def close(self) -> None: ...


class SplitBlob:
    """The tar as stored bytes. Contents are read from the folder only when they are asked for, and then checked.

    `size` is the size of the tar where the engine keeps it, which saves a pass over the tar-split file. Raises `FormatError` and `SourceUnavailable` where the two parts don't fit each other.
    """

    def __init__(
        self,
        name: str,
        stored: Blob,
        contents: Contents,
        limits: Limits,
        *,
        size: int | None = None,
    ) -> None:
        self.name = name
        self._stored = stored
        self._split = TarSplit(stored, limits)
        self._contents = contents
        self._size = size
        self._payloads: _Payloads | None = None
        self._cursor: _Cursor | None = None
        self._checked: dict[int, tuple[int, int]] = {}

    @property
    def size(self) -> int:
        """The bytes of the tar, from one pass over the tar-split file."""
        if self._size is None:
            self._size = self._split.tar_size()
        return self._size

    @property
    def key(self) -> tuple[int, int, int]:
        """Equal for the same open tar-split file. The last number is the number of bytes to read from it."""
        return self._stored.key

    @property
    def closed(self) -> bool:
        return self._stored.closed

    def close(self) -> None:
        """Close the folder. The caller closes the tar-split file."""
        self._contents.close()

    def check_unchanged(self) -> None:
        """Raise `SourceUnavailable` if the tar-split file changed since it was opened."""
        self._stored.check_unchanged()

    def pieces(self, advanced: Callable[[int], None] | None = None) -> Iterator[bytes | Payload]:
        """The tar in order, with contents left out. `advanced` counts bytes of the tar-split file.

        Whoever takes all pieces saves `read_at` a pass.
        """
        table = _Payloads()
        for piece in self._split.pieces(advanced):
            table.add(piece)
            yield piece
        self._payloads = table

    def read_at(self, position: int, count: int) -> bytes:
        """At most `count` bytes from `position`; fewer only at the end."""
        if not position and self._payloads is None:
            first = next(self._split.pieces(), b"")
            if isinstance(first, bytes) and len(first) >= count:
                return first[:count]
        payloads = self._payloads
        if payloads is None:
            for _ in self.pieces():
                pass
            payloads = self._payloads
            assert payloads is not None
        parts: list[bytes] = []
        end = min(position + count, payloads.end)
        while position < end:
            number = payloads.at(position)
            if number >= 0:
                offset = position - payloads.starts[number]
                size = min(end - position, payloads.sizes[number] - offset)
                part = self._read_content(number, offset, size)
            else:
                part = self._read_headers(position, end - position)
            parts.append(part)
            position += len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _read_headers(self, position: int, count: int) -> bytes:
        cursor = self._cursor
        if cursor is None or position < cursor.start:
            cursor = self._cursor = _Cursor(self._split.pieces())
        part = cursor.read(position, count)
        if not part:
            raise FormatError(f"{self.name}: the tar-split file ends at byte {position} of the tar")
        return part

    def _read_content(self, number: int, offset: int, count: int) -> bytes:
        """Bytes of one file, all of which are compared with their checksum the first time."""
        assert self._payloads is not None
        entry = self._payloads.entry(number)
        with closing(self._contents.open(entry.name)) as file:
            if file.size != entry.size:
                raise SourceUnavailable(
                    f"{file.name} has {file.size} bytes, but the layer has {entry.size}"
                )
            if self._checked.get(number) == file.stamp:
                return Blob(file, 0, file.size, file.name).read_at(offset, count)
            if entry.size <= _PIECE:
                data = Blob(file, 0, file.size, file.name).read_at(0, entry.size)
                _check(data, entry, file.name)
                wanted = data[offset : offset + count]
            else:
                _check_pieces(file, entry)
                wanted = Blob(file, 0, file.size, file.name).read_at(offset, count)
            file.check_unchanged()
            self._checked[number] = file.stamp
            return wanted


def _check(data: bytes, entry: Payload, name: str) -> None:
    from fastcrc import crc64

    if len(data) != entry.size or crc64.go_iso(data) != entry.crc:
        raise _differs(name)


def _check_pieces(file: OpenFile, entry: Payload) -> None:
    from fastcrc import crc64

    blob = Blob(file, 0, file.size, file.name)
    crc = crc64.go_iso(b"")
    for position in range(0, entry.size, _PIECE):
        crc = crc64.go_iso(blob.read_at(position, _PIECE), crc)
    if crc != entry.crc:
        raise _differs(file.name)


def _differs(name: str) -> SourceUnavailable:
    return SourceUnavailable(f"{name} changed since the layer was unpacked: its checksum differs")


class _Payloads:
    """Where each content is in the tar, in packed columns."""

    def __init__(self) -> None:
        self.starts = array("q")
        self.sizes = array("q")
        self._crcs = array("Q")
        self._ends = array("q")
        self._names = bytearray()
        self.end = 0

    def add(self, piece: bytes | Payload) -> None:
        """Take the next piece of the tar."""
        if isinstance(piece, bytes):
            self.end += len(piece)
            return
        self.starts.append(self.end)
        self.sizes.append(piece.size)
        self._crcs.append(piece.crc)
        self._names += piece.name
        self._ends.append(len(self._names))
        self.end += piece.size

    def at(self, position: int) -> int:
        """The number of the content that holds a byte of the tar, or -1."""
        number = bisect_right(self.starts, position) - 1
        inside = number >= 0 and position < self.starts[number] + self.sizes[number]
        return number if inside else -1

    def entry(self, number: int) -> Payload:
        name = self._names[self._ends[number - 1] if number else 0 : self._ends[number]]
        return Payload(bytes(name), self.sizes[number], self._crcs[number])


class _Cursor:
    """Reads bytes of segments, forward only."""

    def __init__(self, pieces: Iterator[bytes | Payload]) -> None:
        self._pieces = pieces
        self.start = 0
        self._data = b""

    def read(self, position: int, count: int) -> bytes:
        """At most `count` bytes from a position within a segment; empty after the last one."""
        while self.start + len(self._data) <= position:
            self.start += len(self._data)
            self._data = b""
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            if isinstance(piece, bytes):
                self._data = piece
            else:
                self.start += piece.size
        offset = position - self.start
        return self._data[offset : offset + count]
