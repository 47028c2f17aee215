"""Stored bytes with random access, read without a copy."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import field
from typing import Protocol, runtime_checkable

from layerscope.errors import SourceUnavailable
from layerscope.records import dataclass
from layerscope.system.positions import pread


@dataclass(slots=True)
class OpenFile:
    """A regular file held open for reading. Several blobs can live in one file (an archive), and threads can share it."""

    fd: int
    name: str
    _stamp: tuple[int, int] = field(init=False)
    _closed: bool = field(init=False, default=False)
    read_early: Mapping[tuple[int, int], object] = field(
        init=False, default_factory=dict, repr=False, compare=False
    )
    """What is known of blobs in the file already, by their offsets and sizes: a `layerscope.layers.known.KnownLayer` each."""
    holes: frozenset[tuple[int, int]] = field(
        init=False, default=frozenset(), repr=False, compare=False
    )
    """The blobs of which the file has only the beginning, by their offsets and sizes."""

    def __post_init__(self) -> None:
        self._stamp = self._now()

    def _now(self) -> tuple[int, int]:
        status = os.fstat(self.fd)
        return status.st_size, status.st_mtime_ns

    @property
    def size(self) -> int:
        return self._stamp[0]

    @property
    def stamp(self) -> tuple[int, int]:
        """The size and the time of the last change when the file was opened."""
        return self._stamp

    @property
    def closed(self) -> bool:
        return self._closed

    def check_unchanged(self) -> None:
        """Raise `SourceUnavailable` if the file changed since it was opened."""
        if not self._closed and self._now() != self._stamp:
            raise SourceUnavailable(
                f"{self.name} changed while it was read", hint="try again when it is complete"
            )

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            fd, self.fd = self.fd, -1  # the number may be reused for another file
            os.close(fd)


class StoredBlob(Protocol):
    """Stored bytes that can be read at any position, on any storage; error messages use `name`."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...
    @property
    def key(self) -> tuple[int, int, int]:
        """Equal for two blobs with the same bytes."""

    @property
    def closed(self) -> bool: ...
    def check_unchanged(self) -> None:
        """Raise `SourceUnavailable` if the bytes changed while they were read."""

    def read_at(self, position: int, count: int) -> bytes:
        """At most `count` bytes from `position`; fewer only at the end."""


@runtime_checkable
class HasHead(Protocol):
    """A blob whose first bytes can be had without the rest."""

    def head(self, count: int) -> bytes:
        """At most `count` bytes from the beginning."""


@dataclass(frozen=True, slots=True)
class Blob:
    """`size` stored bytes that begin at byte `offset` of a file; error messages use `name`."""

    file: OpenFile
    offset: int
    size: int
    name: str

    @property
    def key(self) -> tuple[int, int, int]:
        """Equal for blobs with the same bytes of the same open file."""
        return self.file.fd, self.offset, self.size

    @property
    def closed(self) -> bool:
        return self.file.closed

    def check_unchanged(self) -> None:
        """Raise `SourceUnavailable` if the file changed since it was opened."""
        self.file.check_unchanged()

    def read_at(self, position: int, count: int) -> bytes:
        """At most `count` bytes from `position` of the blob; fewer only at its end."""
        count = min(count, self.size - position)
        if count <= 0:
            return b""
        start = self.offset + position
        data = pread(self.file.fd, count, start)
        if len(data) == count:
            return data
        parts = [data]
        done = len(data)
        while done < count:
            data = pread(self.file.fd, count - done, start + done)
            if not data:
                self.file.check_unchanged()
                break
            parts.append(data)
            done += len(data)
        return b"".join(parts)


class DeferredBlob:
    """A blob whose size and first bytes are known, and whose bytes are fetched when something else is read.

    `fetch` gives the blob itself; it is called once at most, and its file is closed by whoever opened it. `early` is what
    is known of it already, like `OpenFile.read_early`.
    """

    def __init__(
        self,
        name: str,
        size: int,
        head: bytes,
        key: tuple[int, int, int],
        fetch: Callable[[], Blob],
        early: object = None,
    ) -> None:
        self.name = name
        self.size = size
        self.key = key
        self.early = early
        self._head = head
        self._fetch = fetch
        self._fetched: Blob | None = None
        self._lock = threading.Lock()

    @property
    def blob(self) -> Blob:
        """The blob itself. Raises what fetching it raises."""
        with self._lock:
            if self._fetched is None:
                self._fetched = self._fetch()
            return self._fetched

    @property
    def closed(self) -> bool:
        return self._fetched is not None and self._fetched.closed

    def check_unchanged(self) -> None:
        if self._fetched is not None:
            self._fetched.check_unchanged()

    def head(self, count: int) -> bytes:
        """At most `count` bytes from the beginning, as long as they are known without fetching."""
        return self._head[:count]

    def read_at(self, position: int, count: int) -> bytes:
        if position + min(count, self.size - position) <= len(self._head):
            return self._head[position : position + count]
        return self.blob.read_at(position, count)
