"""Reading and writing at a position of an open file, for any number of threads.

POSIX has calls for that. Windows moves the file's own position, which duplicates of a descriptor share, so one lock guards
it there. Who writes to a file that others read meanwhile must use `write_at`.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence

__all__ = ["pread", "preadv", "pwrite", "write_at"]

if sys.platform == "win32":
    _MOVING = threading.Lock()

    def pread(fd: int, count: int, position: int, /) -> bytes:
        """At most `count` bytes from `position`; none at the end."""
        with _MOVING:
            os.lseek(fd, position, os.SEEK_SET)
            return os.read(fd, count)

    def pwrite(fd: int, data: bytes | memoryview, position: int, /) -> int:
        """Write at `position`; returns how many bytes were written."""
        with _MOVING:
            os.lseek(fd, position, os.SEEK_SET)
            return os.write(fd, data)

else:
    from os import pread, pwrite


def _fill(fd: int, buffers: Sequence[memoryview], position: int, /) -> int:
    """Fill the buffers one after the other from `position`; returns how many bytes were read."""
    done = 0
    for buffer in buffers:
        data = pread(fd, len(buffer), position + done)
        buffer[: len(data)] = data
        done += len(data)
        if len(data) < len(buffer):
            break
    return done


preadv: Callable[[int, Sequence[memoryview], int], int] = getattr(os, "preadv", _fill)
"""Windows and old versions of macOS have none."""


def write_at(fd: int, data: bytes, position: int) -> None:
    """Write all of `data` at `position`. Raises `OSError`."""
    view = memoryview(data)
    while view:
        written = pwrite(fd, view, position)
        view = view[written:]
        position += written
