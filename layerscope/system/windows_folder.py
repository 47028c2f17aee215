"""A folder as Windows has it: a path, since nothing there opens a file relative to an open folder.

Links and junctions are looked for before a file is opened, so another user who may write to the folder could still put
one there in between. A name that Windows would read as a device, a stream, or another path is refused.
"""

from __future__ import annotations

import errno
import ntpath
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from layerscope.system.names import unfit

_LINKS: Final = (0xA000000C, 0xA0000003)
"""The reparse tags of symlinks and junctions."""


def long_path(path: str) -> str:
    r"""An absolute path without the limit of 260 characters, which begins with `\\?\`."""
    if path.startswith("\\\\?\\"):
        return path
    path = ntpath.abspath(path)
    return f"\\\\?\\UNC\\{path[2:]}" if path.startswith("\\\\") else f"\\\\?\\{path}"


def _is_link(status: os.stat_result) -> bool:
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) in _LINKS


def _text(name: str | bytes) -> str:
    if isinstance(name, str):
        return name
    try:
        return name.decode()
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "the name is not UTF-8") from None


class WindowsFolder:
    """A folder, and what is right below it. No method follows a link. All of them raise `OSError`."""

    __slots__ = ("path",)

    def __init__(self, path: str) -> None:
        self.path = path

    @classmethod
    def at(cls, path: str | bytes, *, follow: bool = True, lists: bool = True) -> WindowsFolder:  # noqa: ARG003
        """The folder at a path. `lists` means nothing here."""
        text = os.path.abspath(os.fsdecode(path))
        if os.name == "nt":
            text = long_path(text)
        return cls._checked(os.path.realpath(text) if follow else text)

    @classmethod
    def _checked(cls, path: str) -> WindowsFolder:
        status = os.lstat(path)
        if _is_link(status):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
        if not stat.S_ISDIR(status.st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
        return cls(path)

    def _place(self, name: str | bytes) -> str:
        text = _text(name)
        problem = unfit(text)
        if problem is not None:
            raise OSError(errno.EINVAL, problem, text)
        return os.path.join(self.path, text)

    def folder(self, name: str | bytes) -> WindowsFolder:
        return self._checked(self._place(name))

    def open(self, name: str | bytes, flags: int, mode: int = 0o600) -> int:
        """A descriptor of a file."""
        place = self._place(name)
        try:
            status = os.lstat(place)
        except FileNotFoundError:
            return os.open(place, flags, mode)
        if _is_link(status):
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), place)
        return os.open(place, flags, mode)

    def status(self) -> os.stat_result:
        """The status of the folder itself."""
        return os.stat(self.path)

    def set_mode(self, mode: int) -> None:
        """Nothing: Windows has no modes."""

    def lstat(self, name: str | bytes) -> os.stat_result:
        return os.lstat(self._place(name))

    def names(self) -> list[str]:
        return os.listdir(self.path)

    @contextmanager
    def entries(self) -> Iterator[Iterator[os.DirEntry[str]]]:
        with os.scandir(self.path) as entries:
            yield entries

    def mkdir(self, name: str | bytes, mode: int) -> None:
        os.mkdir(self._place(name), mode)

    def unlink(self, name: str | bytes) -> None:
        os.unlink(self._place(name))

    def symlink(self, target: bytes, name: str | bytes) -> None:
        parts = _text(target).split("/")
        for part in parts:
            problem = None if part in ("", ".", "..") else unfit(part)
            if problem is not None:
                raise OSError(errno.EINVAL, f"in its target, {problem}")
        os.symlink(os.sep.join(parts), self._place(name))

    def touch(self, name: str | bytes, seconds: float | None = None) -> None:
        """Set the times of a file; without `seconds`, to now."""
        os.utime(self._place(name), None if seconds is None else (seconds, seconds))

    def unnamed(self, access: int, mode: int) -> int | None:
        """None: no file is without a name here."""

    def publish(self, fd: int, name: str | bytes) -> None:
        raise NotImplementedError

    def rename(self, old: str | bytes, name: str | bytes) -> None:
        """Rename a closed file. Raises `FileExistsError` if another one has the name."""
        os.rename(self._place(old), self._place(name))

    def replace(self, old: str | bytes, name: str | bytes) -> None:
        """Rename a closed file, replacing the one that has the name, unless another process has that one open."""
        os.replace(self._place(old), self._place(name))

    def sync(self) -> None:
        """Nothing: Windows writes the names itself."""

    def close(self) -> None:
        """Nothing: only a path was kept."""


def set_mode(fd: int, mode: int) -> None:
    """Nothing: Windows has no modes."""
