"""Reading ahead: one thread decompresses while another hashes and scans what came before."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from queue import SimpleQueue

DEPTH = 4
"""Chunks that may wait; at 512 KiB each, two megabytes for each layer that is being read."""


def read_ahead(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same chunks in the same order, made by a thread of their own while the caller works on the last one.

    What making them raises is raised here, at its place; a caller that stops early stops the thread. On one processor
    there is nothing to win, and the chunks are made as they are asked for.
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
