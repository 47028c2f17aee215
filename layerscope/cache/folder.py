"""The cache's folder. Files are read only if no other user could have written them, and writes are atomic.

Processes share the folder without waiting for each other. A file gets its name when it is complete, and a lock protects
only the sum of all sizes, which is in the file `usage`. If that sum is over the limit, the folder is listed, and the
least recently used files are removed. If the cache can't be used, the run says so in one line and goes on without it.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from layerscope.cache.sealed import seal, unseal
from layerscope.layers.index_bytes import VERSION as INDEX_VERSION
from layerscope.limits import MIB
from layerscope.newfile import new_file
from layerscope.patterns import pattern
from layerscope.records import dataclass
from layerscope.system.flags import NO_WAIT, READ, UPDATE
from layerscope.system.folder import Folder
from layerscope.system.locks import try_lock
from layerscope.system.positions import pread, write_at
from layerscope.system.users import user_id

VERSION: Final = 1
"""Increases with every change to the meaning of files, or to what is read from an archive besides its layers. Each version
has its own folder."""
MOST_FILE: Final = 256 * MIB
"""The largest file that is read or written."""
_CURRENT: Final = f"{VERSION}-{INDEX_VERSION}"
_VERSIONS: Final = pattern(r"\d{1,4}-\d{1,4}")
_NAME: Final = pattern(r"(?:layer|tar|vouched|image)-[a-z0-9-]+")
_TEMPORARY: Final = pattern(r"\.layerscope-[0-9a-f]{16}")
_USAGE: Final = "usage"
_DIGITS: Final = 20
_KEPT: Final = 0.9
"""Evicting files goes down to this part of the limit, so that it's rarely needed."""
_PATIENCE: Final = 1.0
"""Seconds that a write waits for the lock before it gives up."""
_STALE: Final = 3600.0
"""Seconds after which an unfinished file is removed, because the process that wrote it was killed."""
_OTHERS_WRITE: Final = 0o022


@dataclass(frozen=True, slots=True)
class Usage:
    """The contents of the cache: the number of files, the layers and images in them, and the bytes of all files."""

    entries: int
    layers: int
    images: int
    bytes: int


