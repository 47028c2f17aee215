"""Indexes the layers of an archive while it arrives, so that the analysis is nearly done when the last byte is there.

A plain layer is indexed when all of it is there, and a compressed one of an OCI layout as it comes in, if the name of its
blob says what digest to compare it with.

Nothing depends on it: what it can't read, or doesn't get to, is read from the finished file, which also gives the errors.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from layerscope.errors import Cancelled, LayerscopeError
from layerscope.image.blob import Blob, OpenFile
from layerscope.layers.header import BLOCK_SIZE, is_header
from layerscope.limits import Limits
from layerscope.records import dataclass
from layerscope.sources.early import (
    ArchiveMember,
    EarlyLayers,
    digest_to_prove,
    keeps_size,
    member_of,
)
from layerscope.system.positions import pread


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

    With `unpacks`, compressed layers are read too, and with `all_secrets`, all text files are searched.
    """

    def __init__(
        self,
        fd: int,
        name: str,
        limits: Limits,
        *,
        unpacks: bool = True,
        all_secrets: bool = False,
    ) -> None:
        self._unpacks = unpacks
        self._file = _GrowingFile(os.dup(fd), name)
        self._early = EarlyLayers(limits, all_secrets=all_secrets)
        self._there = 0
        self._awaited = 0
        self._whole = False
        self._stopped = False
        self._changed = threading.Condition()
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
        return self._early.found

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
            member = member_of(pread(self._file.fd, BLOCK_SIZE, position))
            data = position + BLOCK_SIZE
            if member is None or (member.is_pax and not self._keeps_size(data, member.size)):
                return
            if member.may_be_layer:
                self._index(data, member)
            position = data + member.padded

    def _keeps_size(self, data: int, size: int) -> bool:
        return self._wait(data + size) and keeps_size(pread(self._file.fd, size, data))

    def _index(self, data: int, member: ArchiveMember) -> None:
        """Index a member if it is a layer."""
        if not self._wait(data + BLOCK_SIZE):
            return
        name, size = self._file.name, member.size
        head = pread(self._file.fd, BLOCK_SIZE, data)
        if is_header(head):
            if self._wait(data + size):
                self._early.index(Blob(self._file, data, size, name), None, self._check_stopped)
            return
        digest = digest_to_prove(member, head, name) if self._unpacks else None
        if digest is None or self._whole:
            return
        done = 0

        def advanced(count: int) -> None:
            nonlocal done
            self._check_stopped(count)
            done += count
            if self._whole and 2 * done < size:
                raise _TooLateError

        self._early.index(_Arriving(self._file, data, size, name, self._wait), digest, advanced)

    def _check_stopped(self, _: int) -> None:
        if self._stopped:
            raise Cancelled("cancelled")
