"""The waste of an image summed up: by pair of instructions, and by directory within a pair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field

from layerscope.analysis.model import WASTE_KINDS, ChangedField, WastedFile, WasteKind, sum_of
from layerscope.records import dataclass

_APART = ((1, 20), (1, 3), (4, 5))
"""The share of a folder's bytes from which a child gets its own group, by depth: `/` says nothing, `/usr` little."""
DEEPEST = 40
"""Directories below this depth count as one, so that no path can make the sums slow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WastePair:
    """All waste of one kind that instruction `written_by` stored and `wasted_by` wasted."""

    kind: WasteKind
    written_by: int
    wasted_by: int
    bytes: int
    files: int
    compressed: int | None
    changed: tuple[ChangedField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WasteGroup:
    """Files of one pair of instructions under one path. If `files` is 1, it is the path of the file.

    `rest` says that more files of the pair under the same path are in other groups.
    """

    path: bytes
    kind: WasteKind
    written_by: int
    wasted_by: int
    bytes: int
    files: int
    rest: bool
    compressed: int | None
    changed: tuple[ChangedField, ...]


_Key = tuple[WasteKind, int, int]


class WasteSummary:
    """All waste of an image, sorted into pairs once, to be summed up in several ways."""

    def __init__(self, waste: Iterable[WastedFile]) -> None:
        self._members: dict[_Key, list[WastedFile]] = {}
        for file in waste:
            key = (file.kind, file.written_by, file.wasted_by)
            self._members.setdefault(key, []).append(file)

    def files_of(self, pair: WastePair) -> list[WastedFile]:
        """The files in `pair`, in the order of the waste."""
        return self._members[pair.kind, pair.written_by, pair.wasted_by]

    def pairs(self) -> tuple[WastePair, ...]:
        """Every pair of instructions and kind with waste, largest first."""
        pairs = [
            WastePair(
                kind=kind,
                written_by=written_by,
                wasted_by=wasted_by,
                bytes=sum(file.bytes for file in files),
                files=len(files),
                compressed=sum_of(file.compressed for file in files),
                changed=_changed(files),
            )
            for (kind, written_by, wasted_by), files in self._members.items()
        ]
        pairs.sort(key=lambda p: (-p.bytes, p.written_by, p.wasted_by, WASTE_KINDS.index(p.kind)))
        return tuple(pairs)

    def groups(self) -> tuple[WasteGroup, ...]:
        """All waste, each file in one group, largest group first.

        A group starts as all files of a pair under their common directory. A child with most of the bytes becomes its
        own group if it makes up a hundredth of all waste, so that `/app/data/model.bin` is listed apart from a thousand
        small files next to it. Directly under `/`, a smaller share is enough.
        """
        total = sum(file.bytes for files in self._members.values() for file in files)
        floor = max(1, total // 100)
        groups = [
            _group(key, path, members, rest)
            for key, of_pair in self._members.items()
            for path, members, rest in _split(of_pair, floor)
        ]
        groups.sort(
            key=lambda g: (-g.bytes, g.path, g.written_by, g.wasted_by, WASTE_KINDS.index(g.kind))
        )
        return tuple(groups)


def _changed(files: Iterable[WastedFile]) -> tuple[ChangedField, ...]:
    return tuple(sorted({name for fields in {file.changed for file in files} for name in fields}))


def _group(key: _Key, path: bytes, files: list[WastedFile], rest: bool) -> WasteGroup:
    kind, written_by, wasted_by = key
    return WasteGroup(
        path=path,
        kind=kind,
        written_by=written_by,
        wasted_by=wasted_by,
        bytes=sum(file.bytes for file in files),
        files=len(files),
        rest=rest,
        compressed=sum_of(file.compressed for file in files),
        changed=_changed(files),
    )


@dataclass(slots=True)
class _Directory:
    """A directory with wasted files. `bytes` and `count` include all files below it, at any depth."""

    path: bytes
    depth: int
    above: _Directory | None
    bytes: int = 0
    count: int = 0
    files: list[WastedFile] = field(default_factory=list)
    directories: list[_Directory] = field(default_factory=list)

    def is_apart(self, size: int, floor: int) -> bool:
        """Whether a child of `size` bytes gets its own group."""
        part, whole = _APART[min(self.depth, len(_APART) - 1)]
        return size >= floor and size * whole >= self.bytes * part

    def release(self, size: int, count: int) -> None:
        self.bytes -= size
        self.count -= count

    def all_files(self) -> list[WastedFile]:
        files: list[WastedFile] = []
        pending = [self]
        while pending:
            node = pending.pop()
            files.extend(node.files)
            pending.extend(node.directories)
        return files


def _split(files: list[WastedFile], floor: int) -> Iterator[tuple[bytes, list[WastedFile], bool]]:
    """The groups of one pair: path, members, and whether other groups took files below it."""
    if len(files) == 1:
        yield files[0].path, files, False
        return
    pending = [_grow(files)]
    while pending:
        node = pending.pop()
        rest = False
        while node.count > 1:
            child = max(node.directories, key=lambda d: (d.bytes, d.path), default=None)
            largest = node.files[0] if node.files else None
            if child is not None and child.count == node.count:
                node, rest = child, False
            elif largest is not None and node.is_apart(largest.bytes, floor):
                del node.files[0]
                node.release(largest.bytes, 1)
                rest = True
                yield largest.path, [largest], False
            elif child is not None and node.is_apart(child.bytes, floor):
                node.directories.remove(child)
                node.release(child.bytes, child.count)
                rest = True
                pending.append(child)
            else:
                break
        members = node.all_files()
        if len(members) == 1:
            yield members[0].path, members, False
        elif members:
            yield node.path or b"/", members, rest


def _grow(files: list[WastedFile]) -> _Directory:
    """The tree of directories above the files, with sums. The files of each directory are largest first."""
    root = _Directory(b"", 0, None)
    known = {b"": root}
    aliases: dict[bytes, _Directory] = {b"": root}
    for file in files:
        name = file.path.rpartition(b"/")[0]
        node = aliases.get(name)
        if node is None:
            node = aliases[name] = _reach(known, root, name)
        node.bytes += file.bytes
        node.count += 1
        node.files.append(file)
    for node in sorted(known.values(), key=lambda node: -node.depth):
        node.files.sort(key=lambda file: (-file.bytes, file.path))
        if node.above is not None:
            node.above.bytes += node.bytes
            node.above.count += node.count
    return root


def _reach(known: dict[bytes, _Directory], root: _Directory, name: bytes) -> _Directory:
    node = root
    parts = name.split(b"/", DEEPEST)[:DEEPEST]
    for count in range(1, len(parts) + 1):
        path = b"/".join(parts[:count])
        below = known.get(path)
        if below is None:
            below = known[path] = _Directory(path, node.depth + 1, node)
            node.directories.append(below)
        node = below
    return node
