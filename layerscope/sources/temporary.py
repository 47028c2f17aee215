"""Temporary files without a name, which go away however the program ends."""

from __future__ import annotations

import errno
import os
from typing import IO

from layerscope.errors import OutputError


class NotSieved(Exception):
    """Bytes of a layer are needed that were not kept."""


def reason(error: BaseException) -> str:
    """What an operating system error says, without its number and path."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return text[:1].lower() + text[1:]


def temporary_file(name: str) -> IO[bytes]:
    import tempfile  # takes as long to load as ten modules of this package

    try:
        return tempfile.TemporaryFile(prefix="layerscope-", buffering=0)
    except OSError as error:
        raise no_room(name, 0, error) from None


def no_room(name: str, done: int, error: OSError) -> OutputError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
    return OutputError(
        f"cannot keep {name} in a temporary file after {done} bytes: {reason(error)}",
        hint=f"set TMPDIR to a folder {'with enough room' if full else 'you can write to'}",
    )


def write_all(fd: int, chunk: bytes) -> None:
    """Write every byte in `chunk`; raises `OSError`."""
    view = memoryview(chunk)
    while view:
        view = view[os.write(fd, view) :]
