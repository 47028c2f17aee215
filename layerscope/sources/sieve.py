"""Indexes the layers of an archive as they pass, and keeps the rest of it in a file.

For a report, nobody asks for a layer again once it is indexed. Writing it to a file would take longer than anything else
in reading an engine's image, because the engine has just written the same bytes to the same disk.

What the sieve doesn't understand, it keeps. A layer that breaks while it passes is lost, so the archive has to arrive
again; that is `NotSieved`.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Mapping
from typing import Final

from layerscope.errors import Cancelled, LayerscopeError
from layerscope.image.digest import Digest
from layerscope.layers.header import BLOCK_SIZE, is_header
from layerscope.limits import MIB, Limits
from layerscope.records import dataclass
from layerscope.sources.early import (
    ArchiveMember,
    EarlyLayers,
    digest_to_prove,
    keeps_size,
    member_of,
)
from layerscope.sources.temporary import NotSieved
from layerscope.system.positions import write_at

_WAITING_BYTES: Final = 32 * MIB
"""The most bytes that arrived and were not looked at yet."""
_PIECE: Final = MIB


@dataclass(frozen=True, slots=True)
class Sieved:
    """The layers that are not in the file, by their offsets and sizes, and what is known of each."""

    holes: frozenset[tuple[int, int]]
    early: Mapping[tuple[int, int], object]


class _Queue:
    """The bytes that arrived, in order. One thread puts them in, and another takes them out."""

    def __init__(self) -> None:
        self._chunks: deque[bytes] = deque()
        self._size = 0
        self._front = b""
        self._at = 0
        self._ended = False
        self._stopped = False
        self._left = False
        self._changed = threading.Condition()

    def put(self, chunk: bytes) -> None:
        """Add a chunk, and wait while there are too many. Raises `NotSieved` if nobody takes them any more."""
        with self._changed:
            while self._size > _WAITING_BYTES and not self._left:
                self._changed.wait()
            if self._left:
                raise NotSieved
            if not chunk:
                return
            self._chunks.append(chunk)
            self._size += len(chunk)
            self._changed.notify_all()

    def end(self) -> None:
        """Nothing more will arrive."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Make `take` raise `Cancelled`."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def leave(self) -> None:
        """Make `put` raise `NotSieved`."""
        with self._changed:
            self._left = True
            self._changed.notify_all()

    def take(self, count: int) -> bytes:
        """The next `count` bytes; fewer only at the end. Raises `Cancelled` after `stop`."""
        at = self._at
        end = at + count
        if end <= len(self._front):
            self._at = end
            return self._front[at:end]
        parts = [self._front[at:]]
        count -= len(parts[0])
        self._front, self._at = b"", 0
        while count:
            chunk = self._next()
            if not chunk:
                break
            if len(chunk) > count:
                self._front, self._at = chunk, count
                chunk = chunk[:count]
            parts.append(chunk)
            count -= len(chunk)
        return b"".join(parts)

    def _next(self) -> bytes:
        with self._changed:
            while not self._chunks and not self._ended and not self._stopped:
                self._changed.wait()
            if self._stopped:
                raise Cancelled("cancelled")
            if not self._chunks:
                return b""
            chunk = self._chunks.popleft()
            self._size -= len(chunk)
            self._changed.notify_all()
            return chunk


class _PassingBlob:
    """A member of the archive whose bytes can be read once, in order, except for the first block."""

    closed = False

    def __init__(self, queue: _Queue, head: bytes, name: str, key: tuple[int, int, int]) -> None:
        self.name = name
        self.size = key[2]
        self.key = key
        self._queue = queue
        self._head = head
        self._next = len(head)

    def check_unchanged(self) -> None:
        """What has passed doesn't change."""

    def read_at(self, position: int, count: int) -> bytes:
        """At most `count` bytes; fewer only at the end. Raises `NotSieved` for bytes that have passed."""
        count = min(count, self.size - position)
        head = self._head[position : position + count]
        if len(head) == count or count <= 0:
            return head
        if position + len(head) != self._next:
            raise NotSieved
        data = self._queue.take(count - len(head))
        self._next += len(data)
        return head + data if head else data

    def pass_by(self) -> None:
        """Let the rest of it pass."""
        while self._next < self.size and self.read_at(self._next, _PIECE):
            pass


