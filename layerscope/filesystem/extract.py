"""Extracting files from an image into a folder of the host. Nothing in the image can write outside that folder.

Every path is opened one name at a time, starting at the folder's descriptor, and no link is followed. So neither a name
or link in the image nor a link that someone else creates meanwhile leads outside. Only regular files, directories, and
symlinks that stay inside are created. Owners, setuid bits, and devices never are.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import field
from typing import Final

from layerscope.errors import FormatError, OutputError
from layerscope.filesystem.content import content_entry
from layerscope.filesystem.entry import Entry
from layerscope.filesystem.items import Item, is_safe, items_below
from layerscope.filesystem.node import Node
from layerscope.filesystem.open_folders import OpenFolders
from layerscope.filesystem.twins import FOLDS_NAMES, twins
from layerscope.layers.entry import DIRECTORY, FILE, HARDLINK, KIND_NAMES, SYMLINK
from layerscope.layers.file_content import Content, Indexes, StoredBytes, stored_bytes
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.newfile import new_file
from layerscope.progress import CancelledCallback, Progress, ProgressCallback, stop_if
from layerscope.records import dataclass
from layerscope.system.folder import Folder, set_mode
from layerscope.system.positions import write_at
from layerscope.units import count

_SKIPPED: Final = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
MOST_TOLD: Final = 100
"""The most skipped files listed by name. Beyond that, only their number is kept."""


@dataclass(slots=True)
class Taken:
    """The number of files, directories, and links created. `skipped` lists what was left out, with reasons."""

    files: int = 0
    directories: int = 0
    symlinks: int = 0
    size: int = 0
    skipped: list[tuple[bytes, str]] = field(default_factory=list)
    skipped_count: int = 0

    def skip(self, path: bytes, reason: str) -> None:
        self.skipped_count += 1
        if len(self.skipped) < MOST_TOLD:
            self.skipped.append((path, reason))


class Extraction:
    """Creates items below one folder of the host. A context manager that holds the folder open."""

    def __init__(self, folder: str, *, overwrite: bool = False) -> None:
        """Create the folder if it doesn't exist. Raises `OutputError`."""
        self.folder = folder
        self.taken = Taken()
        self._overwrite = overwrite
        self._made: list[Item] = []
        try:
            with suppress(FileExistsError):
                os.mkdir(folder)
            self._folders = OpenFolders(folder)
        except (OSError, ValueError) as error:
            raise OutputError(
                f"cannot write into {folder!r}: {_reason(error)}",
                hint="name a folder you may write to",
            ) from None

    def __enter__(self) -> Extraction:
        return self

    def __exit__(self, *_: object) -> None:
        self._folders.close()

    def conflicts(self, items: Sequence[Item]) -> list[bytes]:
        """The paths of the items that already exist in the folder. Existing directories are fine."""
        found = []
        roots = {item.path.split(b"/", 1)[0] for item in items}
        there = {name for name in roots if self._mode(self._folders.root, name) is not None}
        for item in items if there else ():
            if item.path.split(b"/", 1)[0] not in there:
                continue
            parent, _, name = item.path.rpartition(b"/")
            try:
                mode = self._mode(self._folders.open(parent), name)
            except FileNotFoundError:
                continue
            except OSError as error:
                if error.errno not in _SKIPPED:
                    found.append(item.path)
                continue
            if mode is not None and not (item.entry.kind == DIRECTORY and stat.S_ISDIR(mode)):
                found.append(item.path)
        return found

    def _mode(self, folder: Folder, name: bytes) -> int | None:
        try:
            return folder.lstat(name).st_mode
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in _SKIPPED:
                return None
            raise

    def take(
        self,
        items: Sequence[Item],
        indexes: Indexes,
        *,
        limits: Limits = DEFAULT_LIMITS,
        progress: ProgressCallback | None = None,
        cancelled: CancelledCallback | None = None,
    ) -> Taken:
        """Create the items.

        Raises `OutputError` if a file is in the way or can't be written, `FormatError`, and `Cancelled`.
        """
        if not self._overwrite:
            conflicts = self.conflicts(items)
            if conflicts:
                exist = "exists" if len(conflicts) == 1 else "exist"
                raise OutputError(
                    f"{len(conflicts)} of {count(len(items), 'file')} already {exist} in {self.folder!r}, such as"
                    f" {_shown(conflicts[0])}",
                    hint="name another folder, or overwrite them with --force",
                )
        files = []
        links = []
        same = twins(items) if FOLDS_NAMES else {}
        for item in items:
            kind = item.entry.kind
            if item.path in same:
                self.taken.skip(item.path, f"this system takes it for {_shown(same[item.path])}")
            elif kind == DIRECTORY:
                self._guarded(item, self._make_directory)
            elif kind in (FILE, HARDLINK):
                files.append(item)
            elif kind == SYMLINK:
                links.append(item)
            else:
                self.taken.skip(item.path, f"a {KIND_NAMES[kind]} is never made")
        self._take_files(files, indexes, limits, progress, cancelled)
        for item in links:
            if is_safe(item):
                self._guarded(item, self._make_symlink)
            else:
                self.taken.skip(
                    item.path, f"its target {_shown(item.entry.link)} points outside the folder"
                )
        for item in reversed(self._made):
            self._finish_directory(item)
        return self.taken

    def _take_files(
        self,
        files: list[Item],
        indexes: Indexes,
        limits: Limits,
        progress: ProgressCallback | None,
        cancelled: CancelledCallback | None,
    ) -> None:
        """Write the files in the order in which their layers store them, so that each layer is read once."""
        jobs: list[tuple[int, int, bytes, Item, Entry | None]] = []
        for item in files:
            source = content_entry(item.entry)
            where = (-1, 0) if source is None else (source.layer, source.data)
            jobs.append((*where, item.path, item, source))
        jobs.sort(key=lambda job: job[:3])
        total = sum(job[4].size for job in jobs if job[4] is not None)
        layer, stored = -1, None
        for number, _, _, item, source in jobs:
            stop_if(cancelled)
            if number != layer and source is not None and source.size:
                layer, stored = (
                    number,
                    stored_bytes(indexes, number, limits=limits, cancelled=cancelled),
                )
            self._guarded(
                item, lambda item, s=source, b=stored: self._make_file(item, s, b, cancelled)
            )
            if progress is not None:
                progress(Progress("extract", self.taken.size, total))

    def _guarded(self, item: Item, make: object) -> None:
        """Create one item. One that the folder's file system can't hold is skipped. Any other failure is an error."""
        assert callable(make)
        try:
            make(item)
        except FormatError:
            raise
        except OSError as error:
            if error.errno in _SKIPPED:
                self.taken.skip(item.path, _reason(error))
                return
            raise OutputError(
                f"cannot write {_shown(item.path)} in {self.folder!r}: {_reason(error)}",
                hint="nothing was written outside of it; free some space, or name another folder",
            ) from None

    # One item

    def _place(self, item: Item) -> tuple[Folder, bytes]:
        parent, _, name = item.path.rpartition(b"/")
        if name in (b"", b".", b"..") or b"\0" in name or item.path.startswith(b"/"):
            raise OSError(errno.EINVAL, "no name of a file")
        return self._folders.open(parent), name

    def _make_directory(self, item: Item) -> None:
        folder, name = self._place(item)
        try:
            folder.mkdir(name, 0o700)
        except FileExistsError:
            if not stat.S_ISDIR(self._mode(folder, name) or 0):
                raise
        else:
            self._made.append(item)
            self.taken.directories += 1

    def _finish_directory(self, item: Item) -> None:
        """Set the mode and time last, since writing files changes them. The owner can always list and delete."""
        with suppress(OSError):
            above, name = self._place(item)
            made = above.folder(name)
            try:
                made.set_mode(item.entry.mode & 0o777 | 0o700)
            finally:
                made.close()
            _set_time(above, name, item.entry)

    def _make_file(
        self,
        item: Item,
        source: Entry | None,
        stored: StoredBytes | None,
        cancelled: CancelledCallback | None,
    ) -> None:
        folder, name = self._place(item)
        with new_file(folder, name, mode=0o600, replace=self._overwrite) as fd:
            if source is not None:
                content = Content(_NOTHING if stored is None else stored, source)
                for position, piece in content.stored_pieces():
                    stop_if(cancelled)
                    write_at(fd, piece, position)
                os.ftruncate(fd, content.size)
            set_mode(fd, item.entry.mode & 0o777)
        _set_time(folder, name, item.entry)
        self.taken.files += 1
        self.taken.size += 0 if source is None else source.size

    def _make_symlink(self, item: Item) -> None:
        folder, name = self._place(item)
        if self._overwrite and stat.S_ISLNK(self._mode(folder, name) or 0):
            folder.unlink(name)
        folder.symlink(item.entry.link, name)
        self.taken.symlinks += 1


class _Nothing:
    """Stands in for the layer of a file that stores no bytes."""

    def read_at(self, _position: int, _count: int) -> bytes:
        return b""


_NOTHING: Final = _Nothing()


def extract(
    node: Node,
    layer: int,
    indexes: Indexes,
    folder: str,
    *,
    overwrite: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> Taken:
    """Save what exists at a node after layer `layer` in a folder of the host, under the node's own name.

    Raises `OutputError` if a file is in the way and `overwrite` is false, `FormatError`, and `Cancelled`.
    """
    items = items_below(node, layer)
    with Extraction(folder, overwrite=overwrite) as extraction:
        return extraction.take(
            items, indexes, limits=limits, progress=progress, cancelled=cancelled
        )


def _set_time(folder: Folder, name: bytes, entry: Entry) -> None:
    with suppress(OSError, OverflowError, ValueError):
        folder.touch(name, entry.mtime)


def _shown(path: bytes) -> str:
    return repr(path[:300].decode("utf-8", "backslashreplace"))


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
