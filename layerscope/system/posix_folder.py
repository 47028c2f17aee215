"""A folder held open by its descriptor, so that nobody can swap it, or a file in it, for a link."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EINVAL, EISDIR, ENOENT, EOPNOTSUPP
from typing import Final

assert sys.platform != "win32"

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY
_PATH: Final[int] = getattr(os, "O_PATH", os.O_RDONLY)
_NO_UNNAMED: Final = (EOPNOTSUPP, EISDIR, ENOENT, EINVAL)


class PosixFolder:
    """A folder, and what is right below it. No method follows a link. All of them raise `OSError`."""

    __slots__ = ("fd",)

    def __init__(self, fd: int) -> None:
        self.fd = fd

    @classmethod
    def at(cls, path: str | bytes, *, follow: bool = True, lists: bool = True) -> PosixFolder:
        """The folder at a path. Without `lists`, it need not be readable, and can't be listed or synced."""
        flags = _FOLDER if lists else _PATH | os.O_DIRECTORY
        return cls(os.open(path, flags if follow else flags | os.O_NOFOLLOW))

    def folder(self, name: str | bytes) -> PosixFolder:
        return PosixFolder(os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=self.fd))

    def open(self, name: str | bytes, flags: int, mode: int = 0o600) -> int:
        """A descriptor of a file."""
        return os.open(name, flags | os.O_NOFOLLOW, mode, dir_fd=self.fd)

    def status(self) -> os.stat_result:
        """The status of the folder itself."""
        return os.fstat(self.fd)

    def set_mode(self, mode: int) -> None:
        """Set the mode of the folder itself."""
        os.fchmod(self.fd, mode)

    def lstat(self, name: str | bytes) -> os.stat_result:
        return os.stat(name, dir_fd=self.fd, follow_symlinks=False)

    def names(self) -> list[str]:
        return os.listdir(self.fd)

    @contextmanager
    def entries(self) -> Iterator[Iterator[os.DirEntry[str]]]:
        with os.scandir(self.fd) as entries:
            yield entries

    def mkdir(self, name: str | bytes, mode: int) -> None:
        os.mkdir(name, mode, dir_fd=self.fd)

    def unlink(self, name: str | bytes) -> None:
        os.unlink(name, dir_fd=self.fd)

    def symlink(self, target: bytes, name: str | bytes) -> None:
        os.symlink(target, name, dir_fd=self.fd)

    def touch(self, name: str | bytes, seconds: float | None = None) -> None:
        """Set the times of a file; without `seconds`, to now."""
        times = None if seconds is None else (seconds, seconds)
        os.utime(name, times, dir_fd=self.fd, follow_symlinks=False)

    def unnamed(self, access: int, mode: int) -> int | None:
        """A new file without a name, for `publish`; None where there are none."""
        unnamed: int = getattr(os, "O_TMPFILE", 0)
        if not unnamed or not os.path.isdir("/proc/self/fd"):
            return None
        try:
            return os.open(".", unnamed | access, mode, dir_fd=self.fd)
        except OSError as error:
            if error.errno in _NO_UNNAMED:
                return None
            raise

    def publish(self, fd: int, name: str | bytes) -> None:
        """Give an unnamed file a name that no other file has."""
        os.link(f"/proc/self/fd/{fd}", name, dst_dir_fd=self.fd, follow_symlinks=True)

    def rename(self, old: str | bytes, name: str | bytes) -> None:
        """Rename a file. Raises `FileExistsError` if another one has the name."""
        os.link(old, name, src_dir_fd=self.fd, dst_dir_fd=self.fd, follow_symlinks=False)
        os.unlink(old, dir_fd=self.fd)

    def replace(self, old: str | bytes, name: str | bytes) -> None:
        """Rename a file, replacing the one that has the name."""
        os.replace(old, name, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def sync(self) -> None:
        """Write the names to the disk."""
        os.fsync(self.fd)

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def set_mode(fd: int, mode: int) -> None:
    """Set the mode of an open file. Raises `OSError`."""
    os.fchmod(fd, mode)
