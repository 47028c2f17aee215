"""A moving window on an uncompressed tar, over a seekable blob or over a stream that can be read only once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from layerscope.errors import TarError
from layerscope.image.blob import Blob, StoredBlob
from layerscope.layers.content_hash import digest, hasher
from layerscope.layers.header import BLOCK_SIZE
from layerscope.layers.split_blob import SplitBlob
from layerscope.layers.tar_split import Run

SEEK_CHUNK = 4096
"""Enough for a header, a small file, and the next header. Larger reads cost more in copying than they save in calls."""
DENSE_CHUNK = 16384
"""Bytes to read at once where headers are close together. Files of a few kilobytes are common there, too."""
REPORT_STEP = 1 << 20
"""Bytes between two progress reports."""
UNKNOWN_LENGTH = 1 << 63
"""The `length` of a tar whose size nobody knows until it ends."""


class Window(Protocol):
    """Some bytes of the tar, `data`, which begin at offset `start`."""

    data: bytes
    start: int
    fingerprints: bool
    """Whether all bytes are read anyway, so that `fingerprint` costs no extra reading."""
    length: int
    """The size of the tar, or `UNKNOWN_LENGTH`."""
    fd: int
    offset: int
    direct: int
    """Below position `direct`, you may read a chunk straight from `fd`, where the tar starts at `offset`."""

    def move(self, position: int, count: int) -> None:
        """Make `data` hold `count` bytes from `position`, fewer only at the end of the tar."""

    def fingerprint(self, position: int, size: int) -> bytes:
        """A hash of `size` bytes from `position`. Raises `TarError` if the tar ends before that."""


def read_block(window: Window, position: int) -> bytes:
    """The block at a position; shorter at the end of the tar."""
    offset = position - window.start
    if offset < 0 or offset + BLOCK_SIZE > len(window.data):
        window.move(position, BLOCK_SIZE)
        offset = position - window.start
    return window.data[offset : offset + BLOCK_SIZE]


def read_bytes(window: Window, position: int, size: int) -> bytes:
    """All of `size` bytes, which the caller must have limited. Raises `TarError` if the tar ends before that."""
    if position < window.start or position + size > window.start + len(window.data):
        window.move(position, size)
    offset = position - window.start
    data = window.data[offset : offset + size]
    if len(data) < size:
        raise TarError(
            f"the tar ends {size - len(data)} bytes before an extension header does",
            offset=position,
        )
    return data


class SeekWindow:
    """A window on an uncompressed blob. Bytes that nobody looks at are never read."""

    fingerprints = False

    def __init__(self, blob: Blob, advanced: Callable[[int], None] | None = None) -> None:
        self._blob = blob
        self._advanced = advanced
        self.fd = blob.file.fd
        self.offset = blob.offset
        self.told = 0
        self.direct = self.tell(0)
        self.length = blob.size
        self.data = b""
        self.start = 0

    def move(self, position: int, count: int) -> None:
        self.data = self._blob.read_at(position, max(count, SEEK_CHUNK))
        self.start = position
        if position >= self.direct:
            self.direct = self.tell(position)

    def tell(self, position: int) -> int:
        """Report progress. Returns the position below which whole chunks can be read without reporting again."""
        last = self._blob.size - SEEK_CHUNK
        if self._advanced is None:
            return last
        if position > self.told:
            self._advanced(position - self.told)
            self.told = position
        return min(last, position + REPORT_STEP)

    def fingerprint(self, position: int, size: int) -> bytes:
        return fingerprint_at(self._blob, position, size)


class SplitWindow:
    """Over a tar whose contents are kept apart: headers pass once, and contents aren't read."""

    fingerprints = False

    def __init__(self, blob: SplitBlob, advanced: Callable[[int], None] | None = None) -> None:
        self._blob = blob
        self._runs = blob.runs(advanced)
        self._run = Run([], [], [], [], b"")
        self._at = 0
        """The first segment of the run whose end, or whose content, was not passed."""
        self.fd = self.offset = self.direct = -1
        self.length = UNKNOWN_LENGTH if blob.known_size is None else blob.known_size
        self.data = b""
        self.start = 0

    def move(self, position: int, count: int) -> None:
        if self.start <= position and position + count <= self.start + len(self.data):
            return
        if self._find(position):
            end, segment = self._run.contents[self._at], self._run.segments[self._at]
            if end - len(segment) <= position and position + count <= end:
                self.data = segment
                self.start = end - len(segment)
                return
        self.data = self._blob.read_at(position, count)
        self.start = position

    def ahead(self, position: int, most: int) -> tuple[list[bytes], list[int], list[int]]:
        """At most `most` segments from the one that holds a position on, the offsets of their ends, and what follows each.

        There may be fewer, or none, before the end of the tar.
        """
        self._find(position)
        run, at = self._run, self._at
        return (
            run.segments[at : at + most],
            run.contents[at : at + most],
            run.sizes[at : at + most],
        )

    def pass_by(self, count: int) -> None:
        """Leave out the first `count` segments of what `ahead` found."""
        self._at += count

    def _find(self, position: int) -> bool:
        """Go on to the segment that holds a position or has a content that does. False if the tar ends before."""
        while True:
            run = self._run
            for at in range(self._at, len(run.segments)):
                if run.contents[at] + run.sizes[at] > position:
                    self._at = at
                    return True
            self._at = len(run.segments)
            following = next(self._runs, None)
            if following is None:
                return False
            self._run, self._at = following, 0

    def finish(self) -> None:
        """Take the rest of the tar, after which the blob knows its size."""
        for run in self._runs:
            self._run, self._at = run, len(run.segments)

    def fingerprint(self, position: int, size: int) -> bytes:
        return fingerprint_at(self._blob, position, size)


