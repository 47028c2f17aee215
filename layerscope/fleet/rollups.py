"""Tables that sum up others: what would take seconds to add up for each report of a large fleet."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

import duckdb
import pyarrow as pa

from layerscope.errors import OutputError
from layerscope.fleet.database import ROLLUPS, connected
from layerscope.fleet.known import open_part
from layerscope.fleet.tables import HASH, SCHEMAS
from layerscope.fleet.writer import Writer

if TYPE_CHECKING:
    from layerscope.fleet.folder import FleetFolder

ROWS: Final = 1_000_000
"""Files, or packages of images, from which on it's worth it. A smaller fleet is summed up for each report."""


def roll_up(folder: FleetFolder) -> None:
    """Write these tables if they aren't up to date and the fleet is large. Raises `OutputError`."""
    if folder.head.rolled or max(_rows(folder, "files"), _rows(folder, "image_packages")) < ROWS:
        return
    writer = Writer(folder)
    parts: dict[str, tuple[str, ...]] = {}
    with connected(folder.path) as connection:
        for name in ROLLUPS:
            try:
                found = connection.sql(f"SELECT * FROM {name}").to_arrow_table()
            except duckdb.OutOfMemoryException as error:
                reason = " ".join(str(error).split())[:200]
                raise OutputError(
                    f"{folder.path}: the table {name} can't be summed up: {reason}",
                    hint="free some space",
                ) from None
            parts[name] = (writer.write(name, _table(name, found)),)
    folder.commit(parts, complete=folder.head.complete, rolled=True)


def _table(name: str, found: pa.Table) -> pa.Table:
    """What DuckDB found, with the columns that are stored. It returns a hash as text."""
    columns = []
    for field in SCHEMAS[name]:
        column = found[field.name].combine_chunks()
        if field.type == HASH:
            hashes = pa.array((uuid.UUID(text).bytes for text in column.to_pylist()), pa.binary(16))
            columns.append(pa.ExtensionArray.from_storage(HASH, hashes))
        else:
            columns.append(column.cast(field.type))
    return pa.table(columns, schema=SCHEMAS[name])


def _rows(folder: FleetFolder, name: str) -> int:
    rows = 0
    for part in folder.head.parts.get(name, ()):
        with open_part(folder.path, part, name) as file:
            rows += file.metadata.num_rows
    return rows
