"""The comparison document, which all renderers of a comparison show. Its schema is `schema/comparison-1.json`."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING

import layerscope
from layerscope.analysis.model import LayerSummary, sum_of
from layerscope.layers.entry import KIND_NAMES, SYMLINK
from layerscope.report.comparison.explained import advice_row, causes_rows
from layerscope.report.comparison.package_rows import packages_row
from layerscope.report.comparison.pairs import costed_pair, pair
from layerscope.report.comparison.secrets import findings_row
from layerscope.report.comparison.sentence import names, sentence
from layerscope.report.comparison.totals import duplicates_pair, origin_pairs
from layerscope.report.comparison.weight import compared_weight
from layerscope.report.document.defaults import SCHEMA_VERSION, TOP
from layerscope.report.paths import clean_text, escape_path, escape_text

if TYPE_CHECKING:
    from layerscope.analysis.comparison.compare import Comparison
    from layerscope.analysis.comparison.configuration import SettingRow as Setting
    from layerscope.analysis.comparison.files import (
        Directory,
        FileChange,
        FileComparison,
        KindTotal,
    )
    from layerscope.analysis.comparison.layers import Bytes, InstructionRow, LayerRow
    from layerscope.analysis.comparison.side import Side
    from layerscope.analysis.model import ChangedField, InstructionSummary, WasteKind
    from layerscope.filesystem.entry import Entry
    from layerscope.notes import Note
    from layerscope.report.comparison.rows import (
        CacheBreakRow,
        ChangedRow,
        ChangeRestRow,
        ChangeRow,
        ComparedFilesRow,
        ComparedInstructionRow,
        ComparedLayerRow,
        ComparedSizesRow,
        ComparedWasteRow,
        ComparisonDocument,
        CostedPairRow,
        DirectoryRow,
        EfficiencyRow,
        EntriesRow,
        ImageSizesRow,
        KindTotalRow,
        MaybePairRow,
        PercentRow,
        PulledRow,
        RemarkRow,
        SettingRow,
        SideRow,
    )
    from layerscope.report.document.rows import SizeName

_PERMISSIONS = 0o7777


def build(
    comparison: Comparison, *, top: int | None = TOP, depth: int | None = None
) -> ComparisonDocument:
    """What changes from A to B. The same images always give the same document.

    It lists the `top` largest differences of files and of packages (all of them for None) and sums up the rest in one
    more row. It lists the largest `top` directories, down to `depth`.
    """
    document = _document(comparison, top, depth)
    found = findings_row(comparison)
    if found is not None:
        document["findings"] = found
    return document


def _document(comparison: Comparison, top: int | None, depth: int | None) -> ComparisonDocument:
    a, b = comparison.a, comparison.b
    layers, files = comparison.layers, comparison.files
    name_a, name_b = names(comparison)
    return {
        "a": side_row(a, name_a),
        "advice": advice_row(comparison),
        "b": side_row(b, name_b),
        "causes": causes_rows(comparison),
        "cache_break": _cache_break(comparison),
        "changes": [] if files is None else _changes(files, top),
        "config": [_setting(row) for row in comparison.settings],
        "dead_weight": compared_weight(a, b),
        "different": comparison.differs,
        "directories": [] if files is None else _directories(files, top, depth),
        "duplicates": duplicates_pair(a, b),
        "efficiency": _efficiency(a, b),
        "entries": _all_entries(a, b),
        "files": None if files is None else _files(comparison, files, depth),
        "instructions": [_instruction(row, comparison) for row in layers.instructions],
        "kind": "comparison",
        "layers": [_layer(row, comparison) for row in layers.rows],
        "layerscope": layerscope.__version__,
        "notes": [_note(note, comparison) for note in comparison.notes],
        "origin": origin_pairs(a, b),
        "out_of_order": [
            {"a": i, "b": j, "diff_id": _text(a.layers[i].diff_id)} for i, j in layers.out_of_order
        ],
        "packages": None if comparison.packages is None else packages_row(comparison.packages, top),
        "schema_version": SCHEMA_VERSION,
        "sentence": clean_text(sentence(comparison)),
        "shared_layers": layers.shared,
        "sizes": _all_sizes(a, b),
        "transfer": {
            "chained": _bytes(layers.transfer.chained),
            "needed": _bytes(layers.transfer.needed),
        },
        "wasted_by_kind": _all_waste(a, b),
    }


def _all_sizes(a: Side, b: Side) -> ImageSizesRow:
    return {
        "compressed": _percent(a, b, "compressed"),
        "content": _percent(a, b, "content"),
        "live": _percent(a, b, "live"),
        "overhead": _percent(a, b, "overhead"),
        "tar": _percent(a, b, "tar"),
        "wasted": _percent(a, b, "wasted"),
    }


def _setting(row: Setting) -> SettingRow:
    return {
        "a": None if row.a is None else clean_text(row.a),
        "b": None if row.b is None else clean_text(row.b),
        "field": row.field,
        "known": row.known,
        "name": clean_text(row.name),
    }


def _all_entries(a: Side, b: Side) -> EntriesRow:
    return {
        "directories": pair(_entries(a, "directories"), _entries(b, "directories")),
        "hardlinks": pair(_entries(a, "hardlinks"), _entries(b, "hardlinks")),
        "others": pair(_entries(a, "others"), _entries(b, "others")),
        "regular": pair(_entries(a, "regular"), _entries(b, "regular")),
        "symlinks": pair(_entries(a, "symlinks"), _entries(b, "symlinks")),
        "whiteouts": pair(_entries(a, "whiteouts"), _entries(b, "whiteouts")),
    }


def _all_waste(a: Side, b: Side) -> ComparedWasteRow:
    return {
        "deleted": pair(_wasted(a, "deleted"), _wasted(b, "deleted")),
        "duplicate_entry": pair(_wasted(a, "duplicate_entry"), _wasted(b, "duplicate_entry")),
        "identical_rewrite": pair(_wasted(a, "identical_rewrite"), _wasted(b, "identical_rewrite")),
        "metadata_only": pair(_wasted(a, "metadata_only"), _wasted(b, "metadata_only")),
        "overwritten": pair(_wasted(a, "overwritten"), _wasted(b, "overwritten")),
    }


def _efficiency(a: Side, b: Side) -> EfficiencyRow:
    one, other = (None if each.head else each.sizes.efficiency for each in (a, b))
    return {"a": one, "b": other, "delta": None if one is None or other is None else other - one}


def _entries(side: Side, name: str) -> int | None:
    count: int | None = None if side.head else getattr(side.counts, name)
    return count


def _wasted(side: Side, kind: WasteKind) -> int | None:
    return None if side.head else side.wasted_by_kind.get(kind, 0)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def side_size(side: Side, name: SizeName) -> int | None:
    """A size of a whole image; unknown where no layer was read, unless it is `compressed`."""
    size: int | None = None if side.head and name != "compressed" else getattr(side.sizes, name)
    return size


def _percent(a: Side, b: Side, name: SizeName) -> PercentRow:
    one, other = side_size(a, name), side_size(b, name)
    percent = 100 * (other - one) / one if one and other is not None else None
    return {**pair(one, other), "percent": percent}


def side_row(side: Side, name: str) -> SideRow:
    """What a document says about one of the images it compares."""
    row: SideRow = {
        "config_digest": side.config_digest,
        "created": None if side.created is None else clean_text(side.created),
        "file_list": side.files is not None,
        "instructions": len(side.instructions),
        "layers": len(side.layers),
        "manifest_digest": side.manifest_digest,
        "name": clean_text(name),
        "platform": clean_text(str(side.platform)),
        "reference": clean_text(side.reference),
        "saved": side.saved,
        "source": side.source,
        "tags": [clean_text(tag) for tag in side.tags],
    }
    if side.head:
        row["head"] = True
    return row


def _sizes(
    a: LayerSummary | InstructionSummary | None,
    b: LayerSummary | InstructionSummary | None,
    comparison: Comparison,
) -> ComparedSizesRow:
    """Sizes side by side. A side without such a row counts as 0. If a size is unknown, so is the delta."""

    def both(name: SizeName) -> MaybePairRow:
        one, other = _size(a, name, comparison.a), _size(b, name, comparison.b)
        known = (a is None or one is not None) and (b is None or other is not None)
        return {"a": one, "b": other, "delta": (other or 0) - (one or 0) if known else None}

    return {
        "compressed": both("compressed"),
        "content": both("content"),
        "live": both("live"),
        "overhead": both("overhead"),
        "tar": both("tar"),
        "wasted": both("wasted"),
    }


def _size(summary: LayerSummary | InstructionSummary | None, name: str, side: Side) -> int | None:
    if summary is None:
        return None
    if name != "compressed" and not _is_read(summary, side):
        return None
    size: int | None = getattr(summary.sizes, name)
    return size


def _is_read(summary: LayerSummary | InstructionSummary, side: Side) -> bool:
    if isinstance(summary, LayerSummary):
        return summary.indexed
    return not side.head or not summary.instruction.layers


def _layer(row: LayerRow, comparison: Comparison) -> ComparedLayerRow:
    a, b = row.a, row.b
    return {
        "a": None if a is None else a.index,
        "b": None if b is None else b.index,
        "diff_id_a": None if a is None else _text(a.diff_id),
        "diff_id_b": None if b is None else _text(b.diff_id),
        "instruction_a": None if a is None else a.instruction,
        "instruction_b": None if b is None else b.instruction,
        "sizes": _sizes(a, b, comparison),
        "status": row.status,
    }


def _instruction(row: InstructionRow, comparison: Comparison) -> ComparedInstructionRow:
    a, b = row.a, row.b
    one = b if b is not None else a
    return {
        "a": None if a is None else a.instruction.index,
        "b": None if b is None else b.instruction.index,
        "keyword": "" if one is None else clean_text(one.instruction.keyword),
        "layers_a": [] if a is None else list(a.instruction.layers),
        "layers_b": [] if b is None else list(b.instruction.layers),
        "sizes": _sizes(a, b, comparison),
        "status": row.status,
        "text_a": _instruction_text(a, comparison.a),
        "text_b": _instruction_text(b, comparison.b),
    }


def _instruction_text(summary: InstructionSummary | None, side: Side) -> str | None:
    return None if summary is None else clean_text(side.shown_text(summary.instruction))


def _cache_break(comparison: Comparison) -> CacheBreakRow | None:
    found = comparison.layers.cache_break
    if found is None:
        return None
    return {
        "a": None if found.a is None else found.a.instruction.index,
        "b": None if found.b is None else found.b.instruction.index,
        "layers": list(found.layers),
        "reason": found.reason,
        "text_a": _instruction_text(found.a, comparison.a),
        "text_b": _instruction_text(found.b, comparison.b),
    }


def _bytes(weight: Bytes) -> PulledRow:
    return {
        "compressed": weight.compressed,
        "layers": list(weight.layers),
        "tar": weight.tar,
    }


def _files(comparison: Comparison, files: FileComparison, depth: int | None) -> ComparedFilesRow:
    root = files.root
    return {
        "depth": depth,
        "kinds": {
            "added": _kind(files.totals["added"]),
            "content": _kind(files.totals["content"]),
            "hardlink": _kind(files.totals["hardlink"]),
            "metadata": _kind(files.totals["metadata"]),
            "moved": _kind(files.totals["moved"]),
            "removed": _kind(files.totals["removed"]),
            "type": _kind(files.totals["type"]),
            "unknown": _kind(files.totals["unknown"]),
        },
        "only_times": files.only_times,
        "outside": costed_pair(files.outside_a, files.outside_b, *files.outside_compressed),
        "path": None if comparison.pattern is None else clean_text(comparison.pattern),
        "placed": _costed(root),
        "unplaced": costed_pair(files.unplaced_a, files.unplaced_b, *files.unplaced_compressed),
        "visible": {
            "a": root.a_files,
            "b": root.b_files,
            "delta": root.b_files - root.a_files,
        },
    }


def _kind(total: KindTotal) -> KindTotalRow:
    return {"count": total.count, **_costed(total)}


def _costed(row: Directory | KindTotal) -> CostedPairRow:
    return costed_pair(row.a_bytes, row.b_bytes, row.a_compressed, row.b_compressed)


def _changes(files: FileComparison, top: int | None) -> list[ChangeRow | ChangeRestRow]:
    """The largest differences first. All rows add up to the difference in bytes that have a path."""
    shown = _largest(files.changes, top)
    rows: list[ChangeRow | ChangeRestRow] = [_change(change) for change in shown]
    left = len(files.changes) - len(shown)
    if left:
        totals = files.totals.values()
        rest = costed_pair(
            sum(total.a_bytes for total in totals) - sum(c.a_bytes for c in shown),
            sum(total.b_bytes for total in totals) - sum(c.b_bytes for c in shown),
            _rest((each.a_compressed for each in totals), (each.a_compressed for each in shown)),
            _rest((each.b_compressed for each in totals), (each.b_compressed for each in shown)),
        )
        rows.append({**rest, "count": left, "kind": None, "path": None})
    return rows


def _rest(totals: Iterable[int | None], shown: Iterable[int | None]) -> int | None:
    whole, part = sum_of(totals), sum_of(shown)
    return None if whole is None or part is None else whole - part


def _largest(changes: Sequence[FileChange], top: int | None) -> list[FileChange]:
    """The `top` largest differences, largest first, then by path."""
    if top is None or top >= len(changes):
        return sorted(changes, key=_order)
    if not top:
        return []
    deltas = [abs(change.b_bytes - change.a_bytes) for change in changes]
    least = heapq.nlargest(top, deltas)[-1]
    found = [change for change, delta in zip(changes, deltas, strict=True) if delta > least]
    level = (change for change, delta in zip(changes, deltas, strict=True) if delta == least)
    found.sort(key=_order)
    return found + heapq.nsmallest(top - len(found), level, key=attrgetter("path"))


def _order(change: FileChange) -> tuple[int, bytes]:
    return -abs(change.delta), change.path


def _change(change: FileChange) -> ChangeRow:
    a, b = change.a, change.b
    row: ChangeRow = {
        "a": change.a_bytes,
        "b": change.b_bytes,
        "compressed": pair(change.a_compressed, change.b_compressed),
        "delta": change.b_bytes - change.a_bytes,
        "kind": change.kind,
        "path": escape_path(change.path),
        "type_a": None if a is None else KIND_NAMES[a.kind],
        "type_b": None if b is None else KIND_NAMES[b.kind],
    }
    if change.kind == "moved" and change.path_a is not None:
        row["from"] = escape_path(change.path_a)
    if a is not None and b is not None:
        if change.changed:
            row["changed"] = _changed(a, b, change.changed)
        if a.kind == SYMLINK == b.kind and a.link != b.link:
            row["linkname"] = [escape_text(a.link), escape_text(b.link)]
    return row


def _changed(a: Entry, b: Entry, fields: Sequence[ChangedField]) -> ChangedRow:
    row: ChangedRow = {}
    if "mode" in fields:
        row["mode"] = [a.mode & _PERMISSIONS, b.mode & _PERMISSIONS]
    if "uid" in fields:
        row["uid"] = [a.uid, b.uid]
    if "gid" in fields:
        row["gid"] = [a.gid, b.gid]
    if "mtime" in fields:
        row["mtime"] = [a.mtime, b.mtime]
    if "xattrs" in fields:
        row["xattrs"] = [[escape_text(key) for key, _ in each.xattrs] for each in (a, b)]
    return row


def _directories(files: FileComparison, top: int | None, depth: int | None) -> list[DirectoryRow]:
    """Every directory above a difference, or the largest of them with all their parents."""
    found = [
        each
        for each in files.directories
        if each.changes and (depth is None or each.depth <= depth)
    ]

    def order(directory: Directory) -> tuple[int, bytes]:
        return -abs(directory.delta), directory.path

    kept: dict[bytes, Directory] = {}
    for directory in found if top is None else heapq.nsmallest(top, found, key=order):
        above: Directory | None = directory
        while above is not None and above.path not in kept:
            kept[above.path] = above
            above = above.parent
    return [
        {
            **_costed(each),
            "changes": each.changes,
            "files_a": each.a_files,
            "files_b": each.b_files,
            "path": escape_path(each.path),
        }
        for each in sorted(kept.values(), key=order)
    ]


def _note(note: Note, comparison: Comparison) -> RemarkRow:
    message = comparison.b.masks.text(comparison.a.masks.text(note.message))
    return {"code": note.code, "message": clean_text(message)}
