"""Compares two trees: one pass over both, then the contents that headers can't decide, then the moves."""

from __future__ import annotations

from collections.abc import Sequence

from layerscope.analysis.comparison.files import (
    CHANGE_KINDS,
    ChangeKind,
    Directory,
    FileChange,
    FileComparison,
    KindTotal,
    Matcher,
)
from layerscope.analysis.comparison.moves import (
    changed_metadata,
    find_moves,
)
from layerscope.analysis.comparison.side import Files, Side, layer_key
from layerscope.analysis.comparison.untouched import Untouched, equal_files, names_below
from layerscope.analysis.content_hashes import content_hash, read_contents
from layerscope.analysis.model import sum_of
from layerscope.filesystem.entry import Entry
from layerscope.filesystem.node import Below, Node, is_implicit
from layerscope.layers.entry import DIRECTORY, FILE, HARDLINK, SYMLINK, VISIBLE
from layerscope.progress import CancelledCallback, ProgressCallback, stop_if

_Name = tuple[bytes, Directory | None, Entry | None, Entry | None, FileChange | None]
_Question = tuple[bytes, Directory, Entry, Entry]


def compare_files(
    a: Side,
    b: Side,
    *,
    matches: Matcher | None = None,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> FileComparison | None:
    """The differences between the final filesystems; None if a side has no file list.

    Contents are read only for files of equal size, either at the same path or among removed and added ones, and not if
    the same layer stores both. Raises `SourceError` and `Cancelled`.
    """
    if a.files is None or b.files is None:
        return None
    walk = _Walk(a, b, a.files, b.files, matches)
    walk.run(cancelled)
    walk.answer(progress, cancelled)
    changes = find_moves(walk.changes, a.files, b.files, progress, cancelled)
    return walk.result(changes)


class _Walk:
    """The state of a comparison. `changes` grows with each stage. The first stage ends by settling shared content."""

    def __init__(
        self, a: Side, b: Side, files_a: Files, files_b: Files, matches: Matcher | None
    ) -> None:
        self._a, self._b = a, b
        self._files_a, self._files_b = files_a, files_b
        self._matches = matches
        self._stores_a, self._stores_b = _stores(a, b)
        self._one_stack = self._stores_a == self._stores_b
        self._untouched_a = Untouched(files_a.tree.layers, self._stores_a)
        self._untouched_b = Untouched(files_b.tree.layers, self._stores_b)
        self._costs = _costs_known(files_a), _costs_known(files_b)
        self._root = Directory(b"", None, files_a.tree.root, files_b.tree.root, self._costs)
        self._directories: list[Directory] = []
        self.changes: list[FileChange] = []
        self._questions: list[_Question] = []
        self._names: list[_Name] = []
        self._linked: dict[bytes, tuple[int, int]] = {}
        self._outside = Directory(b"", None, None, None, self._costs)

    def run(self, cancelled: CancelledCallback | None) -> None:
        """Visit every directory of either tree once."""
        pending = [self._root]
        self._pair(b"", self._root, self._files_a.tree.root.latest, self._files_b.tree.root.latest)
        while pending:
            directory = pending.pop()
            if len(self._directories) % 1024 == 0:
                stop_if(cancelled)
            self._directories.append(directory)
            below_a, below_b = names_below(directory.a), names_below(directory.b)
            if below_a:
                self._visit(directory, below_a, below_b, pending)
            if below_b:
                self._visit_new(directory, below_a, below_b, pending)
        self._settle_names()
        for directory in reversed(self._directories):
            parent = directory.parent
            if parent is not None:
                parent.a_bytes += directory.a_bytes
                parent.b_bytes += directory.b_bytes
                parent.a_cost += directory.a_cost
                parent.b_cost += directory.b_cost
                parent.a_files += directory.a_files
                parent.b_files += directory.b_files

    def _visit(
        self,
        directory: Directory,
        below_a: Below,
        below_b: Below,
        pending: list[Directory],
    ) -> None:
        """Visit the names that A has. Files with a single name, the most common ones, are compared right here."""
        base = directory.path + b"/"
        stores_a, stores_b, one_stack = self._stores_a, self._stores_b, self._one_stack
        simple = self._matches is None
        equal_count = equal_bytes = 0
        costs_a, costs_b = self._costs
        for name, child_a in below_a.items():
            child_b = below_b.get(name)
            if simple and self._equal(directory, child_a, child_b):
                continue
            node_a = _node(directory.a, name, child_a)
            a = node_a.latest
            if a is None or a.ended != VISIBLE:
                continue
            node_b = None if child_b is None else _node(directory.b, name, child_b)
            b = node_b.latest if node_b is not None else None
            if b is not None and b.ended != VISIBLE:
                b = None
            if simple and a.kind == FILE and a.names < 2:
                if b is None:
                    path = base + name
                    self._alone(
                        directory, FileChange("removed", path, path, None, a, None, (), a.size)
                    )
                    continue
                if b.kind == FILE and b.names < 2 and a.size == b.size:
                    same = one_stack or (
                        a.data == b.data >= 0 and stores_a[a.layer] == stores_b[b.layer]
                    )
                    if same or a.size:
                        equal_count += 1
                        equal_bytes += a.size
                        if costs_a and a.size:
                            directory.a_cost += a.compressed or 0
                        if costs_b and a.size:
                            directory.b_cost += b.compressed or 0
                        if not same:
                            self._questions.append((base + name, directory, a, b))
                        continue
            path = base + name
            is_dir_a = a.kind == DIRECTORY
            is_dir_b = b is not None and b.kind == DIRECTORY
            if is_dir_a or is_dir_b:
                pending.append(
                    Directory(
                        path, directory, node_a if is_dir_a else None, node_b if is_dir_b else None
                    )
                )
            self._pair(path, directory, a, b)
        directory.a_files += equal_count
        directory.b_files += equal_count
        directory.a_bytes += equal_bytes
        directory.b_bytes += equal_bytes

    def _equal(self, directory: Directory, a: Node | int, b: Node | int | None) -> bool:
        """Count two files that are known to be equal from their columns. False for all else."""
        if type(a) is not int or type(b) is not int:
            return False
        found = equal_files(self._untouched_a, a, self._untouched_b, b)
        if found is None:
            return False
        directory.a_files += 1
        directory.b_files += 1
        directory.a_bytes += found.size
        directory.b_bytes += found.size
        if self._costs[0]:
            directory.a_cost += found.a_cost
        if self._costs[1]:
            directory.b_cost += found.b_cost
        return True

    def _visit_new(
        self,
        directory: Directory,
        below_a: Below,
        below_b: Below,
        pending: list[Directory],
    ) -> None:
        """Visit the names that only B has."""
        base = directory.path + b"/"
        simple = self._matches is None
        for name, child_b in below_b.items():
            child_a = below_a.get(name)
            if type(child_a) is int and self._untouched_a.is_visible(child_a):
                continue
            node_b = _node(directory.b, name, child_b)
            b = node_b.latest
            if b is None or b.ended != VISIBLE:
                continue
            node_a = None if child_a is None else _node(directory.a, name, child_a)
            if node_a is not None and node_a.latest is not None and node_a.latest.ended == VISIBLE:
                continue
            path = base + name
            if simple and b.kind == FILE and b.names < 2:
                self._alone(
                    directory, FileChange("added", path, None, path, None, b, (), 0, b.size)
                )
                continue
            if b.kind == DIRECTORY:
                pending.append(Directory(path, directory, None, node_b))
            self._pair(path, directory, None, b)

    def _alone(self, directory: Directory, change: FileChange) -> None:
        """Record a file that only one side has."""
        self.changes.append(change)
        directory.changes += 1
        directory.a_bytes += change.a_bytes
        directory.b_bytes += change.b_bytes
        self._charge(directory, change.a, change.b)
        if change.a is not None:
            directory.a_files += 1
        else:
            directory.b_files += 1

    def _pair(self, path: bytes, directory: Directory, a: Entry | None, b: Entry | None) -> None:
        """Compare what the two sides have at one path."""
        content_a = a.content if a is not None else None
        content_b = b.content if b is not None else None
        if self._matches is not None and not self._matches(path or b"/"):
            if (content_a and content_a.names > 1) or (content_b and content_b.names > 1):
                self._names.append((path, None, a, b, None))
            else:
                self._leave_out(content_a, content_b)
            return
        change = self._judge(path, directory, a, b)
        if change is not None:
            self.changes.append(change)
            directory.changes += 1
        if a is not None and a.kind != DIRECTORY:
            directory.a_files += 1
        if b is not None and b.kind != DIRECTORY:
            directory.b_files += 1
        if content_a is None and content_b is None:
            return
        if (content_a and content_a.names > 1) or (content_b and content_b.names > 1):
            self._names.append((path, directory, a, b, change))
            return
        size_a = content_a.size if content_a else 0
        size_b = content_b.size if content_b else 0
        directory.a_bytes += size_a
        directory.b_bytes += size_b
        self._charge(directory, content_a, content_b)
        if change is not None:
            change.a_bytes = size_a
            change.b_bytes = size_b

    def _charge(self, directory: Directory, a: Entry | None, b: Entry | None) -> None:
        """Count the compressed bytes of contents in a directory."""
        costs_a, costs_b = self._costs
        if costs_a and a is not None and a.size:
            directory.a_cost += a.compressed or 0
        if costs_b and b is not None and b.size:
            directory.b_cost += b.compressed or 0

    def _leave_out(self, a: Entry | None, b: Entry | None) -> None:
        """Count contents outside of the pattern."""
        self._outside.a_bytes += a.size if a is not None else 0
        self._outside.b_bytes += b.size if b is not None else 0
        self._charge(self._outside, a, b)

    def _judge(
        self, path: bytes, directory: Directory, a: Entry | None, b: Entry | None
    ) -> FileChange | None:
        """The difference at a path, if headers can decide it. Otherwise the contents are queued for reading."""
        if a is None:
            return FileChange("added", path, None, path, None, b)
        if b is None:
            return FileChange("removed", path, path, None, a, None)
        kind, other = a.kind, b.kind
        if kind in (FILE, HARDLINK):
            if other not in (FILE, HARDLINK):
                return FileChange("type", path, path, path, a, b, changed_metadata(a, b))
            one, two = a.content, b.content
            if one is not two:
                if one is None or two is None or one.size != two.size:
                    return FileChange("content", path, path, path, a, b, changed_metadata(a, b))
                if not self._same_place(one, two):
                    self._questions.append((path, directory, a, b))
                    return None
        elif kind != other:
            return FileChange("type", path, path, path, a, b, changed_metadata(a, b))
        elif kind == DIRECTORY:
            if is_implicit(a) or is_implicit(b):
                return None
        elif kind == SYMLINK:
            if a.link != b.link:
                return FileChange("content", path, path, path, a, b, changed_metadata(a, b))
        elif _device(a) != _device(b):
            return FileChange("content", path, path, path, a, b, changed_metadata(a, b))
        changed = changed_metadata(a, b)
        return FileChange("metadata", path, path, path, a, b, changed) if changed else None

    def _same_place(self, one: Entry, two: Entry) -> bool:
        """Whether both contents are the same bytes of the same layer, so nothing has to be read."""
        return one.data == two.data >= 0 and self._stores_a[one.layer] == self._stores_b[two.layer]

    def _settle_names(self) -> None:
        """Count content with several names once on each side, at the first name in byte order."""
        first_a: dict[int, bytes] = {}
        first_b: dict[int, bytes] = {}
        for path, _, a, b, _ in self._names:
            for entry, first in ((a, first_a), (b, first_b)):
                if entry is not None and entry.content is not None:
                    known = first.get(id(entry.content))
                    if known is None or path < known:
                        first[id(entry.content)] = path
        asked = {path for path, _, _, _ in self._questions}
        for path, directory, a, b, change in self._names:
            size_a, size_b = _counted(path, a, first_a), _counted(path, b, first_b)
            held_a = a.content if a is not None and size_a else None
            held_b = b.content if b is not None and size_b else None
            if directory is None:
                self._leave_out(held_a, held_b)
                continue
            self._linked[path] = size_a, size_b
            self._charge(directory, held_a, held_b)
            directory.a_bytes += size_a
            directory.b_bytes += size_b
            if change is None and size_a != size_b and path not in asked:
                change = FileChange("hardlink", path, path, path, a, b)
                self.changes.append(change)
                directory.changes += 1
            if change is not None:
                change.a_bytes, change.b_bytes = size_a, size_b

    def answer(
        self, progress: ProgressCallback | None, cancelled: CancelledCallback | None
    ) -> None:
        """Compare the queued contents."""
        linked = self._linked
        asked = (
            (self._files_a, [a.content for _, _, a, _ in self._questions]),
            (self._files_b, [b.content for _, _, _, b in self._questions]),
        )
        for files, contents in asked:
            once = {id(content): content for content in contents if content is not None}
            read_contents(once.values(), files.indexes, progress=progress, cancelled=cancelled)
        for path, directory, a, b in self._questions:
            content_a, content_b = a.content, b.content
            assert content_a is not None
            assert content_b is not None
            if content_a.extra is content_b.extra:
                one, two = content_a.fingerprint, content_b.fingerprint
            else:
                one, two = content_hash(content_a), content_hash(content_b)
            changed = changed_metadata(a, b)
            kind: ChangeKind
            sizes = linked.get(path) if linked else None
            if one is None or two is None:
                kind = "unknown"
            elif one != two:
                kind = "content"
            elif changed:
                kind = "metadata"
            elif sizes is not None and sizes[0] != sizes[1]:
                kind = "hardlink"
            else:
                continue
            size_a, size_b = sizes or (content_a.size, content_b.size)
            self.changes.append(FileChange(kind, path, path, path, a, b, changed, size_a, size_b))
            directory.changes += 1
        for directory in reversed(self._directories):
            if directory.parent is not None:
                directory.parent.changes += directory.changes

    def result(self, changes: Sequence[FileChange]) -> FileComparison:
        root = self._root
        outside = self._outside
        groups: dict[ChangeKind, list[FileChange]] = {kind: [] for kind in CHANGE_KINDS}
        for change in changes:
            groups[change.kind].append(change)
        return FileComparison(
            changes=tuple(changes),
            directories=tuple(self._directories),
            totals={kind: _total(found) for kind, found in groups.items()},
            outside_a=outside.a_bytes,
            outside_b=outside.b_bytes,
            unplaced_a=self._a.sizes.live - root.a_bytes - outside.a_bytes,
            unplaced_b=self._b.sizes.live - root.b_bytes - outside.b_bytes,
            outside_compressed=(outside.a_compressed, outside.b_compressed),
            unplaced_compressed=(
                _left(self._a, root.a_compressed, outside.a_compressed),
                _left(self._b, root.b_compressed, outside.b_compressed),
            ),
            linked=self._linked,
        )


def _node(parent: Node | None, name: bytes, held: Node | int) -> Node:
    """The node of a name below another one."""
    if isinstance(held, Node):
        return held
    assert parent is not None
    node = parent.child(name)
    assert node is not None
    return node


def _total(changes: Sequence[FileChange]) -> KindTotal:
    return KindTotal(
        count=len(changes),
        a_bytes=sum(change.a_bytes for change in changes),
        b_bytes=sum(change.b_bytes for change in changes),
        a_compressed=sum_of(change.a_compressed for change in changes),
        b_compressed=sum_of(change.b_compressed for change in changes),
    )


def _left(side: Side, placed: int | None, outside: int | None) -> int | None:
    """The live compressed bytes that are neither placed nor outside."""
    live = side.sizes.compressed_live
    return None if live is None or placed is None or outside is None else live - placed - outside


def _costs_known(files: Files) -> bool:
    """Whether every layer with entries knows what they take in its compressed blob."""
    columns = [layer.columns for layer in files.tree.layers]
    return all(each.compressed is not None for each in columns if len(each))


def _stores(a: Side, b: Side) -> tuple[list[int], list[int]]:
    """A number for each layer. Two numbers are equal only if the diff_ids are."""
    numbers: dict[object, int] = {}
    found: list[list[int]] = []
    for side, name in ((a, "a"), (b, "b")):
        found.append(
            [
                numbers.setdefault(layer_key(layer) or (name, layer.index), len(numbers))
                for layer in side.layers
            ]
        )
    return found[0], found[1]


def _device(entry: Entry) -> tuple[int, int] | None:
    return entry.extra.device if entry.extra is not None else None


def _counted(path: bytes, entry: Entry | None, first: dict[int, bytes]) -> int:
    if entry is None or entry.content is None or first[id(entry.content)] != path:
        return 0
    return entry.content.size
