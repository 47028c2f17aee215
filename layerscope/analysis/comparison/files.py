"""The final filesystems of two images, path by path: what differs, and where the bytes went.

Content with several names is counted once on each side, at the first of its visible names in byte order. So all deltas
add up to the difference of the live sizes. The same holds for the compressed bytes, which are None where they are unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import field
from typing import Final, Literal, NamedTuple

from layerscope.analysis.model import ChangedField
from layerscope.filesystem.entry import Entry
from layerscope.filesystem.node import Node
from layerscope.layers.entry import VISIBLE
from layerscope.records import dataclass

ChangeKind = Literal[
    "added", "removed", "content", "metadata", "type", "moved", "hardlink", "unknown"
]
CHANGE_KINDS: Final[tuple[ChangeKind, ...]] = (
    "added",
    "removed",
    "content",
    "metadata",
    "type",
    "moved",
    "hardlink",
    "unknown",
)
"""`moved` is the same content at another path. `hardlink` is an unchanged file whose bytes are now counted here, or no
longer, because another name of it was added or removed. `unknown` is two files of equal size whose content a saved
report doesn't have."""


class FileChange:
    """One difference. `path_a` and `path_b` are both set if the file is on both sides. They differ if it moved.

    `path` is where it is now, or was. Bytes are those counted there. `changed` names the metadata that differs: mode,
    uid, gid, mtime, xattrs.
    """

    __slots__ = ("a", "a_bytes", "b", "b_bytes", "changed", "kind", "path", "path_a", "path_b")

    def __init__(
        self,
        kind: ChangeKind,
        path: bytes,
        path_a: bytes | None,
        path_b: bytes | None,
        a: Entry | None,
        b: Entry | None,
        changed: tuple[ChangedField, ...] = (),
        a_bytes: int = 0,
        b_bytes: int = 0,
    ) -> None:
        self.kind = kind
        self.path = path
        self.path_a = path_a
        self.path_b = path_b
        self.a = a
        self.b = b
        self.a_bytes = a_bytes
        self.b_bytes = b_bytes
        self.changed = changed

    @property
    def delta(self) -> int:
        return self.b_bytes - self.a_bytes

    @property
    def a_compressed(self) -> int | None:
        """The compressed bytes of what is counted here in A; None if unknown."""
        return compressed_of(self.a, self.a_bytes)

    @property
    def b_compressed(self) -> int | None:
        """The compressed bytes of what is counted here in B; None if unknown."""
        return compressed_of(self.b, self.b_bytes)

    def __repr__(self) -> str:
        return f"FileChange({self.kind}, {self.path!r}, {self.a_bytes} -> {self.b_bytes})"


class Directory:
    """A directory of either filesystem. Its bytes and counts include everything below it.

    `a` and `b` are the nodes of the two trees, None if that side has no directory here. `changes` is the number of
    differences below. `costs` says for which sides the compressed bytes are known: `a_cost` and `b_cost` count only there.
    """

    __slots__ = (
        "a",
        "a_bytes",
        "a_cost",
        "a_files",
        "b",
        "b_bytes",
        "b_cost",
        "b_files",
        "changes",
        "costs",
        "depth",
        "parent",
        "path",
    )

    def __init__(
        self,
        path: bytes,
        parent: Directory | None,
        a: Node | None,
        b: Node | None,
        costs: tuple[bool, bool] = (False, False),
    ) -> None:
        self.path = path
        self.parent = parent
        self.costs: tuple[bool, bool] = costs if parent is None else parent.costs
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.a = a
        self.b = b
        self.a_bytes = self.b_bytes = 0
        self.a_cost = self.b_cost = 0
        self.a_files = self.b_files = 0
        self.changes = 0

    @property
    def delta(self) -> int:
        return self.b_bytes - self.a_bytes

    @property
    def a_compressed(self) -> int | None:
        """The compressed bytes of the files below in A; None if unknown."""
        return self.a_cost if self.costs[0] or not self.a_bytes else None

    @property
    def b_compressed(self) -> int | None:
        """The compressed bytes of the files below in B; None if unknown."""
        return self.b_cost if self.costs[1] or not self.b_bytes else None

    def __repr__(self) -> str:
        return f"Directory({self.path!r}, {self.a_bytes} -> {self.b_bytes})"


