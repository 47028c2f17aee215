"""The rows of one layer: itself, its files, and its contents by hash. Columns are made from columns, not file by file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from layerscope.fleet.tables import HASH, SCHEMAS, table_of
from layerscope.layers.entry import FILE, KIND_NAMES
from layerscope.layers.layer_index import MARK_BYTES, LayerIndex, values
from layerscope.report.paths import escape_path

if TYPE_CHECKING:
    from layerscope.cache.kept import Kept

_PLAIN: Final = re.compile(rb"[ -\[\]-~]*")
"""Text that `escape_path` leaves as it is."""
_HASH_BYTES: Final = 16
_NO_HASH: Final = bytes(_HASH_BYTES)


def layer_tables(kept: Kept, digest: str | None, diff_id: str) -> Mapping[str, pa.Table]:
    """The tables `layers`, `files`, and `contents` for one layer."""
    index = kept.index
    files = _files(index, diff_id)
    content = sum(
        size for size, kind in zip(values(index.sizes), index.kinds, strict=True) if kind == FILE
    )
    row = {
        "diff_id": diff_id,
        "digest": digest,
        "compressed": None if kept.compression == "none" else kept.size,
        "tar": index.tar_size,
        "content": content,
        "entries": len(index),
        "stored": kept.size,
        "compression": kept.compression,
        "files": index.kinds.count(FILE),
    }
    return {
        "layers": table_of("layers", [row]),
        "files": files,
        "contents": contents_of(files),
    }


def _files(index: LayerIndex, diff_id: str) -> pa.Table:
    count = len(index)
    names = pa.array(KIND_NAMES, pa.string())
    columns = [
        pa.DictionaryArray.from_arrays(
            _numbers(memoryview(bytes(count))).cast(pa.int32()), pa.array([diff_id], pa.string())
        ),
        _paths(index),
        pa.DictionaryArray.from_arrays(_numbers(memoryview(index.kinds)).cast(pa.int32()), names),
        _numbers(index.sizes).cast(pa.int64()),
        _hashes(index),
    ]
    return pa.table(columns, schema=SCHEMAS["files"])


def _paths(index: LayerIndex) -> pa.Array:
    """The absolute paths, escaped as in a report."""
    if len(index.paths) < 1 << 31 and _PLAIN.fullmatch(index.paths):
        ends = _numbers(index.ends).cast(pa.int32())
        offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
        bare = pa.Array.from_buffers(
            pa.string(), len(index), [None, offsets.buffers()[1], pa.py_buffer(index.paths)]
        )
        rooted = pc.starts_with(bare, "/")
        with_root = pc.binary_join_element_wise(pa.scalar("/"), bare, "")
        return pc.if_else(rooted, bare, with_root) if pc.any(rooted).as_py() else with_root
    return pa.array((escape_path(path) for path in index.each_path()), pa.string())


def _numbers(column: memoryview[int]) -> pa.Array:
    """A packed column as an array of the same width."""
    kinds = {"B": pa.uint8(), "H": pa.uint16(), "I": pa.uint32(), "q": pa.int64()}
    return pa.Array.from_buffers(
        kinds[column.format], len(column), [None, pa.py_buffer(column.tobytes())]
    )


def _hashes(index: LayerIndex) -> pa.Array:
    """The hash of each content, or null where there is none."""
    count = len(index)
    if not index.marks:
        return pa.nulls(count, HASH)
    stored = pa.Array.from_buffers(
        pa.binary(_HASH_BYTES), count, [None, pa.py_buffer(_short(index.marks))]
    )
    known = pc.not_equal(stored, pa.scalar(_NO_HASH, pa.binary(_HASH_BYTES)))
    is_file = pc.equal(_numbers(memoryview(index.kinds)), FILE)
    absent = pa.scalar(None, pa.binary(_HASH_BYTES))
    return pa.ExtensionArray.from_storage(HASH, pc.if_else(pc.and_(known, is_file), stored, absent))


def _short(marks: bytes) -> bytes:
    """The first 16 bytes of each content hash, copied by strides and not one by one."""
    words = memoryview(marks).cast("Q")
    step = MARK_BYTES // 8
    short = bytearray(len(marks) // MARK_BYTES * _HASH_BYTES)
    halves = memoryview(short).cast("Q")
    halves[0::2] = words[0::step]
    halves[1::2] = words[1::step]
    return bytes(short)


def contents_of(files: pa.Table) -> pa.Table:
    """The files of one layer summed up by hash."""
    hashes = files["hash"].combine_chunks()
    plain = pa.table({"hash": _storage(hashes), "size": files["size"]})
    plain = plain.filter(pc.and_(pc.is_valid(plain["hash"]), pc.greater(plain["size"], 0)))
    summed = plain.group_by(["hash", "size"]).aggregate([("hash", "count")]).combine_chunks()
    ones = pa.array([1], pa.int64()).take(pa.nulls(len(summed), pa.int64()).fill_null(0))
    return _contents(summed, "hash_count", ones)


def sum_contents(table: pa.Table) -> pa.Table:
    """Rows of `contents` with one row per hash, the repeated ones first. Copies and layers add up: no layer comes twice."""
    plain = pa.table(
        {
            "hash": _storage(table["hash"].combine_chunks()),
            **{name: table[name] for name in ("size", "copies", "layers")},
        }
    )
    summed = plain.group_by(["hash", "size"]).aggregate([("copies", "sum"), ("layers", "sum")])
    repeated = pc.greater(summed["copies_sum"], 1)
    halves = [summed.filter(repeated), summed.filter(pc.invert(repeated))]
    ordered = pa.concat_tables(halves).combine_chunks()
    return _contents(ordered, "copies_sum", ordered["layers_sum"])


def _contents(table: pa.Table, copies: str, layers: pa.Array) -> pa.Table:
    hashes = pa.ExtensionArray.from_storage(HASH, _whole(table["hash"]))
    return pa.table([hashes, table["size"], table[copies], layers], schema=SCHEMAS["contents"])


def _storage(hashes: pa.Array) -> pa.Array:
    """The hashes as plain bytes, which can be grouped and sorted."""
    return _whole(hashes).storage


def _whole(column: pa.Array) -> pa.Array:
    """A column in one piece."""
    if not isinstance(column, pa.ChunkedArray):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    combined = column.combine_chunks()
    return combined.chunk(0) if isinstance(combined, pa.ChunkedArray) else combined
