"""Puts a fleet's tables in order after a scan: few and large files, no rows of images that are gone, contents by hash."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from layerscope.fleet.content_sums import sum_up
from layerscope.fleet.index_store import IndexStore, layer_key
from layerscope.fleet.known import open_part
from layerscope.fleet.tables import OF_IMAGE, SCHEMAS, table_of
from layerscope.fleet.writer import ROW_GROUP, Writer

if TYPE_CHECKING:
    from layerscope.fleet.folder import FleetFolder

MOST_PARTS: Final = 8
"""Small files that a table may have before they are merged."""
PART_ROWS: Final = 16_000_000
"""Rows of a file after merging."""
_BATCH: Final = 262_144

Keep = Callable[[pa.Table], pa.Table]


def compact(folder: FleetFolder, gone: Collection[str] = ()) -> None:
    """Merge files, and drop the names in `gone` with everything that no other image needs. Raises `OutputError`."""
    parts: dict[str, tuple[str, ...]] = {}
    images, kept = _images(folder, frozenset(gone))
    if images is not None:
        writer = Writer(folder)
        parts["images"] = (writer.write("images", images),) if images.num_rows else ()
    lost = _lost(folder, kept)
    keeps_image = _keeping("image", kept)
    for name in OF_IMAGE:
        if lost.images or _is_scattered(folder, name):
            parts[name] = _merged(folder, name, keeps_image if lost.images else None)
    keeps_layer = _dropping("diff_id", lost.diff_ids)
    for name in ("layers", "files", "packages"):
        if lost.diff_ids or _is_scattered(folder, name):
            parts[name] = _merged(folder, name, keeps_layer if lost.diff_ids else None)
    sums = None
    if lost.diff_ids:
        parts["contents"], sums = sum_up(folder, parts["files"], of_files=True)
    elif folder.head.sums is None:
        stored = folder.head.parts.get("contents", ())
        parts["contents"], sums = sum_up(folder, stored, of_files=False)
    if parts or not folder.head.tidy:
        folder.commit(parts, complete=folder.head.complete, sums=sums, tidy=True)
    store = IndexStore(folder.path)
    for digest, diff_id in lost.blobs:
        store.remove(layer_key(digest, diff_id))


class _Lost:
    """What no image needs any more."""

    def __init__(self) -> None:
        self.images = False
        self.diff_ids: set[str] = set()
        self.blobs: set[tuple[str | None, str]] = set()


def _images(folder: FleetFolder, gone: frozenset[str]) -> tuple[pa.Table | None, set[str]]:
    """The rows of `images`, the last one of each name, if that isn't what is stored; and the images they are of."""
    found: dict[str, dict[str, Any]] = {}
    count = 0
    for batch in _batches(folder, "images"):
        for row in batch.to_pylist():
            count += 1
            before = found.get(row["reference"])
            if before is None or before["scan"] <= row["scan"]:
                found[row["reference"]] = row
    kept = {reference: row for reference, row in found.items() if reference not in gone}
    names = {str(row["image"]) for row in kept.values()}
    if len(kept) == count and len(folder.head.parts.get("images", ())) <= 1:
        return None, names
    return table_of("images", (kept[reference] for reference in sorted(kept))), names


def _lost(folder: FleetFolder, kept: set[str]) -> _Lost:
    lost = _Lost()
    needed: set[str] = set()
    blobs: set[tuple[str | None, str]] = set()
    for batch in _batches(folder, "image_layers", ["image", "diff_id", "digest"]):
        for row in batch.to_pylist():
            if row["image"] not in kept:
                lost.images = True
            elif row["diff_id"] is not None:
                needed.add(row["diff_id"])
                blobs.add((row["digest"], row["diff_id"]))
    if not lost.images:
        return lost  # a layer of an image that failed stays, for the next scan
    for batch in _batches(folder, "layers", ["digest", "diff_id"]):
        for row in batch.to_pylist():
            if row["diff_id"] not in needed:
                lost.diff_ids.add(row["diff_id"])
                lost.blobs.add((row["digest"], row["diff_id"]))
    return lost


def _keeping(column: str, values: Collection[str]) -> Keep:
    wanted = pa.array(sorted(values), pa.string())
    return lambda table: table.filter(pc.is_in(table[column].cast(pa.string()), wanted))


def _dropping(column: str, values: Collection[str]) -> Keep:
    unwanted = pa.array(sorted(values), pa.string())
    return lambda table: table.filter(
        pc.invert(pc.is_in(table[column].cast(pa.string()), unwanted))
    )


def _is_scattered(folder: FleetFolder, name: str) -> bool:
    return len(folder.head.parts.get(name, ())) > MOST_PARTS + _full_parts(folder, name)


def _full_parts(folder: FleetFolder, name: str) -> int:
    """How many files of a table are as large as they get."""
    full = 0
    for part in folder.head.parts.get(name, ()):
        with open_part(folder.path, part, name) as file:
            full += file.metadata.num_rows >= PART_ROWS // 2
    return full


def _batches(
    folder: FleetFolder, name: str, columns: list[str] | None = None
) -> Iterator[pa.RecordBatch]:
    for part in folder.head.parts.get(name, ()):
        with open_part(folder.path, part, name) as file:
            yield from file.iter_batches(batch_size=_BATCH, columns=columns)


def _merged(folder: FleetFolder, name: str, keep: Keep | None) -> tuple[str, ...]:
    """The table in few files, in the order it has. Large files that lose nothing are left alone."""
    done: list[str] = []
    with ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        rows = 0
        for part in folder.head.parts.get(name, ()):
            with open_part(folder.path, part, name) as file:
                if keep is None and file.metadata.num_rows >= PART_ROWS // 2:
                    done.append(part)
                    continue
                for batch in file.iter_batches(batch_size=ROW_GROUP):
                    table = pa.table(batch).select(SCHEMAS[name].names).cast(SCHEMAS[name])
                    table = table if keep is None else keep(table)
                    if not table.num_rows:
                        continue
                    if writer is None or rows >= PART_ROWS:
                        stack.close()
                        new = folder.new_part(name)
                        done.append(new)
                        writer = stack.enter_context(_writer(folder.full(new), name))
                        rows = 0
                    writer.write_table(table.unify_dictionaries(), row_group_size=ROW_GROUP)
                    rows += table.num_rows
    return tuple(done)


def _writer(path: str, name: str) -> pq.ParquetWriter:
    from layerscope.fleet.writer import DICTIONARY, LEVEL

    return pq.ParquetWriter(
        path,
        SCHEMAS[name],
        compression="zstd",
        compression_level=LEVEL,
        use_dictionary=DICTIONARY[name],
    )
