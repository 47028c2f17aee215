"""What a tree shows: one layer's changes, the filesystem after a layer, or the changes of a range of layers."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from layerscope.errors import Cancelled
from layerscope.layers.entry import DIRECTORY, FILE, HARDLINK, METADATA, UNCHANGED, VISIBLE, Entry

if TYPE_CHECKING:
    from layerscope.filesystem.node import Node
    from layerscope.tui.outline import TreeOutline

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
"""Stored again with nothing changed."""

MARKS: Final = "  +~-x="
MARK_WORDS: Final = ("absent", "unchanged", "added", "modified", "removed", "fleeting", "rewritten")
_STEP = 1 << 16


@dataclass(frozen=True, slots=True)
class Scope:
    """The layers `first` to `last`, and whether all of the filesystem is shown or only what they change."""

    mode: Mode
    first: int
    last: int

    @property
    def base(self) -> int:
        """The layer below, against which changes are told; -1 for none."""
        return self.first - 1


class Totals:
    """One view of an outline, by number; directories carry the sums of their subtrees.

    `size` is what the layers of the view store, in the view of a filesystem what it holds; `gone` the bytes of removed
    files; `wasted` how much of `size` the image has in vain; `files` counts what is no directory and changed (or, in
    a filesystem, is there); `layer` is where the state of a path comes from; `kinds` are those
    of entries.
    """

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

    def weight(self, number: int) -> int:
        """By what a row is sorted and its bar drawn: what is there, else what went."""
        return self.size[number] or self.gone[number]


def measure(
    outline: TreeOutline, scope: Scope, cancelled: Callable[[], bool] | None = None
) -> Totals:
    """Walk once over all names and sum up; raises `Cancelled`."""
    count = len(outline)
    marks = bytearray(count)
    kinds = bytearray(count)
    size = [0] * count
    gone = [0] * count
    wasted = [0] * count
    files = [0] * count
    layer = array("h", bytes(2 * count))
    base, last = scope.base, scope.last
    whole = scope.mode == "tree"
    linked: set[int] = set()
    for number, node in enumerate(outline.nodes):
        if not number % _STEP and cancelled is not None and cancelled():
            raise Cancelled("cancelled")
        after = node.latest
        while after is not None and after.layer > last:
            after = after.previous
        if after is None:
            continue
        ended = after.ended
        alive = ended == VISIBLE or ended > last
        if whole and alive and after.previous is None:
            mark = ADDED if after.layer > base else SAME
        elif after.layer <= base:
            if alive:
                mark = SAME
            elif ended > base:
                mark = REMOVED
                gone[number], layer[number] = after.size, ended
            else:
                continue
        else:
            mark, stored, vain = _changed(after, alive, base)
            if not whole:
                size[number], wasted[number] = stored, vain
            if mark == REMOVED:
                gone[number] = _before(after, base)
        marks[number] = mark
        if mark != REMOVED:
            layer[number] = after.layer
        elif not layer[number]:
            layer[number] = ended
        kinds[number] = after.kind
        if after.kind == DIRECTORY:
            continue
        if whole:
            if alive:
                files[number] = 1
                bytes_ = after.size if after.kind == FILE else _linked(after, last, linked)
                if bytes_:
                    size[number] = bytes_
                    content = after.content
                    if content is not None and not content.names:
                        wasted[number] = bytes_
        elif mark != SAME:
            files[number] = 1
    for number, entry in () if whole else outline.shadowed:
        if base < entry.layer <= last:
            size[number] += entry.size
            wasted[number] += 0 if entry.names else entry.size
    for values in (size, gone, wasted, files):
        _sum_up(outline, values)
    return Totals(
        marks=marks,
        kinds=kinds,
        size=_packed(size),
        gone=_packed(gone),
        wasted=_packed(wasted),
        files=_packed(files),
        layer=layer,
    )


def _packed(values: list[int]) -> Sequence[int]:
    """The values in as few bytes as the largest, which is the root's, lets them have."""
    return array("I" if values[0] < 1 << 32 else "q", values)


def _sum_up(outline: TreeOutline, values: list[int]) -> None:
    """Add to every directory what is below it."""
    if not any(values):
        return
    first, count = outline.first, outline.count
    for number in reversed(outline.directories):
        start = first[number]
        values[number] += sum(values[start : start + count[number]])


def _changed(after: Entry, alive: bool, base: int) -> tuple[int, int, int]:
    """The mark of a path that the view's layers hold, the bytes they store for it, and those of them in vain."""
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
    """Bytes that a hard link is the only one to show, since the name that stores them is not there any more."""
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
    """What a row of the view stands for: what is there after its layers, else the last that was."""
    entry = node.latest
    while entry is not None and entry.layer > scope.last:
        entry = entry.previous
    return entry


def below(node: Node, entry: Entry) -> Entry | None:
    """What stood at the path in the layers below the entry's."""
    return node.at_layer(entry.layer - 1)
