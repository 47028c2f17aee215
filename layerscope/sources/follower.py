"""Indexes the plain layers of an archive while it arrives, so that the analysis is nearly done when the last byte is there.

Nothing depends on it: what it can't read, or doesn't get to, is read from the finished file, which also gives the errors.
"""

from __future__ import annotations

import os
import threading
from typing import Final

from layerscope.errors import Cancelled, LayerscopeError, LimitExceeded
from layerscope.image.blob import Blob, OpenFile
from layerscope.layers.budget import extra_budget
from layerscope.layers.header import BLOCK_SIZE, FIELDS, ZERO_BLOCK, is_header, number
from layerscope.layers.known import KnownLayer
from layerscope.layers.reader import index_layer
from layerscope.limits import Limits

_FILES: Final = frozenset((0, ord("0")))
_PAX: Final = frozenset((ord("x"), ord("g")))
_LONGEST_PAX: Final = 1 << 20


class _GrowingFile(OpenFile):
    """A file that gets longer while its first bytes are read."""

    __slots__ = ()

    def check_unchanged(self) -> None:
        """What has arrived doesn't change."""


class Follower:
    """Reads the file behind `fd` in its own thread. Call `arrived` for every write, and `finish` or `stop` at the end."""

    def __init__(self, fd: int, name: str, limits: Limits) -> None:
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
        except (LayerscopeError, OSError, ValueError, MemoryError):
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
            header = os.pread(self._file.fd, BLOCK_SIZE, position)
            if header == ZERO_BLOCK or not is_header(header):
                return
            fields = FIELDS.unpack(header)
            size, flag = number(fields[2]), fields[5]
            data = position + BLOCK_SIZE
            if size < 0 or (flag in _PAX and not self._keeps_size(data, size)):
                return
            if flag in _FILES and size > BLOCK_SIZE:
                self._member(data, size)
            position = data + (size + BLOCK_SIZE - 1 & -BLOCK_SIZE)

    def _keeps_size(self, data: int, size: int) -> bool:
        """Whether an extension header leaves the next member's size as it is."""
        if size > _LONGEST_PAX or not self._wait(data + size):
            return False
        return b" size=" not in os.pread(self._file.fd, size, data)

    def _member(self, data: int, size: int) -> None:
        """Index a member if it is a plain layer, as soon as all of it is there."""
        if not self._wait(data + BLOCK_SIZE):
            return
        if not is_header(os.pread(self._file.fd, BLOCK_SIZE, data)) or not self._wait(data + size):
            return
        budget = self._budget.part()
        blob = Blob(self._file, data, size, self._file.name)
        try:
            stored = index_layer(
                blob,
                digest=None,
                diff_id=None,
                verify="auto",
                limits=self._limits,
                budget=budget,
                advanced=self._check_stopped,
            )
        except (Cancelled, LimitExceeded):
            raise
        except LayerscopeError:
            return
        self._members += len(stored.index)
        if self._members > self._limits.members:
            raise LimitExceeded(f"more than {self._limits.members} members in the archive")
        self._found[data, size] = KnownLayer(stored, budget.spent)

    def _check_stopped(self, _: int) -> None:
        if self._stopped:
            raise Cancelled("cancelled")
