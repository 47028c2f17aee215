"""Reading ahead: one thread reads while another hashes and scans the chunks before."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue

BATCH = 512 * 1024
"""Bytes that are handed over at once."""
DEPTH = 4
"""Batches that may wait: two megabytes per layer being read."""


def read_ahead(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same chunks in the same order, produced by a separate thread while the caller works on the last one.

    An error in the producer is raised here, in order. A caller that stops early stops the thread. With one processor
    there is nothing to gain, so chunks are produced on demand.
    """
    if (os.cpu_count() or 1) < 2:
        yield from chunks
        return
    ready: SimpleQueue[list[bytes] | BaseException | None] = SimpleQueue()
    places = threading.Semaphore(DEPTH)
    abandoned = threading.Event()

    def hand_over(batch: list[bytes]) -> bool:
        places.acquire()
        if abandoned.is_set():
            return False
        ready.put(batch)
        return True

    def make() -> None:
        batch: list[bytes] = []
        size = 0
        try:
            for chunk in chunks:
                batch.append(chunk)
                size += len(chunk)
                if size >= BATCH:
                    if not hand_over(batch):
                        return
                    batch, size = [], 0
            if hand_over(batch):
                ready.put(None)
        except BaseException as error:  # noqa: BLE001  # handed to the caller, who raises it
            if hand_over(batch):
                ready.put(error)

    maker = threading.Thread(target=make, daemon=True)
    maker.start()
    try:
        while (batch := ready.get()) is not None:
            if isinstance(batch, BaseException):
                raise batch
            yield from batch
            places.release()
    finally:
        abandoned.set()
        places.release()
        maker.join()
