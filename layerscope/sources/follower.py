"""Indexes the layers of an archive while it arrives, so that the analysis is nearly done when the last byte is there.

A plain layer is indexed when all of it is there, and a compressed one of an OCI layout as it comes in, if the name of its
blob says what digest to compare it with.

Nothing depends on it: what it can't read, or doesn't get to, is read from the finished file, which also gives the errors.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from typing import Final

from layerscope.errors import Cancelled, LayerscopeError, LimitExceeded
from layerscope.image.blob import Blob, OpenFile
from layerscope.image.digest import Digest
from layerscope.layers.budget import extra_budget
from layerscope.layers.compression import sniff_head
from layerscope.layers.header import BLOCK_SIZE, FIELDS, ZERO_BLOCK, is_header, number
from layerscope.layers.known import KnownLayer
from layerscope.layers.reader import index_layer
from layerscope.limits import Limits
from layerscope.records import dataclass
from layerscope.system.positions import pread

_FILES: Final = frozenset((0, ord("0")))
_PAX: Final = frozenset((ord("x"), ord("g")))
_LONGEST_PAX: Final = 1 << 20
_BLOB: Final = re.compile(rb"(?:\./)?blobs/sha256/([0-9a-f]{64})")


class _GrowingFile(OpenFile):
    """A file that gets longer while its first bytes are read."""

    __slots__ = ()

    def check_unchanged(self) -> None:
        """What has arrived doesn't change."""


@dataclass(frozen=True, slots=True)
class _Arriving:
    """A blob that is read while it arrives. `wait` says whether the file reaches an offset."""

    file: OpenFile
    offset: int
    size: int
    name: str
    wait: Callable[[int], bool]

    @property
    def key(self) -> tuple[int, int, int]:
        return self.file.fd, self.offset, self.size

    @property
    def closed(self) -> bool:
        return False

    def check_unchanged(self) -> None:
        """What has arrived doesn't change."""

    def read_at(self, position: int, count: int) -> bytes:
        """At most `count` bytes; fewer only at the end. Raises `Cancelled` if they will never come."""
        count = min(count, self.size - position)
        if count <= 0:
            return b""
        if not self.wait(self.offset + position + count):
            raise Cancelled("cancelled")
        return pread(self.file.fd, count, self.offset + position)


class _TooLateError(Exception):
    """The file is whole, and several threads read the layer sooner than this one."""


class Follower:
    """Reads the file behind `fd` in its own thread. Call `arrived` for every write, and `finish` or `stop` at the end.

    With `unpacks`, compressed layers are read too.
    """

    def __init__(self, fd: int, name: str, limits: Limits, *, unpacks: bool = True) -> None:
        self._unpacks = unpacks
        self._file = _GrowingFile(os.dup(fd), name)
        self._limits = limits
        self._there = 0
        self._awaited = 0
        self._whole = False
        self._stopped = False
        self._changed = threading.Condition()
        self._found: dict[tuple[int, int], object] = {}
        self._budget = extra_budget(limits.extra_bytes)
        self._members = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def arrived(self, size: int) -> None:
        """So many bytes are in the file now."""
        with self._changed:
            self._there = size
            if size >= self._awaited:
                self._changed.notify()

    def finish(self) -> dict[tuple[int, int], object]:
        """What is known of the layers, by their offsets and sizes; the file is whole."""
        with self._changed:
            self._whole = True
            self._changed.notify()
        self._thread.join()
        self._file.close()
        return self._found

    def stop(self) -> None:
        """Forget everything: the file won't be whole."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        self._thread.join()
        self._file.close()

    def _run(self) -> None:
        try:
            self._follow()
        except (LayerscopeError, OSError, ValueError, MemoryError, _TooLateError):
            return

    def _wait(self, end: int) -> bool:
        """Whether the file reaches `end`, now or later."""
        with self._changed:
            self._awaited = end
            while self._there < end and not self._whole and not self._stopped:
                self._changed.wait()
            return self._there >= end and not self._stopped

    def _follow(self) -> None:
        position = 0
        while self._wait(position + BLOCK_SIZE):
            header = pread(self._file.fd, BLOCK_SIZE, position)
            if header == ZERO_BLOCK or not is_header(header):
                return
            fields = FIELDS.unpack(header)
            size, flag = number(fields[2]), fields[5]
            data = position + BLOCK_SIZE
            if size < 0 or (flag in _PAX and not self._keeps_size(data, size)):
                return
            if flag in _FILES and size > BLOCK_SIZE:
                self._member(data, size, fields[0].partition(b"\0")[0])
            position = data + (size + BLOCK_SIZE - 1 & -BLOCK_SIZE)

    def _keeps_size(self, data: int, size: int) -> bool:
        """Whether an extension header leaves the next member's size as it is."""
        if size > _LONGEST_PAX or not self._wait(data + size):
            return False
        return b" size=" not in pread(self._file.fd, size, data)

    def _member(self, data: int, size: int, name: bytes) -> None:
        """Index a member if it is a layer."""
        if not self._wait(data + BLOCK_SIZE):
            return
        head = pread(self._file.fd, BLOCK_SIZE, data)
        if is_header(head):
            if self._wait(data + size):
                blob = Blob(self._file, data, size, self._file.name)
                self._index(blob, None, self._check_stopped)
            return
        match = _BLOB.fullmatch(name)
        if not self._unpacks or match is None or sniff_head(head, "") == "none" or self._whole:
            return
        arriving = _Arriving(self._file, data, size, self._file.name, self._wait)
        done = 0

        def advanced(count: int) -> None:
            nonlocal done
            self._check_stopped(count)
            done += count
            if self._whole and 2 * done < size:
                raise _TooLateError

        self._index(arriving, Digest("sha256", match[1].decode()), advanced)

    def _index(
        self, blob: Blob | _Arriving, digest: Digest | None, advanced: Callable[[int], None]
    ) -> None:
        budget = self._budget.part()
        try:
            stored = index_layer(
                blob,
                digest=digest,
                diff_id=None,
                verify="auto",
                limits=self._limits,
                budget=budget,
                advanced=advanced,
            )
        except (Cancelled, LimitExceeded):
            raise
        except LayerscopeError:
            return
        self._members += len(stored.index)
        if self._members > self._limits.members:
            raise LimitExceeded(f"more than {self._limits.members} members in the archive")
        self._found[blob.offset, blob.size] = KnownLayer(stored, budget.spent)

    def _check_stopped(self, _: int) -> None:
        if self._stopped:
            raise Cancelled("cancelled")