class Listed(NamedTuple):
    """One name of a directory in the merged tree. `a` or `b` is None if that side has nothing there."""

    name: bytes
    a: Entry | None
    b: Entry | None
    a_bytes: int
    b_bytes: int
    change: FileChange | None
    directory: Directory | None

    @property
    def costs(self) -> tuple[bool, bool]:
        """For which sides the compressed bytes of everything are known."""
        return (False, False) if self.directory is None else self.directory.costs

    @property
    def compressed(self) -> tuple[int | None, int | None]:
        """The compressed bytes of what is counted here on each side; None where they are unknown."""
        if self.directory is not None:
            return self.directory.a_compressed, self.directory.b_compressed
        return compressed_of(self.a, self.a_bytes), compressed_of(self.b, self.b_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class KindTotal:
    """The number of differences of one kind, and their bytes on each side. Compressed bytes are None if unknown."""

    count: int
    a_bytes: int
    b_bytes: int
    a_compressed: int | None
    b_compressed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileComparison:
    """All differences of two filesystems, in no particular order, and every directory, parents first.

    `outside_a` and `outside_b` are the live bytes that a path pattern leaves out, `unplaced_a` and `unplaced_b` those
    without a visible path. `outside_compressed` and `unplaced_compressed` are the compressed bytes of both, in A and B.
    """

    changes: tuple[FileChange, ...] = field(repr=False)
    directories: tuple[Directory, ...] = field(repr=False)
    totals: dict[ChangeKind, KindTotal]
    outside_a: int
    outside_b: int
    unplaced_a: int
    unplaced_b: int
    outside_compressed: tuple[int | None, int | None]
    unplaced_compressed: tuple[int | None, int | None]
    linked: dict[bytes, tuple[int, int]] = field(repr=False)

    @property
    def root(self) -> Directory:
        return self.directories[0]

    @property
    def only_times(self) -> int:
        """The number of metadata changes in which only the modification time differs."""
        return sum(
            change.kind == "metadata" and change.changed == ("mtime",) for change in self.changes
        )


class MergedTree:
    """Both filesystems as one tree, for a screen. A directory is listed only when you open it."""

    def __init__(self, files: FileComparison) -> None:
        self._linked = files.linked
        self._directories = {directory.path: directory for directory in files.directories}
        self._changes: dict[bytes, FileChange] = {}
        for change in files.changes:
            for path in (change.path_a, change.path_b):
                if path is not None:
                    self._changes[path] = change
        self.root = files.root

    def listing(self, directory: Directory) -> Iterator[Listed]:
        """The names of a directory that either side has, in byte order."""
        names_a, names_b = _visible(directory.a), _visible(directory.b)
        for name in sorted(names_a.keys() | names_b.keys()):
            path = directory.path + b"/" + name
            a, b = names_a.get(name), names_b.get(name)
            below = self._directories.get(path)
            if below is not None:
                sizes = below.a_bytes, below.b_bytes
            else:
                sizes = self._linked.get(path) or (_stored(a), _stored(b))
            yield Listed(name, a, b, *sizes, self._changes.get(path), below)


def compressed_of(entry: Entry | None, counted: int) -> int | None:
    """The compressed bytes of an entry's content where `counted` bytes of it count; None if unknown."""
    if not counted or entry is None or entry.content is None:
        return 0
    return entry.content.compressed


def _visible(node: Node | None) -> dict[bytes, Entry]:
    if node is None or not node.children:
        return {}
    return {
        name: child.latest
        for name, child in node.children.items()
        if child.latest is not None and child.latest.ended == VISIBLE
    }


def _stored(entry: Entry | None) -> int:
    return entry.content.size if entry is not None and entry.content is not None else 0


Matcher = Callable[[bytes], object]
