"""`contents` with one row per hash, made from the sums of each layer or from the files, and what it sums up to."""

from __future__ import annotations

import os
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pyarrow.compute as pc

from layerscope.errors import OutputError
from layerscope.fleet.database import MEMORY, SUMS, text
from layerscope.fleet.folder import ContentSums
from layerscope.fleet.known import open_part
from layerscope.fleet.writer import ROW_GROUP

if TYPE_CHECKING:
    import duckdb

    from layerscope.fleet.folder import FleetFolder

BUCKET_ROWS: Final = 4_000_000
"""Rows that are summed up at once."""
_COLUMNS: Final = {
    True: "count(*) AS copies, count(DISTINCT diff_id) AS layers",
    False: "sum(copies)::BIGINT AS copies, sum(layers)::BIGINT AS layers",
}


def sum_up(
    folder: FleetFolder, parts: Sequence[str], *, of_files: bool
) -> tuple[tuple[str, ...], ContentSums]:
    """New files of `contents`, a range of hashes that fits into memory each. Raises `OutputError`.

    Repeated contents are first in each file, so that a question about them skips all others by the statistics of Parquet.
    """
    import duckdb

    if len(parts) < 2 and not of_files:
        return tuple(parts), _sums_of(folder, parts)
    done: list[str] = []
    with tempfile.TemporaryDirectory(prefix="layerscope-fleet-") as spill:
        connection = duckdb.connect(":memory:")
        try:
            for setting, value in (("memory_limit", MEMORY), ("temp_directory", spill)):
                connection.execute(f"SET {setting}={text(value)}")
            given = _read(folder, parts)
            total = _row(connection, f"SELECT count(*) FROM {given}")[0]
            for low, high in _ranges(max(1, -(-total // BUCKET_ROWS))):
                part = folder.new_part("contents")
                done.append(part)
                below = "" if high is None else f" AND hash < '{high}'::UUID"
                connection.execute(
                    f"COPY (FROM (SELECT hash, size, {_COLUMNS[of_files]} FROM {given}"
                    f" WHERE size > 0 AND hash >= '{low}'::UUID{below} GROUP BY hash, size)"
                    f" ORDER BY copies = 1, hash) TO {text(folder.full(part))}"
                    f" (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
                )
            connection.execute(f"CREATE VIEW contents AS SELECT * FROM {_read(folder, done)}")
            contents, repeated, copies, once, size = _row(connection, SUMS)
        except (duckdb.IOException, duckdb.OutOfMemoryException) as error:
            for part in done:
                with suppress(OSError):
                    os.unlink(folder.full(part))
            reason = " ".join(str(error).split())[:200]
            raise OutputError(
                f"{folder.path}: the contents can't be summed up: {reason}", hint="free some space"
            ) from None
        finally:
            connection.close()
    return tuple(done), ContentSums(
        contents=contents, repeated=repeated, copies=copies, once=once, total=size
    )


def _sums_of(folder: FleetFolder, parts: Sequence[str]) -> ContentSums:
    """The sums of one file, which `Writer` wrote with one row per hash already."""
    if not parts:
        return ContentSums(contents=0, repeated=0, copies=0, once=0, total=0)
    with open_part(folder.path, parts[0], "contents") as file:
        table = file.read(["size", "copies"])
    sizes, copies = table["size"], table["copies"]
    return ContentSums(
        contents=table.num_rows,
        repeated=pc.sum(pc.greater(copies, 1)).as_py() or 0,
        copies=pc.sum(copies).as_py() or 0,
        once=pc.sum(sizes).as_py() or 0,
        total=pc.sum(pc.multiply(sizes, copies)).as_py() or 0,
    )


def _read(folder: FleetFolder, parts: Sequence[str]) -> str:
    return f"read_parquet([{', '.join(text(folder.full(part)) for part in parts)}])"


def _row(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    row: tuple[int, ...] = connection.execute(sql).fetchall()[0]
    return row


def _ranges(count: int) -> Iterator[tuple[str, str | None]]:
    """`count` ranges of hashes of equal length, each with its first hash and the first one after it."""
    whole = 1 << 128
    for number in range(count):
        low = uuid.UUID(int=whole * number // count)
        high = None if number == count - 1 else str(uuid.UUID(int=whole * (number + 1) // count))
        yield str(low), high
