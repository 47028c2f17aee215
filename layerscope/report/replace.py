"""Atomic output files: written under another name in the same folder, then renamed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO

from layerscope.errors import OutputError
from layerscope.newfile import new_file
from layerscope.system.folder import Folder, set_mode

_MODE = 0o644


def shown(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def check_target(path: str, *, force: bool = False) -> None:
    """Raise `OutputError` unless `path` can be written to.

    A regular file is replaced. A symlink, FIFO, or device is written through only with `force`, a folder never.
    """
    name = shown(path)
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        folder = os.path.dirname(path) or "."
        if not path or not os.path.isdir(folder):
            raise OutputError(
                f"{shown(folder)} is not a folder to write {name or 'a file'} into",
                hint="create it first, or name another",
            ) from None
        return
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise OutputError(f"{name} cannot be written: {reason}", hint="name another file") from None
    if stat.S_ISDIR(mode):
        raise OutputError(f"{name} is a folder", hint="name a file in it")
    if not stat.S_ISREG(mode) and not force:
        raise OutputError(
            f"{name} is {_kind(mode)}, not a regular file",
            hint="name another file, use - for standard output, or add --force to write through it",
        )


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "a symlink"
    if stat.S_ISFIFO(mode):
        return "a fifo"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"


@contextmanager
def replacing(path: str, *, force: bool = False) -> Iterator[BinaryIO]:
    """A file to write to. It becomes `path` if the block succeeds, and is deleted if the block raises.

    Raises `OutputError` for anything `check_target` refuses, and if writing fails.
    """
    check_target(path, force=force)
    try:
        if os.path.lexists(path) and not stat.S_ISREG(os.lstat(path).st_mode):
            with open(path, "wb") as through:
                yield through
            return
        with _beside(path) as file:
            yield file
    except OSError as error:
        raise OutputError(
            f"{shown(path)} cannot be written: {error.strerror or error}",
            hint="free some space, or name a file you may write to",
        ) from None


@contextmanager
def _beside(path: str) -> Iterator[BinaryIO]:
    """A file in the same folder that replaces `path` at the end."""
    folder, name = os.path.split(path)
    directory = Folder.at(folder or ".", lists=False)
    try:
        mode = None
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(directory.lstat(name).st_mode)
        first = _MODE if mode is None else 0o600
        with (
            new_file(directory, name, mode=first, replace=True) as fd,
            open(fd, "wb", closefd=False) as file,
        ):
            yield file
            file.flush()
            if mode is not None:
                set_mode(fd, mode & 0o777)
            os.fsync(fd)
    finally:
        directory.close()
