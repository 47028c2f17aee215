"""Wasted content: which kind of waste it is, and which instructions are to blame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from layerscope.analysis.model import (
    CHANGED_FIELDS,
    WASTE_KINDS,
    ChangedField,
    WastedFile,
    WasteKind,
)
from layerscope.filesystem.entry import Entry
from layerscope.filesystem.loss import REMOVED, Loss
from layerscope.layers.entry import METADATA, MODIFIED
from layerscope.layers.window import fingerprint_at

if TYPE_CHECKING:
    from layerscope.layers.file_content import Indexes


def settle_rewrites(rewrites: Sequence[tuple[Entry, Entry]], indexes: Indexes) -> None:
    """For entries with equal headers and size, compare the contents to decide whether anything changed."""
    for before, entry in rewrites:
        old, new = before.content, entry.content
        if old is None or new is None or not same_content(old, new, indexes):
            entry.change = MODIFIED


def settle_waste(
    losses: Sequence[Loss], indexes: Indexes, owners: Sequence[int]
) -> tuple[WastedFile, ...]:
    """The wasted files, largest first. `owners` is the instruction of each layer."""
    rows = []
    for loss in losses:
        content = loss.content
        kind, changed = _kind(loss, indexes)
        rows.append(
            WastedFile(
                path=loss.node.path if content.kind == METADATA else content.path,
                kind=kind,
                bytes=content.size,
                layer=content.layer,
                wasted_in=loss.layer,
                written_by=owners[content.layer],
                wasted_by=owners[loss.layer],
                changed=changed,
                compressed=content.compressed,
            )
        )
    rows.sort(key=lambda row: (-row.bytes, row.path, row.layer, row.wasted_in))
    return tuple(rows)


def total_by_kind(waste: Sequence[WastedFile]) -> dict[WasteKind, int]:
    """The bytes of every kind of waste, 0 included."""
    totals: dict[WasteKind, int] = dict.fromkeys(WASTE_KINDS, 0)
    for row in waste:
        totals[row.kind] += row.bytes
    return totals


def _kind(loss: Loss, indexes: Indexes) -> tuple[WasteKind, tuple[ChangedField, ...]]:
    content = loss.content
    if content.layer == loss.layer:
        return "duplicate_entry", ()
    if loss.event == REMOVED:
        return "deleted", ()
    new = loss.successor.content if loss.successor is not None else None
    if new is None or not same_content(content, new, indexes):
        return "overwritten", ()
    changed = changed_metadata(content, new)
    return ("metadata_only" if changed else "identical_rewrite"), changed


def changed_metadata(before: Entry, after: Entry) -> tuple[ChangedField, ...]:
    """Which of mode, uid, gid, mtime (in whole seconds), and xattrs differ."""
    return tuple(name for name in CHANGED_FIELDS if getattr(before, name) != getattr(after, name))


def same_content(one: Entry, other: Entry, indexes: Indexes) -> bool:
    """Whether two entries store the same bytes. Compares sizes, then hashes, and reads content only if needed."""
    if one is other:
        return True
    if one.size != other.size:
        return False
    if _sparse_map(one) != _sparse_map(other):
        return False
    return _fingerprint(one, indexes) == _fingerprint(other, indexes)


def _sparse_map(entry: Entry) -> object:
    extra = entry.extra
    return (extra.logical_size, extra.extents) if extra is not None else (None, ())


def _fingerprint(entry: Entry, indexes: Indexes) -> bytes:
    mark = entry.fingerprint
    if mark is None:
        stored = indexes[entry.layer]
        assert stored is not None
        mark = entry.fingerprint = fingerprint_at(stored.blob, entry.data, entry.size)
    return mark
