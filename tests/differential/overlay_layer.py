"""Writes one layer into a folder the way an engine keeps it for the kernel's overlayfs.

A whiteout becomes a device 0:0, and an opaque directory gets an attribute. It shares no code with layerscope.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests import mounts
from tests.builder.nodes import (
    Device,
    Directory,
    Fifo,
    File,
    Hardlink,
    Member,
    Meta,
    Node,
    Opaque,
    Symlink,
    Whiteout,
    as_bytes,
)
from tests.model.union import clean

MOST_LINKS = 40
OPAQUE_MARK = "trusted.overlay.opaque"


def is_whiteout(status: os.stat_result) -> bool:
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


@dataclass
class OverlayLayer:
    """A layer's folder, the folders of the layers below it, and where they can be mounted."""

    folder: Path
    lower: Sequence[Path]
    mount: Path
    work: Path
    bare: set[bytes] = field(default_factory=set)
    """The folders that had to be there for a whiteout, and those above them."""
    copied: bool = False
    """Whether the kernel copied a file up to link to it. It does not keep the file's other names."""
    merged: dict[tuple[bytes, ...], list[tuple[bytes, os.stat_result]]] = field(
        default_factory=dict
    )

    def write(self, members: Sequence[Member]) -> None:
        """Write the members in their order. What the layer itself has is never whited out."""
        os.mkdir(self.folder, 0o755)
        for name, node in members:
            self._put(clean(as_bytes(name)), node)

    def _path(self, parts: Sequence[bytes]) -> bytes:
        return b"/".join((os.fsencode(self.folder), *parts))

    def _put(self, path: tuple[bytes, ...], node: Node) -> None:
        if isinstance(node, Whiteout | Opaque):
            self._mark(path, node)
            return
        where = (*self._make_folder(path[:-1]), path[-1])
        if isinstance(node, Directory):
            self._make_directory(self._path(where), node)
        elif isinstance(node, Hardlink):
            self._link(where, clean(as_bytes(node.target)))
        else:
            self._remove(self._path(where))
            self._create(self._path(where), node)

    def _mark(self, path: tuple[bytes, ...], node: Whiteout | Opaque) -> None:
        """Keep a whiteout. Below a file of its own layer there is nothing left to hide."""
        try:
            folder = self._make_folder(path if isinstance(node, Opaque) else path[:-1], own=True)
        except NotADirectoryError:
            return
        self.bare |= {b"/".join(folder[:depth]) for depth in range(1, len(folder) + 1)}
        if isinstance(node, Opaque):
            os.setxattr(self._path(folder), OPAQUE_MARK, b"y")
        else:
            self._white_out(self._path((*folder, path[-1])))

    def _make_folder(self, path: Sequence[bytes], *, own: bool = False) -> tuple[bytes, ...]:
        """Where a folder is, through the layer's own symlinks. It is created if it does not exist.

        What is in its place is replaced. With `own`, that is an error instead, unless it is a whiteout.
        """
        done: tuple[bytes, ...] = ()
        rest = list(path)
        links = 0
        while rest:
            part = rest.pop(0)
            if part in (b"", b"."):
                continue
            if part == b"..":
                done = done[:-1]
                continue
            full = self._path((*done, part))
            status = self._status(full)
            if status is not None and stat.S_ISLNK(status.st_mode):
                links += 1
                if links > MOST_LINKS:
                    raise OSError(errno.ELOOP, "too many symlinks")
                target = os.readlink(full)
                done = () if target.startswith(b"/") else done
                rest = target.split(b"/") + rest
                continue
            done = (*done, part)
            if status is None or not stat.S_ISDIR(status.st_mode):
                if own and status is not None and not is_whiteout(status):
                    raise NotADirectoryError(errno.ENOTDIR, "below a file of the same layer")
                self._replace_by_directory(full, status)
                self._inherit(done)
        return done

    def _inherit(self, path: tuple[bytes, ...]) -> None:
        """Give a directory that no entry describes the mode and owner that it has in the layers below."""
        for _, status in self._merged(path)[:1]:
            os.chmod(self._path(path), stat.S_IMODE(status.st_mode))
            os.chown(self._path(path), status.st_uid, status.st_gid)

    def _merged(self, path: tuple[bytes, ...]) -> list[tuple[bytes, os.stat_result]]:
        """The folders of lower layers that an overlay merges at a path, the upper ones first."""
        known = self.merged.get(path)
        if known is not None:
            return known
        if path:
            candidates = [full + b"/" + path[-1] for full, _ in self._merged(path[:-1])]
        else:
            candidates = [os.fsencode(each) for each in reversed(self.lower)]
        found = self.merged[path] = []
        for full in candidates:
            status = self._status(full)
            if status is None:
                continue
            if not stat.S_ISDIR(status.st_mode):
                break
            found.append((full, status))
            if OPAQUE_MARK in os.listxattr(full):
                break
        return found

    def _status(self, full: bytes) -> os.stat_result | None:
        with suppress(FileNotFoundError):
            return os.lstat(full)
        return None

    def _replace_by_directory(self, full: bytes, status: os.stat_result | None) -> None:
        """Put a directory where nothing or something else is. It never shows what is below the other thing."""
        if status is not None:
            os.unlink(full)
        os.mkdir(full, 0o755)
        if status is not None:
            os.setxattr(full, OPAQUE_MARK, b"y")

    def _white_out(self, full: bytes) -> None:
        status = self._status(full)
        if status is None:
            os.mknod(full, stat.S_IFCHR, 0)
        elif stat.S_ISDIR(status.st_mode):
            os.setxattr(full, OPAQUE_MARK, b"y")

    def _make_directory(self, full: bytes, node: Directory) -> None:
        status = self._status(full)
        if status is None or not stat.S_ISDIR(status.st_mode):
            self._replace_by_directory(full, status)
        self._describe(full, node)

    def _remove(self, full: bytes) -> None:
        status = self._status(full)
        if status is None:
            return
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(full)
        else:
            os.unlink(full)

    def _create(self, full: bytes, node: Node) -> None:
        match node:
            case File():
                with open(full, "xb") as file:
                    file.write(node.data)
            case Symlink():
                os.symlink(as_bytes(node.target), full)
            case Fifo():
                os.mkfifo(full)
            case Device():
                kind = stat.S_IFBLK if node.block else stat.S_IFCHR
                os.mknod(full, kind | 0o644, os.makedev(node.major, node.minor))
            case _:
                raise NotImplementedError(type(node).__name__)
        assert isinstance(node, Meta)
        self._describe(full, node)

    def _describe(self, full: bytes, node: Meta) -> None:
        os.chown(full, node.uid, node.gid, follow_symlinks=False)
        if not isinstance(node, Symlink):
            usual = 0o755 if isinstance(node, Directory) else 0o644
            os.chmod(full, usual if node.mode is None else node.mode)
        for name, value in node.xattrs.items():
            os.setxattr(full, name, value)
        when = int(node.mtime) * 10**9
        os.utime(full, ns=(when, when), follow_symlinks=False)

    def _link(self, where: Sequence[bytes], target: Sequence[bytes]) -> None:
        """Link to a file of this layer, or let the kernel copy one up from the layers below."""
        full = self._path(where)
        if self._status(self._path(target)) is not None:
            self._remove(full)
            os.link(self._path(target), full, follow_symlinks=False)
            return
        if not self.lower:
            raise FileNotFoundError(errno.ENOENT, "a link to nothing")
        self._remove(full)
        with mounts.overlay(self.mount, self.lower, self.folder, self.work):
            place = b"/".join((os.fsencode(self.mount), *where))
            source = b"/".join((os.fsencode(self.mount), *target))
            below = self._status(place)
            if below is not None and stat.S_ISDIR(below.st_mode):
                shutil.rmtree(place, onerror=_unless_whiteout)
            elif below is not None:
                os.unlink(place)
            os.link(source, place, follow_symlinks=False)
        self.copied = True


def _unless_whiteout(_: object, __: object, error: tuple[object, BaseException, object]) -> None:
    """An overlay lists the whiteouts of a directory that only one layer has."""
    if not isinstance(error[1], FileNotFoundError):
        raise error[1]
