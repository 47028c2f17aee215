"""What a tree shows: one layer's changes, the filesystem after a layer, or the changes of a range of layers."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal

from layerscope.analysis.filter.query import WASTED
from layerscope.errors import Cancelled
from layerscope.filesystem.entry import Entry
from layerscope.layers.entry import DIRECTORY, FILE, HARDLINK, METADATA, UNCHANGED, VISIBLE
from layerscope.records import dataclass
from layerscope.tui.model.outline import ROOT

if TYPE_CHECKING:
    from layerscope.filesystem.joined import JoinedColumns
    from layerscope.filesystem.node import Node
    from layerscope.tui.model.outline import TreeOutline

Mode = Literal["layer", "tree", "range"]
MODES: Final[tuple[Mode, ...]] = ("layer", "tree", "range")

ABSENT: Final = 0
SAME: Final = 1
ADDED: Final = 2
MODIFIED: Final = 3
REMOVED: Final = 4
FLEETING: Final = 5
"""Added and removed again within the view."""
REWRITTEN: Final = 6
"""Stored again unchanged."""

MARKS: Final = "  +~-x="
MARK_WORDS: Final = ("absent", "unchanged", "added", "modified", "removed", "fleeting", "rewritten")
KINDS: Final[Mapping[str, frozenset[int]]] = {
    "added": frozenset({ADDED}),
    "modified": frozenset({MODIFIED}),
    "changed": frozenset({ADDED, MODIFIED, REMOVED, FLEETING, REWRITTEN}),
    "deleted": frozenset({REMOVED, FLEETING}),
    "removed": frozenset({REMOVED, FLEETING}),
    "rewritten": frozenset({REWRITTEN}),
    "unchanged": frozenset({SAME}),
    WASTED: frozenset(),
}
"""The marks that each `kind:` of a filter selects; `wasted` selects by bytes instead."""
_STEP = 1 << 16


@dataclass(frozen=True, slots=True)
class Scope:
    """The layers `first` to `last`, and whether to show the whole filesystem or only what they change."""

    mode: Mode
    first: int
    last: int

    @property
    def base(self) -> int:
        """The layer below, which changes are relative to; -1 for none."""
        return self.first - 1


class Totals:
    """One view of an outline, by number. Directories have the sums of their subtrees.

    `size` is what the view's layers store or, in a filesystem view, what the filesystem holds. `gone` is the bytes of
    removed files. `wasted` is how much of `size` the image wastes. `files` counts everything except directories that
    changed (or, in a filesystem view, exists). `layer` is where a path's state comes from. `kinds` are the kinds of
    entries. `download` is the compressed bytes that `size` takes; None if the image's source doesn't know them.
    """

    download: Sequence[int] | None = None

    def __init__(
        self,
        *,
        marks: bytearray,
        kinds: bytearray,
        size: Sequence[int],
        gone: Sequence[int],
        wasted: Sequence[int],
        files: Sequence[int],
        layer: Sequence[int],
    ) -> None:
        self.marks = marks
        self.kinds = kinds
        self.size = size
        self.gone = gone
        self.wasted = wasted
        self.files = files
        self.layer = layer

    def weights(self, numbers: range) -> Sequence[int]:
        """The weights of consecutive numbers."""
        part = slice(numbers.start, numbers.stop)
        if not self.gone[ROOT]:
            return list(self.size[part])
        return [size or gone for size, gone in zip(self.size[part], self.gone[part], strict=True)]

    def weight(self, number: int) -> int:
        """What sorts a row and draws its bar: the bytes it has, or else the bytes that are gone."""
        return self.size[number] or self.gone[number]


def measure(
    outline: TreeOutline, scope: Scope, cancelled: Callable[[], bool] | None = None
) -> Totals:
    """Walk over all names once and sum up; raises `Cancelled`."""
    count = len(outline)
    draft = _Draft(
        marks=bytearray(count),
        kinds=bytearray(count),
        size=[0] * count,
        gone=[0] * count,
        wasted=[0] * count,
        files=[0] * count,
        layer=array("i", bytes(4 * count)),
        linked=set(),
    )
    fill = _fill_tree if scope.mode == "tree" else _fill_changes
    costs = [0] * count if outline.has_costs else None
    for start in range(0, count, _STEP):
        if cancelled is not None and cancelled():
            raise Cancelled("cancelled")
        entries = _standing(outline, start, scope.last)
        fill(draft, entries, start, scope, outline.columns)
        if costs is not None:
            _fill_costs(costs, draft, entries, start, scope, outline.columns)
    if scope.mode != "tree":
        for number, entry in outline.shadowed:
            if scope.base < entry.layer <= scope.last:
                draft.size[number] += entry.size
                draft.wasted[number] += 0 if entry.names else entry.size
                if costs is not None and entry.size:
                    costs[number] += entry.compressed or 0
    for values in (draft.size, draft.gone, draft.wasted, draft.files):
        _sum_up(outline, values)
    totals = Totals(
        marks=draft.marks,
        kinds=draft.kinds,
        size=_packed(draft.size),
        gone=_packed(draft.gone),
        wasted=_packed(draft.wasted),
        files=_packed(draft.files),
        layer=draft.layer,
    )
    if costs is not None:
        _sum_up(outline, costs)
        totals.download = _packed(costs)
    return totals


@dataclass(slots=True, repr=False, eq=False)
class _Draft:
    """Totals before summing."""

    marks: bytearray
    kinds: bytearray
    size: list[int]
    gone: list[int]
    wasted: list[int]
    files: list[int]
    layer: array[int]
    linked: set[int]
    """The content whose bytes were assigned to a hard link."""


def _standing(outline: TreeOutline, start: int, last: int) -> list[Entry | int | None]:
    """What each node is after the layers up to `last`, for the nodes from `start` on; None if it doesn't exist.

    An entry that was never touched is left as its number, and may be of a later layer: making its object takes longer
    than all that is asked of it.
    """
    records = outline.columns.records
    standing: list[Entry | int | None] = []
    add = standing.append
    for node in outline.held[start : start + _STEP]:
        held = node if type(node) is int else node.held  # type: ignore[union-attr]
        if type(held) is int:
            entry = records[held]
            if entry is None:
                add(held)
                continue
        else:
            entry = held  # type: ignore[assignment]
        while entry is not None and entry.layer > last:
            entry = entry.previous
        add(entry)
    return standing


def _fill_tree(
    draft: _Draft,
    entries: list[Entry | int | None],
    start: int,
    scope: Scope,
    columns: JoinedColumns,
) -> None:
    """The filesystem after the last layer, with marks on what the layers above `base` changed."""
    base, last = scope.base, scope.last
    marks, kinds, layer = draft.marks, draft.kinds, draft.layer
    size, files = draft.size, draft.files
    for number, entry in enumerate(entries, start):
        if entry is None:
            continue
        if type(entry) is int:
            came = columns.layers[entry]
            if came <= last:
                marks[number] = SAME if came <= base else ADDED
                layer[number] = came
                kinds[number] = kind = columns.kinds[entry]
                files[number] = 0 if kind == DIRECTORY else 1
                if kind == FILE:
                    size[number] = columns.sizes[entry]
            continue
        assert isinstance(entry, Entry)
        came, ended = entry.layer, entry.ended
        if ended != VISIBLE and ended <= last:
            _fill_gone(draft, number, entry, scope)
            continue
        if came <= base:
            marks[number] = SAME
        elif entry.previous is None:
            marks[number] = ADDED
        else:
            marks[number] = _changed(entry, True, base)[0]
        layer[number] = came
        kind = entry.kind
        if kind == FILE:
            files[number] = 1
            size[number] = entry.size
            if not entry.names:
                draft.wasted[number] = entry.size
            continue
        kinds[number] = kind
        if kind != DIRECTORY:
            files[number] = 1
            if kind == HARDLINK and (bytes_ := _linked(entry, last, draft.linked)):
                size[number] = bytes_
                assert entry.content is not None
                draft.wasted[number] = 0 if entry.content.names else bytes_


def _fill_changes(
    draft: _Draft,
    entries: list[Entry | int | None],
    start: int,
    scope: Scope,
    columns: JoinedColumns,
) -> None:
    """What the view's layers changed relative to what was below them."""
    base, last = scope.base, scope.last
    for number, entry in enumerate(entries, start):
        if entry is None:
            continue
        if type(entry) is int:
            came = columns.layers[entry]
            if came <= last:
                draft.layer[number] = came
                draft.kinds[number] = kind = columns.kinds[entry]
                draft.marks[number] = SAME
                if came > base:
                    draft.marks[number] = ADDED
                    draft.size[number] = columns.sizes[entry]
                    draft.files[number] = 0 if kind == DIRECTORY else 1
            continue
        assert isinstance(entry, Entry)
        if entry.ended != VISIBLE and entry.ended <= last:
            _fill_gone(draft, number, entry, scope)
            continue
        mark = SAME
        if entry.layer > base:
            mark, draft.size[number], draft.wasted[number] = _changed(entry, True, base)
        draft.marks[number] = mark
        draft.layer[number] = entry.layer
        draft.kinds[number] = entry.kind
        if mark != SAME and entry.kind != DIRECTORY:
            draft.files[number] = 1