class CacheFolder:
    """Keeps values by name, up to `most` bytes. `remark` is called with a line that says why the cache is not used."""

    def __init__(
        self, path: str | None, most: int, remark: Callable[[str], None] | None = None
    ) -> None:
        self._root: Folder | None = None
        self._folder: Folder | None = None
        self.path = path
        self.most = most
        self._remark = remark
        self._on = self._writes = most > 0
        self._refused = False

    def prepared(self) -> bool:
        """Create the folder if it doesn't exist. Returns whether this user can use it."""
        if self.path is None or not self._on:
            return False
        try:
            self._open_root(self.path, create=True).close()
        except OSError:
            return False
        return True

    # Values

    def read(self, name: str) -> bytes | None:
        """The value, or None. Damaged values are removed, and files that others may have written are ignored."""
        if not self._on or not self._opened(create=False):
            return None
        data = self._read_file(name)
        if data is None:
            return None
        value = unseal(name, data)
        if value is None:
            self.remove(name)
        return value

    def _read_file(self, name: str) -> bytes | None:
        folder = self._folder
        assert folder is not None
        try:
            fd = folder.open(name, READ | NO_WAIT)
        except FileNotFoundError:
            return None
        except OSError as error:
            what = "is a link" if error.errno == errno.ELOOP else _reason(error)
            self._ignore(f"{self.path}: {name} {what}")
            return None
        try:
            status = os.fstat(fd)
            odd = _odd(status, stat.S_ISREG, "not a regular file")
            if odd is None and status.st_size > MOST_FILE:
                odd = f"has {status.st_size} bytes, more than the {MOST_FILE} allowed"
            if odd is not None:
                self._ignore(f"{self.path}: {name} {odd}")
                return None
            with open(fd, "rb", buffering=0, closefd=False) as file:
                data = file.read(status.st_size)
            with suppress(OSError):
                folder.touch(name)
        except OSError as error:
            self._ignore(f"{self.path}: {name} cannot be read: {_reason(error)}")
            return None
        else:
            return data
        finally:
            os.close(fd)

    def has(self, name: str) -> bool:
        """Whether there is a value, damaged or not."""
        if not self._on or not self._opened(create=False) or self._folder is None:
            return False
        try:
            self._folder.lstat(name)
        except OSError:
            return False
        return True

    def write(self, name: str, value: bytes) -> None:
        """Store a value, replacing one with the same name. If there is no room, nothing is stored."""
        data = seal(name, value)
        if not self._writes or len(data) > min(MOST_FILE, int(self.most * _KEPT)):
            return
        if not self._opened(create=True) or self._folder is None:
            return
        try:
            if not self._make_room(len(data)):
                return
            with new_file(self._folder, name, mode=0o600, replace=True) as fd:
                write_at(fd, data, 0)
        except OSError as error:
            if sys.platform == "win32" and isinstance(error, PermissionError) and self.has(name):
                return  # another process reads the same value
            self._writes = False
            self._say(f"nothing is added to the cache {self.path}: {_reason(error)}")

    def remove(self, name: str) -> None:
        """Remove a value if it exists."""
        if self._folder is not None:
            with suppress(OSError):
                self._folder.unlink(name)

    # All values

    def usage(self) -> Usage:
        """Count the contents of the cache, in all versions."""
        if not self._opened(create=False):
            return Usage(0, 0, 0, 0)
        files = list(self._files())
        with suppress(OSError), self._locked() as fd:
            _write_total(fd, sum(each.size for each in files))
        return _counted(files)

    def clear(self) -> Usage:
        """Remove everything. Returns what was there."""
        if not self._opened(create=False):
            return Usage(0, 0, 0, 0)
        files = list(self._files())
        with self._locked() as fd:
            for each in files:
                each.remove()
            _write_total(fd, 0)
        return _counted(files)

    def close(self) -> None:
        """Close the folder. The next use opens it again."""
        for folder in (self._folder, self._root):
            if folder is not None:
                folder.close()
        self._folder = self._root = None

    def __del__(self) -> None:
        """Let go of the folder with the last image that needs it: images of one run share it and close in any order."""
        self.close()

    # The folder

    def _opened(self, *, create: bool) -> bool:
        if self._folder is not None:
            return True
        if self._refused:
            return False
        if self.path is None:
            self._ignore("there is no home folder for it")
            return False
        try:
            if self._root is None:
                self._root = self._open_root(self.path, create=create)
            self._folder = self._open_version(self._root, create=create)
        except FileNotFoundError:
            if create:
                self._ignore(f"{self.path} vanished")
            return False
        except OSError as error:
            self._ignore(f"{self.path} {_reason(error)}")
            return False
        return True

    def _open_root(self, path: str, *, create: bool) -> Folder:
        try:
            return _open_folder(path)
        except FileNotFoundError:
            if not create:
                raise
        above = os.path.dirname(path)
        while not os.path.lexists(above):
            lower, above = above, os.path.dirname(above)
            if above == lower:
                raise OSError(errno.ENODEV, f"would be on {above}, which is not there")
        user = user_id()
        if user is not None and os.stat(above).st_uid not in (user, 0):
            raise OSError(errno.EPERM, f"would be in {above}, which belongs to another user")
        with suppress(FileExistsError):
            os.makedirs(path, mode=0o700)
        return _open_folder(path)

    def _open_version(self, root: Folder, *, create: bool) -> Folder:
        if create:
            with suppress(FileExistsError):
                root.mkdir(_CURRENT, 0o700)
        return _open_folder(_CURRENT, root)

    def _ignore(self, why: str) -> None:
        """Go on without the cache, and say why."""
        self._say(f"the cache is not used: {why}")
        self._refused = True
        self._on = self._writes = False

    def _say(self, line: str) -> None:
        if self._remark is not None:
            self._remark(line)

    # Its size

    def _make_room(self, count: int) -> bool:
        """Count bytes that are about to be written. If there are too many, evict the least recently used files."""
        with self._locked() as fd:
            if fd < 0:
                return False
            total = _read_total(fd)
            if total is None:
                total = sum(each.size for each in self._files())
            total += count
            if total > self.most:
                total = self._evict(int(self.most * _KEPT) - count) + count
            _write_total(fd, total)
        return True

    def _evict(self, most: int) -> int:
        """Remove the least recently used files until `most` bytes are left. Returns how many are left."""
        files = sorted(self._files(), key=lambda each: each.used)
        total = sum(each.size for each in files)
        for each in files:
            if total <= most:
                break
            each.remove()
            total -= each.size
        return total

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file with the sum, locked; -1 if another process keeps the lock."""
        assert self._root is not None
        fd = self._root.open(_USAGE, UPDATE, 0o600)
        try:
            deadline = time.monotonic() + _PATIENCE
            while not (locked := try_lock(fd)) and time.monotonic() <= deadline:
                time.sleep(0.01)
            yield fd if locked else -1
        finally:
            os.close(fd)

    def _files(self) -> Iterator[_File]:
        """The files of the cache, in all versions. Leftovers of killed processes are removed on the way."""
        assert self._root is not None
        for version in self._root.names():
            if not _VERSIONS.fullmatch(version):
                continue
            try:
                folder = _open_folder(version, self._root)
            except OSError:
                continue
            try:
                yield from self._files_of(self._root, version, folder)
            finally:
                folder.close()

    def _files_of(self, root: Folder, version: str, folder: Folder) -> Iterator[_File]:
        with folder.entries() as entries:
            for entry in entries:
                known = _NAME.fullmatch(entry.name)
                if not known and not _TEMPORARY.fullmatch(entry.name):
                    continue
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if known:
                    size, used = status.st_size, status.st_mtime_ns
                    yield _File(root, version, entry.name, size, used)
                elif status.st_mtime < time.time() - _STALE:
                    with suppress(OSError):
                        folder.unlink(entry.name)


@dataclass(frozen=True, slots=True)
class _File:
    """A file in the cache: its folder and name, its size in bytes, and its last use in nanoseconds."""

    root: Folder
    version: str
    name: str
    size: int
    used: int

    def remove(self) -> None:
        with suppress(OSError):
            folder = self.root.folder(self.version)
            try:
                folder.unlink(self.name)
            finally:
                folder.close()


def _counted(files: list[_File]) -> Usage:
    names = [each.name for each in files]
    return Usage(
        entries=len(files),
        layers=sum(name.startswith(("layer-", "vouched-")) for name in names),
        images=sum(name.startswith("image-") for name in names),
        bytes=sum(each.size for each in files),
    )


def _open_folder(path: str, parent: Folder | None = None) -> Folder:
    """Open a folder that only this user can write to. Raises `OSError`; its text continues a sentence after the path."""
    try:
        folder = Folder.at(path, follow=False) if parent is None else parent.folder(path)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise OSError(error.errno, "is a link or not a folder") from None
        raise
    odd = _odd(folder.status(), stat.S_ISDIR, "not a folder")
    if odd is not None:
        folder.close()
        raise OSError(errno.EPERM, odd)
    return folder


def _odd(status: os.stat_result, kind: Callable[[int], bool], otherwise: str) -> str | None:
    """Why another user could have written to a file or folder; None if none could."""
    if not kind(status.st_mode):
        return f"is {otherwise}"
    user = user_id()
    if user is None:
        return None  # Windows keeps others out of the user's own folders by other means
    if status.st_uid != user:
        return f"belongs to user {status.st_uid}, not to user {user}"
    if status.st_mode & _OTHERS_WRITE:
        return "can be written by other users (fix it with `chmod go-w`)"
    return None


def _reason(error: OSError) -> str:
    text = error.strerror or str(error)
    return text[:1].lower() + text[1:]


def _read_total(fd: int) -> int | None:
    text = pread(fd, _DIGITS, 0)
    return int(text) if len(text) == _DIGITS and text.isdigit() else None


def _write_total(fd: int, total: int) -> None:
    if fd >= 0:
        write_at(fd, b"%0*d" % (_DIGITS, total), 0)
