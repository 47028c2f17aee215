"""Reading ahead: one thread decompresses while another hashes and scans the chunks before."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue

DEPTH = 4
"""Chunks that may wait. At 512 KiB each, that's two megabytes per layer being read."""


def read_ahead(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same chunks in the same order, produced by a separate thread while the caller works on the last one.

    An error in the producer is raised here, in order. A caller that stops early stops the thread. With one processor
    there is nothing to gain, so chunks are produced on demand.
    """
    if (os.cpu_count() or 1) < 2:
        yield from chunks
        return
    ready: SimpleQueue[bytes | BaseException | None] = SimpleQueue()
    places = threading.Semaphore(DEPTH)
    abandoned = threading.Event()

    def make() -> None:
        try:
            for chunk in chunks:
                places.acquire()
                if abandoned.is_set():
                    return
                ready.put(chunk)
            ready.put(None)
        except BaseException as error:  # noqa: BLE001  # handed to the caller, who raises it
            ready.put(error)

    maker = threading.Thread(target=make, daemon=True)
    maker.start()
    try:
        while (chunk := ready.get()) is not None:
            if isinstance(chunk, BaseException):
                raise chunk
            yield chunk
            places.release()
    finally:
        abandoned.set()
        places.release()
        maker.join()