def _fill_costs(
    costs: list[int],
    draft: _Draft,
    entries: list[Entry | int | None],
    start: int,
    scope: Scope,
    columns: JoinedColumns,
) -> None:
    """The compressed bytes of what `size` counts."""
    for number, entry in enumerate(entries, start):
        if entry is None or not draft.size[number]:
            continue
        if type(entry) is int:
            costs[number] = columns.costs[entry]
            continue
        assert isinstance(entry, Entry)
        if scope.mode == "tree":
            content = entry if entry.size else entry.content
            costs[number] = 0 if content is None else content.compressed or 0
            continue
        version: Entry | None = entry
        while version is not None and version.layer > scope.base:
            if version.size:
                costs[number] += version.compressed or 0
            version = version.previous


def _fill_gone(draft: _Draft, number: int, entry: Entry, scope: Scope) -> None:
    """A path that doesn't exist after the last layer; it counts if it existed below the view or was added within it."""
    base, ended = scope.base, entry.ended
    mark, gone = REMOVED, entry.size
    if entry.layer > base:
        mark, stored, vain = _changed(entry, False, base)
        gone = _before(entry, base) if mark == REMOVED else 0
        if scope.mode != "tree":
            draft.size[number], draft.wasted[number] = stored, vain
    elif ended <= base:
        return
    draft.marks[number] = mark
    draft.kinds[number] = entry.kind
    draft.gone[number] = gone
    draft.layer[number] = ended if mark == REMOVED else entry.layer
    if scope.mode != "tree" and entry.kind != DIRECTORY:
        draft.files[number] = 1


