"""Where the bytes of a saved report are, to read them more than once."""

from __future__ import annotations

import os
import stat
import weakref
from typing import Protocol

from layerscope.errors import UsageError
from layerscope.system.positions import pread

REPORT_BYTES = 4 * 1024**3
"""The largest report that is read."""


class Stored(Protocol):
    """Bytes that can be read at any position."""

    @property
    def size(self) -> int: ...
    def read(self, count: int, position: int) -> bytes:
        """At most `count` bytes from `position`; none at the end."""

    def check(self, name: str) -> None:
        """Raise `UsageError` if the bytes are others than at first."""


class StoredBytes:
    """A report in memory."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.size = len(data)

    def read(self, count: int, position: int) -> bytes:
        return self._data[position : position + count]

    def check(self, name: str) -> None:
        """Bytes stay as they are."""


class StoredFile:
    """A report in a file, which stays open until nobody needs it anymore. Errors call it `name`. Raises `UsageError`."""

    def __init__(self, path: str, name: str) -> None:
        try:
            self._fd = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except (OSError, ValueError) as error:
            raise _unreadable(name, error) from None
        weakref.finalize(self, os.close, self._fd)
        status = os.fstat(self._fd)
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{name} is not a regular file", hint="name a saved report")
        if status.st_size > REPORT_BYTES:
            raise UsageError(
                f"{name} has {status.st_size} bytes, over the {REPORT_BYTES} allowed for a report"
            )
        self._name = name
        self.size = status.st_size
        self._changed = status.st_mtime_ns

    def read(self, count: int, position: int) -> bytes:
        try:
            return pread(self._fd, count, position)
        except OSError as error:
            raise _unreadable(self._name, error) from None

    def check(self, name: str) -> None:
        status = os.fstat(self._fd)
        if (status.st_size, status.st_mtime_ns) != (self.size, self._changed):
            raise UsageError(f"{name} changed while it was read", hint="read it again")


def _unreadable(name: str, error: OSError | ValueError) -> UsageError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return UsageError(f"{name} cannot be read: {reason}", hint="name a saved report")
