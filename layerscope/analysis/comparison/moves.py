"""Files that are the same and lie elsewhere, and how two files are told to be the same."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from layerscope.analysis.comparison.files import ChangeKind, FileChange
from layerscope.analysis.comparison.side import Files
from layerscope.analysis.contents import content_hash, read_contents
from layerscope.layers.entry import DIRECTORY, Entry
from layerscope.progress import CancelledCallback, ProgressCallback

_PERMISSIONS = 0o7777


def find_moves(
    changes: Sequence[FileChange],
    files_a: Files,
    files_b: Files,
    progress: ProgressCallback | None,
    cancelled: CancelledCallback | None,
) -> list[FileChange]:
    """The changes, with a file that went and one that came joined where they hold the same.

    Those of one base name find each other first, the others in byte order of their paths. Empty files do not move.
    """
    gone, come = _by_size(changes, "removed"), _by_size(changes, "added")
    sizes = gone.keys() & come.keys()
    if not sizes:
        return list(changes)
    read_both(
        files_a,
        files_b,
        [change.a for size in sizes for change in gone[size] if change.a is not None],
        [change.b for size in sizes for change in come[size] if change.b is not None],
        progress,
        cancelled,
    )
    joined: dict[int, FileChange] = {}
    for size in sizes:
        hashes_a, hashes_b = _by_hash(gone[size]), _by_hash(come[size])
        for mark in hashes_a.keys() & hashes_b.keys():
            for old, new in _matched(hashes_a[mark], hashes_b[mark]):
                joined[id(old)] = joined[id(new)] = _move(old, new)
    return [
        joined.get(id(change), change)
        for change in changes
        if change.kind != "removed" or id(change) not in joined
    ]


def _move(old: FileChange, new: FileChange) -> FileChange:
    assert old.a is not None
    assert new.b is not None
    changed = changed_metadata(old.a, new.b)
    move = FileChange("moved", old.path, new.path, old.a, new.b, changed)
    move.a_bytes, move.b_bytes = old.a_bytes, new.b_bytes
    return move


def read_both(
    files_a: Files,
    files_b: Files,
    entries_a: Iterable[Entry],
    entries_b: Iterable[Entry],
    progress: ProgressCallback | None,
    cancelled: CancelledCallback | None,
) -> None:
    """Make the contents of these entries known on both sides, as far as they can be read."""
    for files, entries in ((files_a, entries_a), (files_b, entries_b)):
        contents = {id(each.content): each.content for each in entries if each.content}
        read_contents(contents.values(), files.indexes, progress=progress, cancelled=cancelled)


def hash_of(entry: Entry) -> bytes | None:
    """What is equal for equal content; None where a saved report does not tell it."""
    return content_hash(entry.content) if entry.content is not None else None


def changed_metadata(a: Entry, b: Entry) -> tuple[str, ...]:
    """What of the metadata differs; the time of a directory says nothing, as every layer rewrites it."""
    if a.owner == b.owner and a.mtime == b.mtime and a.extra is b.extra:
        return ()
    names = []
    if (a.mode ^ b.mode) & _PERMISSIONS:
        names.append("mode")
    if a.uid != b.uid:
        names.append("uid")
    if a.gid != b.gid:
        names.append("gid")
    if a.mtime != b.mtime and DIRECTORY not in (a.kind, b.kind):
        names.append("mtime")
    if a.xattrs != b.xattrs:
        names.append("xattrs")
    return tuple(names)


def _by_size(changes: Iterable[FileChange], kind: ChangeKind) -> defaultdict[int, list[FileChange]]:
    found: defaultdict[int, list[FileChange]] = defaultdict(list)
    for change in changes:
        if change.kind == kind:
            entry = change.a or change.b
            if entry is not None and entry.content is not None:
                found[entry.content.size].append(change)
    return found


def _by_hash(changes: Iterable[FileChange]) -> defaultdict[bytes, list[FileChange]]:
    found: defaultdict[bytes, list[FileChange]] = defaultdict(list)
    for change in changes:
        entry = change.a or change.b
        mark = hash_of(entry) if entry is not None else None
        if mark is not None:
            found[mark].append(change)
    return found


def _matched(
    gone: Sequence[FileChange], come: Sequence[FileChange]
) -> list[tuple[FileChange, FileChange]]:
    left = sorted(gone, key=lambda change: change.path)
    right = sorted(come, key=lambda change: change.path)
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
