"""Content that the final filesystem stores more than once, and packages that it has more than once.

Two files are duplicates if all of their stored bytes are the same, by SHA-256. Hard links are one copy. Only live content
counts, so nothing here is part of `wasted`. A file of zeros is content like any other. Sparse files are the same only if
their holes are the same, too, and only their stored blocks count.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from layerscope.analysis.content_hashes import content_hash, read_contents
from layerscope.analysis.largest import visible_aliases
from layerscope.analysis.likely_copies import likely_copies
from layerscope.analysis.model import sum_of
from layerscope.analysis.packages import PackageFacts
from layerscope.filesystem.entry import Entry
from layerscope.filesystem.tree import FileTree
from layerscope.layers.file_content import Indexes
from layerscope.notes import Notes
from layerscope.packages.order import newer, shown_version
from layerscope.packages.package import PackageType
from layerscope.progress import CancelledCallback, ProgressCallback
from layerscope.records import dataclass
from layerscope.units import count, format_size

PLACES: Final = 1000
"""The most paths or places that are kept of one group."""
_BUILT_IN: Final[frozenset[PackageType]] = frozenset({"golang", "cargo"})
"""Types whose packages are built into programs, where each program needs its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateGroup:
    """The same content, live in `copies` places. `bytes` is the size of one copy.

    `paths` has a path of each copy, in the order of the layers that store them, at most `PLACES`. `layers` are the layers
    with a copy. `compressed` is what all copies but the first take in the compressed blobs; None if unknown.
    """

    hash: bytes
    paths: tuple[bytes, ...]
    layers: tuple[int, ...]
    bytes: int
    copies: int
    compressed: int | None = None

    @property
    def saving(self) -> int:
        return self.bytes * (self.copies - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicatePackage:
    """A package that is installed in `copies` places. `bytes` is the live content of all of them.

    `saving` is that of all but one: the newest, or the largest where no version is newer. `versions` are in the order of
    `places`, each once; `places` are the documents that name the package, at most `PLACES`.
    """

    type: PackageType
    name: str
    versions: tuple[str, ...]
    places: tuple[bytes, ...]
    layers: tuple[int, ...]
    copies: int
    bytes: int
    saving: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Others:
    """The sum of the groups that a saved report doesn't list."""

    groups: int
    copies: int
    saving: int
    compressed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """Files that could be duplicates, because others have the same size, but whose content was not read."""

    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """All groups of files of `least` bytes and more, the largest saving first.

    `known_saving` is the sum over the groups. If there are `unread` files, it is only a lower bound. `packages` is None if
    nobody asked for packages. What they could save overlaps with the saving of files.
    """

    least: int
    groups: tuple[DuplicateGroup, ...]
    rest: Others | None = None
    unread: Unread | None = None
    packages: tuple[DuplicatePackage, ...] | None = None
    other_packages: Others | None = None

    @property
    def known_saving(self) -> int:
        others = 0 if self.rest is None else self.rest.saving
        return sum(group.saving for group in self.groups) + others

    @property
    def saving(self) -> int | None:
        """What one copy of each content would save; None if not all contents are known."""
        return self.known_saving if self.unread is None else None

    @property
    def count(self) -> int:
        return len(self.groups) + (0 if self.rest is None else self.rest.groups)

    @property
    def copies(self) -> int:
        """The files that are stored although another one has their content."""
        listed = sum(group.copies - 1 for group in self.groups)
        return listed + (0 if self.rest is None else self.rest.copies - self.rest.groups)


def find_duplicates(
    tree: FileTree,
    indexes: Indexes,
    notes: Notes,
    *,
    least: int,
    most_read: int,
    sampled: bool = True,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> Duplicates:
    """The live contents of at least `least` bytes that are stored more than once.

    Contents without a known hash are read if others may be the same, at most `most_read` bytes of them; the files that
    this leaves out are reported as a note. Without `sampled`, every content with the size of another one is read, for a
    caller that keeps the hashes. Raises what reading a layer raises, and `Cancelled`.
    """
    classes = likely_copies(tree, indexes, max(least, 1), sampled=sampled, cancelled=cancelled)
    skipped = _read(classes, indexes, most_read, progress, cancelled)
    unread = None
    if skipped:
        unread = Unread(files=len(skipped), bytes=sum(entry.size for entry in skipped))
        _note(notes, skipped, unread, indexes, most_read)
    return Duplicates(
        least=least,
        groups=tuple(_groups(tree, classes)),
        unread=unread,
    )


def duplicate_packages(rows: Iterable[PackageFacts]) -> tuple[DuplicatePackage, ...]:
    """The packages that are installed more than once, the largest saving first.

    Builds for different architectures are different packages.
    """
    by_name: defaultdict[tuple[str, str, str], list[PackageFacts]] = defaultdict(list)
    for row in rows:
        package = row.package
        if row.installed and package.type not in _BUILT_IN:
            arch = dict(package.qualifiers).get("arch", "")
            by_name[package.type, package.full_name, arch].append(row)
    found = [_package(group) for group in by_name.values() if len(group) > 1]
    return tuple(
        sorted(
            (each for each in found if each.saving),
            key=lambda each: (-each.saving, each.type, each.name, each.places),
        )
    )


def _package(rows: list[PackageFacts]) -> DuplicatePackage:
    rows.sort(key=lambda row: (row.layer, row.where))
    kept = rows[0]
    for row in rows[1:]:
        later = newer(kept.package, row.package)
        if later or (later is None and row.live > kept.live):
            kept = row
    live = sum(row.live for row in rows)
    return DuplicatePackage(
        type=kept.package.type,
        name=kept.package.full_name,
        versions=tuple(dict.fromkeys(shown_version(row.package) for row in rows))[:PLACES],
        copies=len(rows),
        bytes=live,
        saving=live - kept.live,
        places=tuple(row.where for row in rows[:PLACES]),
        layers=tuple(sorted({row.layer for row in rows})),
    )


def _read(
    classes: Sequence[Sequence[Entry]],
    indexes: Indexes,
    most: int,
    progress: ProgressCallback | None,
    cancelled: CancelledCallback | None,
) -> list[Entry]:
    """Read the contents whose hashes are unknown, those that may save most first. Returns those that were not read."""
    wanted: list[Entry] = []
    skipped: list[Entry] = []
    left = most
    for entries in sorted(classes, key=lambda entries: -entries[0].size * (len(entries) - 1)):
        unknown = [entry for entry in entries if entry.fingerprint is None]
        far = [entry for entry in unknown if not _is_at_hand(entry, indexes)]
        if far:
            # A content that is not to be fetched may equal any of the others.
            skipped += far
            unknown = [entry for entry in unknown if _is_at_hand(entry, indexes)]
            if len(entries) - len(far) < 2:
                continue
        size = sum(entry.size for entry in unknown)
        if size > left:
            skipped += unknown
            continue
        left -= size
        wanted += unknown
    read_contents(wanted, indexes, stage="duplicates", progress=progress, cancelled=cancelled)
    return skipped


def _is_at_hand(entry: Entry, indexes: Indexes) -> bool:
    """Whether the content can be read without fetching it from a registry."""
    stored = indexes[entry.layer]
    return stored is not None and not stored.by_table


def _groups(tree: FileTree, classes: Iterable[Sequence[Entry]]) -> list[DuplicateGroup]:
    same: list[tuple[bytes, list[Entry]]] = []
    for entries in classes:
        by_hash: defaultdict[bytes, list[Entry]] = defaultdict(list)
        for entry in entries:
            mark = content_hash(entry)
            if mark is not None:
                by_hash[mark].append(entry)
        same += [(mark, copies) for mark, copies in by_hash.items() if len(copies) > 1]
    aliases = visible_aliases(tree, [entry for _, copies in same for entry in copies[:PLACES]])
    groups = [
        DuplicateGroup(
            hash=mark,
            bytes=copies[0].size,
            copies=len(copies),
            paths=tuple(aliases.get(id(entry), entry.path) for entry in copies[:PLACES]),
            layers=tuple(sorted({entry.layer for entry in copies})),
            compressed=sum_of(entry.compressed for entry in copies[1:]),
        )
        for mark, copies in same
    ]
    groups.sort(key=lambda group: (-group.saving, group.paths, group.hash))
    return groups


def _note(
    notes: Notes, skipped: Sequence[Entry], unread: Unread, indexes: Indexes, most: int
) -> None:
    lazily = sum(not _is_at_hand(entry, indexes) for entry in skipped)
    reasons = []
    if lazily < len(skipped):
        reasons.append(
            f"more than {format_size(most)} would have to be read (--limit duplicate_bytes=N)"
        )
    if lazily:
        reasons.append("the table of contents of their layer has no digest for them")
    notes.add(
        "duplicates-unread",
        f"{count(unread.files, 'file')} with {format_size(unread.bytes)} may have the same content as other files of"
        f" their size, but they were not compared: {', and '.join(reasons)}",
    )
