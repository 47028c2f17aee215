"""A layer's tar that an engine keeps in two parts: headers in a tar-split file, and contents in a folder."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import accumulate, compress
from typing import Final, NamedTuple, Protocol

from layerscope.errors import FormatError, SourceUnavailable
from layerscope.image.blob import Blob, OpenFile
from layerscope.layers.tar_split import CRC_BYTES, CRC_STRIDE, Run, TarSplit
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

    `size` is the size of the tar if it is known, which saves a pass over the tar-split file. `early` is the layer, a
    `layerscope.layers.known.KnownLayer`, if it was indexed already. Raises `FormatError` and `SourceUnavailable` where the
    two parts don't fit each other.
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
        self.known_size = size
        self.early: object = None
        self._payloads: _Payloads | None = None
        self._cursor: _Cursor | None = None
        self._checked: dict[int, tuple[int, int]] = {}

    @property
    def size(self) -> int:
        """The bytes of the tar, from one pass over the tar-split file."""
        if self.known_size is None:
            self.known_size = self._split.tar_size()
        return self.known_size

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

    def runs(self, advanced: Callable[[int], None] | None = None) -> Iterator[Run]:
        """The tar in order, with contents left out. `advanced` counts bytes of the tar-split file.

        Whoever takes all runs saves `size` and `read_at` a pass.
        """
        table = _Payloads()
        for run in self._split.runs(advanced):
            table.add(run)
            yield run
        if self.known_size not in (None, table.end):
            raise FormatError(
                f"{self.name}: the tar has {table.end} bytes, not the {self.known_size} that it should"
            )
        self._payloads = table
        self.known_size = table.end

    def read_at(self, position: int, count: int) -> bytes:
        """At most `count` bytes from `position`; fewer only at the end."""
        if not position and self._payloads is None:
            first = next(self._split.runs(), None)
            if first is not None and len(first.segments[0]) >= count:
                return first.segments[0][:count]
        payloads = self._payloads
        if payloads is None:
            for _ in self.runs():
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
            cursor = self._cursor = _Cursor(self._split.runs())
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


def _check(data: bytes, entry: _Payload, name: str) -> None:
    from fastcrc import crc64

    if len(data) != entry.size or crc64.go_iso(data) != entry.crc:
        raise _differs(name)


def _check_pieces(file: OpenFile, entry: _Payload) -> None:
    from fastcrc import crc64

    blob = Blob(file, 0, file.size, file.name)
    crc = crc64.go_iso(b"")
    for position in range(0, entry.size, _PIECE):
        crc = crc64.go_iso(blob.read_at(position, _PIECE), crc)
    if crc != entry.crc:
        raise _differs(file.name)


def _differs(name: str) -> SourceUnavailable:
    return SourceUnavailable(f"{name} changed since the layer was unpacked: its checksum differs")


class _Payload(NamedTuple):
    """The content of one file: its name in the tar, its size in bytes, and its CRC-64."""

    name: bytes
    size: int
    crc: int


class _Payloads:
    """Where each content is in the tar, in packed columns."""

    def __init__(self) -> None:
        self.starts = array("q")
        self.sizes = array("q")
        self._crcs = bytearray()
        self._ends = array("q")
        self._names = bytearray()
        self.end = 0

    def add(self, run: Run) -> None:
        """Take the next stretch of the tar."""
        sizes = run.sizes
        self.starts.extend(compress(run.contents, sizes))
        self.sizes.extend(filter(None, sizes))
        self._crcs += run.crcs
        ends = accumulate(map(len, run.names), initial=len(self._names))
        next(ends)
        self._ends.extend(ends)
        self._names += b"".join(run.names)
        self.end = run.end

    def at(self, position: int) -> int:
        """The number of the content that holds a byte of the tar, or -1."""
        number = bisect_right(self.starts, position) - 1
        inside = number >= 0 and position < self.starts[number] + self.sizes[number]
        return number if inside else -1

    def entry(self, number: int) -> _Payload:
        name = self._names[self._ends[number - 1] if number else 0 : self._ends[number]]
        at = number * CRC_STRIDE
        crc = int.from_bytes(self._crcs[at : at + CRC_BYTES], "big")
        return _Payload(bytes(name), self.sizes[number], crc)


class _Cursor:
    """Reads bytes of segments, forward only."""

    def __init__(self, runs: Iterator[Run]) -> None:
        self._segments = (
            (end - len(segment), segment)
            for run in runs
            for end, segment in zip(run.contents, run.segments, strict=True)
        )
        self.start = 0
        self._data = b""

    def read(self, position: int, count: int) -> bytes:
        """At most `count` bytes from a position within a segment; empty after the last one."""
        while self.start + len(self._data) <= position:
            found = next(self._segments, None)
            if found is None:
                return b""
            self.start, self._data = found
        offset = position - self.start
        return self._data[offset : offset + count]
