"""A filesystem as values that can be compared: what a folder holds, and what the tree of an image says it holds."""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from layerscope.filesystem.entry import Entry
from layerscope.filesystem.tree import FileTree
from layerscope.layers.entry import HARDLINK, KIND_NAMES, SYMLINK

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFCHR: "character",
    stat.S_IFBLK: "block",
    stat.S_IFIFO: "fifo",
}


@dataclass(frozen=True)
class Thing:
    """What is at a path. None is a field that the side does not say."""

    kind: str | None
    mode: int | None = None
    owner: tuple[int, int] | None = None
    mtime: int | None = None
    link: bytes | None = None
    content: bytes | None = None
    device: tuple[int, int] | None = None
    xattrs: tuple[tuple[bytes, bytes], ...] | None = None
    names: tuple[bytes, ...] | None = None
    """All names of the file, if it has several or a content that could have."""


Things = dict[bytes, Thing]
FIELDS = tuple(Thing.__dataclass_fields__)


def different(one: Thing, other: Thing) -> str | None:
    """The first field that both sides know and that differs."""
    for name in FIELDS:
        mine, theirs = getattr(one, name), getattr(other, name)
        if mine is not None and theirs is not None and mine != theirs:
            return name
    return None


# A folder


def things_below(root: Path) -> Things:
    """What a folder holds. Of directories, the time is left out: it changes with what is put into them."""
    found = {}
    inodes: defaultdict[int, list[bytes]] = defaultdict(list)
    for path, full, status in _walk(os.fsencode(root)):
        kind = KINDS.get(stat.S_IFMT(status.st_mode), "other")
        if kind != "directory":
            inodes[status.st_ino].append(path)
        found[path] = (kind, full, status)
    return {
        path: _thing(kind, full, status, inodes[status.st_ino])
        for path, (kind, full, status) in found.items()
    }


def _walk(root: bytes) -> Iterator[tuple[bytes, bytes, os.stat_result]]:
    waiting = [(b"", root)]
    while waiting:
        above, folder = waiting.pop()
        with os.scandir(folder) as listed:
            for each in listed:
                path = above + b"/" + each.name if above else each.name
                try:
                    status = each.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue  # an overlay lists the whiteouts of a directory that only one layer has
                yield path, each.path, status
                if stat.S_ISDIR(status.st_mode):
                    waiting.append((path, each.path))


def _thing(kind: str, full: bytes, status: os.stat_result, names: Sequence[bytes]) -> Thing:
    content = None
    if kind == "file":
        with open(full, "rb") as file:
            content = file.read()
    return Thing(
        kind,
        None if kind == "symlink" else stat.S_IMODE(status.st_mode),
        (status.st_uid, status.st_gid),
        None if kind == "directory" else int(status.st_mtime),
        os.readlink(full) if kind == "symlink" else None,
        content,
        (os.major(status.st_rdev), os.minor(status.st_rdev))
        if kind in {"character", "block"}
        else None,
        tuple(sorted(_attributes(full))) if kind == "file" else None,
        tuple(sorted(names)) if content else None,
    )


def _attributes(full: bytes) -> Iterator[tuple[bytes, bytes]]:
    for name in os.listxattr(full, follow_symlinks=False):
        if not name.startswith(("trusted.overlay.", "user.overlay.")):
            yield os.fsencode(name), os.getxattr(full, name, follow_symlinks=False)


# The tree of an image


def things_of(tree: FileTree, tars: Sequence[bytes]) -> Things:
    """What the tree says is in the final filesystem."""
    found = {
        node.path: node.latest
        for node in tree.nodes()
        if node.parent is not None and node.visible and node.latest is not None
    }
    names: defaultdict[int, list[bytes]] = defaultdict(list)
    for path, entry in found.items():
        if entry.content is not None:
            names[id(entry.content)].append(path)
    return {path: _said(entry, tars, names) for path, entry in found.items()}


def _said(entry: Entry, tars: Sequence[bytes], names: dict[int, list[bytes]]) -> Thing:
    if entry.data < 0:  # a directory that no tar has
        return Thing("directory")
    held = entry.content
    known = None if held is None else tuple(sorted(names[id(held)]))
    if entry.kind == HARDLINK:
        if held is None:  # to an empty file, or to something that is not a file
            return Thing(None)
        return Thing("file", content=_bytes(held, tars), names=known)
    kind = KIND_NAMES[entry.kind]
    shared = known is not None and len(known) > 1
    extra = entry.extra
    return Thing(
        kind,
        None if kind == "symlink" or shared else entry.mode,
        None if shared else (entry.uid, entry.gid),
        None if kind == "directory" or shared else entry.mtime,
        entry.link if entry.kind == SYMLINK else None,
        (b"" if held is None else _bytes(held, tars)) if kind == "file" else None,
        extra.device if extra is not None and kind in {"character", "block"} else None,
        None if kind != "file" or shared else tuple(sorted(entry.xattrs)),
        known,
    )


def _bytes(held: Entry, tars: Sequence[bytes]) -> bytes:
    return tars[held.layer][held.data : held.data + held.size]