def _packed(values: list[int]) -> Sequence[int]:
    """The values in the smallest integer type that fits the largest, which is the root's."""
    return array("I" if values[0] < 1 << 32 else "q", values)


def _sum_up(outline: TreeOutline, values: list[int]) -> None:
    """Add everything below a directory to it, for every directory."""
    if not any(values):
        return
    first, count = outline.first, outline.count
    for number in reversed(outline.directories):
        start = first[number]
        values[number] += sum(values[start : start + count[number]])


def _changed(after: Entry, alive: bool, base: int) -> tuple[int, int, int]:
    """The mark of a path in the view's layers, the bytes they store for it, and how many of those are wasted."""
    stored = vain = 0
    changed = False
    entry: Entry | None = after
    while entry is not None and entry.layer > base:
        if entry.size:
            stored += entry.size
            if not entry.names:
                vain += entry.size
        if entry.change != UNCHANGED:
            changed = True
        entry = entry.previous
    there = entry is not None and (entry.ended == VISIBLE or entry.ended > base)
    if there and alive:
        if changed:
            return MODIFIED, stored, vain
        return (REWRITTEN if stored else SAME), stored, vain
    if there:
        return REMOVED, stored, vain
    return (ADDED if alive else FLEETING), stored, vain


def _before(after: Entry, base: int) -> int:
    entry: Entry | None = after
    while entry is not None and entry.layer > base:
        entry = entry.previous
    return entry.size if entry is not None else 0


def _linked(entry: Entry, last: int, counted: set[int]) -> int:
    """Bytes that only a hard link still shows, because the name that stores them is gone."""
    content = entry.content
    if entry.kind != HARDLINK or content is None:
        return 0
    if content.kind != METADATA and (content.ended == VISIBLE or content.ended > last):
        return 0
    if id(content) in counted:
        return 0
    counted.add(id(content))
    return content.size


def entry_in(node: Node, scope: Scope) -> Entry | None:
    """What a row of the view shows: what exists after its layers, or else the last thing that did."""
    entry = node.latest
    while entry is not None and entry.layer > scope.last:
        entry = entry.previous
    return entry


def below(node: Node, entry: Entry) -> Entry | None:
    """What was at the path in the layers below the entry's."""
    return node.at_layer(entry.layer - 1)
