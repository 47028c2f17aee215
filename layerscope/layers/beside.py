"""Hashes the stored bytes of a layer in a separate thread while another one decompresses them."""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hashlib import _Hash

BATCH = 512 * 1024
"""Bytes to hand over at once."""
DEPTH = 4
"""The most batches that wait."""


class HashBeside:
    """Feeds a hasher in a separate thread. Leaving the context always ends the thread.

    With only a few bytes, or only one processor, the caller does the hashing.
    """

    def __init__(self, hasher: _Hash) -> None:
        self._hasher = hasher
        self._batch: list[bytes] = []
        self._size = 0
        self._queue: SimpleQueue[list[bytes] | None] = SimpleQueue()
        self._places = threading.Semaphore(DEPTH)
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._alone = (os.cpu_count() or 1) < 2

    def update(self, data: bytes) -> None:
        """Hash these bytes after all earlier ones."""
        self._batch.append(data)
        self._size += len(data)
        if self._size >= BATCH:
            self._hand_over()

    def _hand_over(self) -> None:
        batch, self._batch, self._size = self._batch, [], 0
        if self._alone:
            self._hash(batch)
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self._places.acquire()
        self._queue.put(batch)

    def _hash(self, batch: list[bytes]) -> None:
        for data in batch:
            self._hasher.update(data)

    def _work(self) -> None:
        while (batch := self._queue.get()) is not None:
            try:
                self._hash(batch)
            except BaseException as error:  # noqa: BLE001  # raised when the caller gets the hash
                self._error = error
            self._places.release()

    def _finish(self) -> None:
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def hexdigest(self) -> str:
        """The hash of all bytes so far."""
        self._finish()
        if self._error is not None:
            raise self._error
        self._hash(self._batch)
        self._batch.clear()
        return self._hasher.hexdigest()

    def __enter__(self) -> HashBeside:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._batch.clear()
        self._finish()
