"""When the garbage collector runs."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


def collect_from_now_on() -> None:
    """Switch the garbage collector on, for a process that lives long, but keep it off what is there already."""
    gc.freeze()
    gc.enable()


@contextmanager
def collector_paused() -> Iterator[None]:
    """Keep the garbage collector off the data that is read: millions of small objects that live until the end. It runs
    neither while they are created nor over them afterwards. A collector that was off before stays off.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if collecting:
            gc.enable()
