"""Finds moved files, and decides whether two files are the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import attrgetter

from layerscope.analysis.comparison.files import FileChange
from layerscope.analysis.comparison.side import Files
from layerscope.analysis.content_hashes import content_hash, read_contents
from layerscope.analysis.model import ChangedField
from layerscope.filesystem.entry import Entry
from layerscope.layers.entry import DIRECTORY
from layerscope.progress import CancelledCallback, ProgressCallback

_PERMISSIONS = 0o7777
_TIME: tuple[ChangedField, ...] = ("mtime",)
_PATH = attrgetter("path")


def find_moves(
    changes: Sequence[FileChange],
    files_a: Files,
    files_b: Files,
    progress: ProgressCallback | None,
    cancelled: CancelledCallback | None,
) -> list[FileChange]:
    """The changes, with a removed and an added file merged into a move if their contents are equal.

    Files with the same base name are paired first, the others in byte order of their paths. Empty files never move.
    """
    gone = [
        (change, change.a.content)
        for change in changes
        if change.kind == "removed" and change.a is not None and change.a.content is not None
    ]
    come = [
        (change, change.b.content)
        for change in changes
        if change.kind == "added" and change.b is not None and change.b.content is not None
    ]
    sizes = {content.size for _, content in gone} & {content.size for _, content in come}
    if not sizes:
        return list(changes)
    gone = [held for held in gone if held[1].size in sizes]
    come = [held for held in come if held[1].size in sizes]
    for files, found in ((files_a, gone), (files_b, come)):
        once = {id(content): content for _, content in found}
        read_contents(once.values(), files.indexes, progress=progress, cancelled=cancelled)
    hashes_a, hashes_b = _by_hash(gone), _by_hash(come)
    joined = set()
    for mark, old_ones in hashes_a.items():
        new_ones = hashes_b.get(mark)
        if new_ones is not None:
            for old, new in _matched(old_ones, new_ones):
                _join(old, new)
                joined.add(old)
    return [change for change in changes if change not in joined]


def _join(old: FileChange, new: FileChange) -> None:
    """Turn a removed and an added file into one that moved."""
    assert old.a is not None
    assert new.b is not None
    new.kind = "moved"
    new.path_a = old.path_a
    new.a = old.a
    new.a_bytes = old.a_bytes
    new.changed = changed_metadata(old.a, new.b)


def changed_metadata(a: Entry, b: Entry) -> tuple[ChangedField, ...]:
    """The metadata that differs. The time of a directory is ignored, since every layer rewrites it."""
    if a.owner == b.owner and a.extra is b.extra:
        return _TIME if a.mtime != b.mtime and a.kind != DIRECTORY != b.kind else ()
    names: list[ChangedField] = []
    if a.owner != b.owner:
        if (a.mode ^ b.mode) & _PERMISSIONS:
            names.append("mode")
        if a.uid != b.uid:
            names.append("uid")
        if a.gid != b.gid:
            names.append("gid")
    if a.mtime != b.mtime and a.kind != DIRECTORY != b.kind:
        names.append("mtime")
    if a.extra is not b.extra and a.xattrs != b.xattrs:
        names.append("xattrs")
    return tuple(names)


def _by_hash(held: Iterable[tuple[FileChange, Entry]]) -> dict[bytes, list[FileChange]]:
    found: defaultdict[bytes, list[FileChange]] = defaultdict(list)
    for change, content in held:
        mark = content.fingerprint if content.extra is None else content_hash(content)
        if mark is not None:
            found[mark].append(change)
    return found


def _matched(
    gone: Sequence[FileChange], come: Sequence[FileChange]
) -> list[tuple[FileChange, FileChange]]:
    if len(gone) == 1 == len(come):
        return [(gone[0], come[0])]
    left = sorted(gone, key=_PATH)
    right = sorted(come, key=_PATH)
    names: defaultdict[bytes, list[FileChange]] = defaultdict(list)
    for change in reversed(right):
        names[_base(change)].append(change)
    pairs = []
    alone = []
    for change in left:
        waiting = names.get(_base(change))
        if waiting:
            pairs.append((change, waiting.pop()))
        else:
            alone.append(change)
    taken = {id(new) for _, new in pairs}
    pairs += zip(alone, (new for new in right if id(new) not in taken), strict=False)
    return pairs


def _base(change: FileChange) -> bytes:
    return change.path.rpartition(b"/")[2]
