"""The tables of a fleet: their columns, and the version of these columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

if TYPE_CHECKING:
    Row = Mapping[str, Any]

SCHEMA_VERSION: Final = 1
"""Increases when a column changes its name, type, or meaning. A new column at the end doesn't change it."""

_TEXT: Final = pa.string()
_WORD: Final = pa.dictionary(pa.int32(), pa.string())
"""Text with few values, which Parquet stores once each."""
_BYTES: Final = pa.int64()
_COUNT: Final = pa.int64()
_PLACE: Final = pa.int32()
HASH: Final = pa.uuid()
"""The first 16 bytes of the SHA-256 of a content: enough to tell contents apart, at half the size."""
_SIZES: Final = (
    ("compressed", _BYTES),
    ("tar", _BYTES),
    ("content", _BYTES),
    ("overhead", _BYTES),
    ("live", _BYTES),
    ("wasted", _BYTES),
)

SCHEMAS: Final[Mapping[str, pa.Schema]] = {
    "images": pa.schema(
        [
            ("reference", _TEXT),
            ("digest", _TEXT),
            ("platform", _WORD),
            ("created", _TEXT),
            ("base", _TEXT),
            *_SIZES,
            ("efficiency", pa.float64()),
            ("base_layers", _PLACE),
            ("layers", _PLACE),
            ("registry", _WORD),
            ("repository", _WORD),
            ("source", _WORD),
            ("config_digest", _TEXT),
            ("image", _TEXT),
            ("target", _WORD),
            ("root", _TEXT),
            ("scan", _PLACE),
        ]
    ),
    "image_layers": pa.schema(
        [
            ("image", _WORD),
            ("index", _PLACE),
            ("diff_id", _TEXT),
            ("digest", _TEXT),
            ("instruction", _PLACE),
            ("chain", _TEXT),
            ("media_type", _WORD),
            ("stored", _BYTES),
            ("compressed", _BYTES),
            ("content", _BYTES),
            ("live", _BYTES),
            ("wasted", _BYTES),
        ]
    ),
    "layers": pa.schema(
        [
            ("diff_id", _TEXT),
            ("digest", _TEXT),
            ("compressed", _BYTES),
            ("tar", _BYTES),
            ("content", _BYTES),
            ("entries", _COUNT),
            ("stored", _BYTES),
            ("compression", _WORD),
            ("files", _COUNT),
        ]
    ),
    "files": pa.schema(
        [("diff_id", _WORD), ("path", _TEXT), ("type", _WORD), ("size", _BYTES), ("hash", HASH)]
    ),
    "contents": pa.schema(
        [("hash", HASH), ("size", _BYTES), ("copies", _COUNT), ("layers", _COUNT)]
    ),
    "packages": pa.schema(
        [
            ("diff_id", _WORD),
            ("type", _WORD),
            ("name", _WORD),
            ("version", _WORD),
            ("content", _BYTES),
            ("files", _COUNT),
        ]
    ),
    "image_packages": pa.schema(
        [
            ("image", _WORD),
            ("diff_id", _WORD),
            ("type", _WORD),
            ("name", _WORD),
            ("version", _WORD),
            ("content", _BYTES),
            ("live", _BYTES),
            ("wasted", _BYTES),
            ("files", _COUNT),
            ("installed", pa.bool_()),
            ("purl", _WORD),
            ("path", _TEXT),
        ]
    ),
    "instructions": pa.schema(
        [
            ("image", _WORD),
            ("index", _PLACE),
            ("keyword", _WORD),
            ("text", _TEXT),
            ("empty", pa.bool_()),
            *_SIZES,
        ]
    ),
    "waste": pa.schema(
        [
            ("image", _WORD),
            ("kind", _WORD),
            ("written_by", _PLACE),
            ("wasted_by", _PLACE),
            ("bytes", _BYTES),
            ("compressed", _BYTES),
            ("files", _COUNT),
        ]
    ),
    "advice": pa.schema(
        [
            ("image", _WORD),
            ("rule", _WORD),
            ("bytes", _BYTES),
            ("compressed", _BYTES),
            ("files", _COUNT),
            ("message", _TEXT),
            ("instruction", _PLACE),
            ("diff_id", _TEXT),
        ]
    ),
    "repeated": pa.schema(
        [("hash", HASH), ("size", _BYTES), ("copies", _COUNT), ("layers", _COUNT), ("path", _TEXT)]
    ),
    "versions": pa.schema(
        [("type", _WORD), ("name", _WORD), ("version", _WORD), ("images", _COUNT)]
    ),
    "failures": pa.schema(
        [
            ("reference", _TEXT),
            ("digest", _TEXT),
            ("stage", _WORD),
            ("kind", _WORD),
            ("message", _TEXT),
            ("target", _WORD),
        ]
    ),
}
"""The columns of each table, in order. The first ones are a contract; see `docs/fleet.md`."""

OF_IMAGE: Final = (
    "image_layers",
    "image_packages",
    "instructions",
    "waste",
    "advice",
)
"""Tables whose rows belong to one image each, by its column `image`."""


def table_of(name: str, rows: Iterable[Row]) -> pa.Table:
    """Rows as a table with the columns of `name`."""
    return pa.Table.from_pylist(list(rows), schema=SCHEMAS[name])


def empty(name: str) -> pa.Table:
    """The table without a row."""
    return SCHEMAS[name].empty_table()


def same_columns(found: pa.Schema, name: str) -> bool:
    """Whether a file has the columns that the table needs, in whatever encoding. It may have more."""
    wanted = SCHEMAS[name]
    types = {field.name: _plain(field.type) for field in found}
    return all(types.get(field.name) == _plain(field.type) for field in wanted)


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return kind.value_type
    return kind.storage_type if kind == HASH else kind
