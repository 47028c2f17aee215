"""One member of a layer's tar: its kind and the facts in its header."""

from __future__ import annotations

from typing import Final

from layerscope.records import dataclass

FILE: Final = 0
DIRECTORY: Final = 1
SYMLINK: Final = 2
HARDLINK: Final = 3
CHARACTER: Final = 4
BLOCK: Final = 5
FIFO: Final = 6
OTHER: Final = 7
WHITEOUT: Final = 8
OPAQUE: Final = 9
METADATA: Final = 10
"""Bookkeeping of a storage driver or image format (AUFS, eStargz): never part of the filesystem."""

KIND_NAMES: Final = (
    "file",
    "directory",
    "symlink",
    "hardlink",
    "character",
    "block",
    "fifo",
    "other",
    "whiteout",
    "opaque",
    "other",
)

ADDED: Final = 0
MODIFIED: Final = 1
DELETED: Final = 2
UNCHANGED: Final = 3
CHANGE_NAMES: Final = ("added", "modified", "deleted", "unchanged")

VISIBLE: Final = -1


@dataclass(frozen=True, slots=True)
class Extra:
    """Facts that few members have: extended attributes, device numbers, and the map of a sparse file."""

    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    device: tuple[int, int] | None = None
    logical_size: int | None = None
    extents: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class Member:
    """One member of a tar, as the scanner reads it. The layer index keeps members in columns.

    `size` is the number of stored content bytes (0 for anything but a file), `data` the offset of the content in the
    uncompressed tar, `owner` is (mode, uid, gid), and `mtime` is in whole seconds. `fingerprint` is a hash of the
    content, or None if the content was not read.
    """

    path: bytes
    kind: int
    size: int
    data: int
    owner: tuple[int, int, int]
    mtime: int
    link: bytes = b""
    extra: Extra | None = None
    fingerprint: bytes | None = None

    @property
    def mode(self) -> int:
        return self.owner[0]

    @property
    def uid(self) -> int:
        return self.owner[1]

    @property
    def gid(self) -> int:
        return self.owner[2]

    @property
    def xattrs(self) -> tuple[tuple[bytes, bytes], ...]:
        return self.extra.xattrs if self.extra is not None else ()
