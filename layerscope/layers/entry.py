"""One member of a layer's tar, and what became of it in the filesystem."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

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
"""What a storage driver or an image format keeps beside the files (AUFS, eStargz): never part of the filesystem."""

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
    """The rare facts of a member: extended attributes, device numbers, and the map of a sparse file."""

    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    device: tuple[int, int] | None = None
    logical_size: int | None = None
    extents: tuple[tuple[int, int], ...] = ()
    stored_path: bytes | None = field(default=None, compare=False)
    """The path that the tar gives, where a symlink of the same layer leads to another one."""


class Entry:
    """One tar member, as light as a record of which there may be a million can be.

    The scanner fills `path` (bytes; cleaned later by the layer index), `kind`, `size` (stored content bytes; 0 for all
    but files), `data` (offset of the content in the uncompressed tar), `mode`, `uid`, `gid`, `mtime` (seconds), `link`
    and `extra`. `fingerprint` is a hash of the content where it was read.

    The replay leads `path` through the symlinks of the entry's own layer (`stored_path` is what the tar says). It fills
    `layer`, `previous` (what lower layers had at the path), `ended` (the layer that hid it, or VISIBLE),
    `content` (the entry that stores the bytes this name reaches), `names` (how many visible names reach these bytes)
    and `change`.
    """

    __slots__ = (
        "change",
        "content",
        "data",
        "ended",
        "extra",
        "fingerprint",
        "kind",
        "layer",
        "link",
        "mtime",
        "names",
        "owner",
        "path",
        "previous",
        "size",
    )

    def __init__(
        self,
        path: bytes,
        kind: int,
        size: int,
        data: int,
        owner: tuple[int, int, int],
        mtime: int,
        link: bytes,
        extra: Extra | None,
        layer: int = 0,
    ) -> None:
        self.path = path
        self.kind = kind
        self.size = size
        self.data = data
        self.owner = owner
        self.mtime = mtime
        self.link = link
        self.extra = extra
        self.fingerprint: bytes | None = None
        self.layer = layer
        self.previous: Entry | None = None
        self.ended = VISIBLE
        self.content: Entry | None = None
        self.names = 0
        self.change = ADDED

    def copy_to(self, layer: int) -> Entry:
        """A fresh record of the same member, for another place of its layer in the stack."""
        copy = Entry(
            self.path,
            self.kind,
            self.size,
            self.data,
            self.owner,
            self.mtime,
            self.link,
            self.extra,
            layer,
        )
        copy.fingerprint = self.fingerprint
        return copy

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

    @property
    def logical_size(self) -> int:
        """The size that a program sees: of a sparse file with its holes, else the stored one."""
        extra = self.extra
        return self.size if extra is None or extra.logical_size is None else extra.logical_size

    @property
    def stored_path(self) -> bytes:
        """The path that the tar gives."""
        extra = self.extra
        return self.path if extra is None or extra.stored_path is None else extra.stored_path

    def lead(self, path: bytes) -> None:
        """Let the entry stand at another path than the tar says."""
        self.extra = replace(self.extra or Extra(), stored_path=self.stored_path)
        self.path = path

    def __repr__(self) -> str:
        return (
            f"Entry({self.path!r}, {KIND_NAMES[self.kind]}, {self.size} bytes, layer {self.layer})"
        )