class StreamWindow:
    """A window on a stream of chunks of an uncompressed tar. `inside` is told the end of a content that is passing."""

    fingerprints = True

    def __init__(
        self, chunks: Iterator[bytes], inside: Callable[[int], None] | None = None
    ) -> None:
        self._chunks = chunks
        self._inside = inside
        self._held = b""
        self._held_start = 0
        self.length = UNKNOWN_LENGTH
        self.fd = self.offset = self.direct = -1
        self.data = b""
        self.start = 0

    def move(self, position: int, count: int) -> None:
        data, start = self._held, self._held_start
        end = start + len(data)
        while end <= position:
            chunk = next(self._chunks, None)
            if chunk is None:
                self.data = self._held = b""
                self.start = self._held_start = end
                return
            data, start = chunk, end
            end += len(chunk)
        self._held, self._held_start = data, start
        if start <= position and position + count <= end:
            self.data, self.start = data, start
            return
        # Only what is asked for is joined, since copying whole chunks would cost as much as scanning them.
        if position >= start:
            parts = [data[position - start :]]
        else:
            parts = [self.data[position - self.start :]]
            known = self.start + len(self.data)
            parts.append(data[known - start : position + count - start])
        while end < position + count:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._held, self._held_start = chunk, end
            parts.append(chunk[: position + count - end])
            end += len(chunk)
        self.data = b"".join(parts)
        self.start = position

    def rest(self, position: int) -> bytes:
        """What is known of the tar from block `position` on, or from the first whole block in the window."""
        known = self.start + len(self.data)
        behind = self._held[max(known - self._held_start, 0) :]
        missed = max(self.start - position, 0)
        position += missed + -missed % BLOCK_SIZE
        return self.data[position - self.start :] + behind

    def fingerprint(self, position: int, size: int) -> bytes:
        offset = position - self.start
        if offset >= 0 and offset + size <= len(self.data):
            return digest(memoryview(self.data)[offset : offset + size])
        content = hasher()
        end = position + size
        if self._inside is not None:
            self._inside(end)
        while position < end:
            self.move(position, 1)
            part = memoryview(self.data)[position - self.start : end - self.start]
            if not part:
                raise TarError(
                    f"the tar ends {end - position} bytes before the end of a file's content",
                    offset=position,
                )
            content.update(part)
            position += len(part)
        return content.digest()


def fingerprint_at(blob: StoredBlob, position: int, size: int) -> bytes:
    """The hash of `size` bytes from `position` of an uncompressed blob. Raises `TarError` if the blob ends first."""
    content = hasher()
    end = position + size
    while position < end:
        part = blob.read_at(position, min(1 << 20, end - position))
        if not part:
            raise TarError("the tar ends inside a file's content", offset=position)
        content.update(part)
        position += len(part)
    return content.digest()