class Sieve:
    """Reads an archive in its own thread. Call `put` for every chunk, and `finish` or `stop` at the end.

    `fd` is a file for what is kept, at its place; the rest of it are holes. With `unpacks`, compressed layers are read
    too, and with `all_secrets`, all text files are searched. Without `indexes`, layers are left out and not read.
    """

    def __init__(
        self,
        fd: int,
        name: str,
        limits: Limits,
        *,
        unpacks: bool = True,
        all_secrets: bool = False,
        indexes: bool = True,
    ) -> None:
        self._fd = fd
        self._name = name
        self._unpacks = unpacks
        self._indexes = indexes
        self._early = EarlyLayers(limits, all_secrets=all_secrets)
        self._holes: set[tuple[int, int]] = set()
        self._queue = _Queue()
        self._position = 0
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def put(self, chunk: bytes) -> None:
        """The next bytes of the archive. Raises `NotSieved`, and `OSError` if they can't be kept."""
        try:
            self._queue.put(chunk)
        except NotSieved:
            self._thread.join()
            raise self._failure() from None

    def finish(self) -> Sieved:
        """What was left out of the file, and what is known of it. Raises what `put` raises."""
        self._queue.end()
        self._thread.join()
        if self._error is not None:
            raise self._failure()
        return Sieved(frozenset(self._holes), self._early.found)

    def stop(self) -> None:
        """Forget everything: the archive won't be whole."""
        self._queue.stop()
        self._thread.join()

    def _failure(self) -> BaseException:
        return self._error if isinstance(self._error, OSError) else NotSieved()

    def _run(self) -> None:
        try:
            self._follow()
            self._keep_all()
        except BaseException as error:  # noqa: BLE001  # raised by the thread that waits
            self._error = error
        finally:
            self._queue.leave()

    def _follow(self) -> None:
        """Go from header to header, until one can't be understood."""
        while (member := member_of(self._keep(BLOCK_SIZE))) is not None:
            if member.is_pax:
                records = self._keep(member.padded)
                if not keeps_size(records[: member.size]):
                    return
            elif member.may_be_layer:
                self._pass(member)
            else:
                self._keep_long(member.padded)

    def _keep(self, count: int) -> bytes:
        """The next bytes, which are written to the file."""
        data = self._queue.take(count)
        write_at(self._fd, data, self._position)
        self._position += len(data)
        return data

    def _keep_long(self, count: int) -> None:
        while count:
            done = len(self._keep(min(count, _PIECE)))
            if not done:
                return
            count -= done

    def _keep_all(self) -> None:
        while self._keep(_PIECE):
            pass
        os.ftruncate(self._fd, self._position)

    def _pass(self, member: ArchiveMember) -> None:
        """Take a member apart if it is a layer, and keep it otherwise."""
        start = self._position
        head = self._keep(BLOCK_SIZE)
        key = (self._fd, start, member.size)
        digest = None
        try:
            if len(head) == BLOCK_SIZE and not is_header(head):
                digest = digest_to_prove(member, head, self._name) if self._unpacks else None
                if digest is None:
                    self._keep_long(member.padded - BLOCK_SIZE)
                    return
            self._index(_PassingBlob(self._queue, head, self._name, key), digest)
        except LayerscopeError as error:
            raise NotSieved from error
        self._position = start + member.size
        self._keep(member.padded - member.size)

    def _index(self, blob: _PassingBlob, digest: Digest | None) -> None:
        if not self._indexes:
            blob.pass_by()
        elif not self._early.index(blob, digest, _nothing, ahead=digest is not None):
            raise NotSieved
        self._holes.add(blob.key[1:])


def _nothing(_: int) -> None:
    """Stopping is up to the queue."""
