"""DuckDB over the tables of a fleet: one view for each table, read-only, and with no way out of the folder's files."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from layerscope.errors import FormatError
from layerscope.fleet.folder import read_head
from layerscope.fleet.known import open_part
from layerscope.fleet.tables import OF_IMAGE, SCHEMAS

if TYPE_CHECKING:
    import duckdb

    from layerscope.fleet.folder import Head

MEMORY: Final = "1200MB"
"""What DuckDB may keep in memory. More goes to temporary files."""
_DISK: Final = "50GB"


@contextmanager
def connected(path: str, *, memory: str = MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with a view for each table of the fleet in a folder.

    It reads the files of the tables and nothing else: no network, no extension, no other file, and no setting can be changed.
    Raises `ImageNotFound` for a folder without a fleet, and `FormatError` for tables that aren't those of a fleet.
    """
    import duckdb

    path = os.path.abspath(path)
    head = read_head(path)
    with tempfile.TemporaryDirectory(prefix="layerscope-fleet-") as spill:
        connection = duckdb.connect(":memory:")
        try:
            _prepare(connection, path, head, spill, memory)
            yield connection
        except duckdb.IOException as error:
            reason = " ".join(str(error).split())[:300]
            raise FormatError(
                f"{path} changed while it was read, or is damaged: {reason}",
                hint="try again when no scan writes it",
            ) from None
        finally:
            connection.close()


def _prepare(
    connection: duckdb.DuckDBPyConnection, path: str, head: Head, spill: str, memory: str
) -> None:
    for setting, value in (
        ("memory_limit", memory),
        ("temp_directory", spill),
        ("max_temp_directory_size", _DISK),
        ("autoinstall_known_extensions", "false"),
        ("autoload_known_extensions", "false"),
        ("preserve_insertion_order", "false"),
        ("enable_progress_bar", "false"),
    ):
        connection.execute(f"SET {setting}={text(value)}")
    for name in SCHEMAS:
        files = [os.path.join(path, part) for part in head.parts.get(name, ())]
        for part in head.parts.get(name, ()):
            open_part(path, part, name).close()
        connection.execute(f"CREATE VIEW {_stored(name)} AS {_rows(name, files)}")
    for statement in _views(head):
        connection.execute(statement)
    allowed = [os.path.join(path, part) for parts in head.parts.values() for part in parts]
    listed = ", ".join(map(text, allowed))
    connection.execute(f"SET allowed_paths=[{listed}]")
    connection.execute(f"SET allowed_directories=[{text(spill)}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")


def text(value: str) -> str:
    """A string literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def _stored(name: str) -> str:
    """The name of the view of all rows that were written, some of which an unfinished scan may have replaced."""
    return f"stored_{name}"


def _rows(name: str, files: list[str]) -> str:
    columns = ", ".join(f'"{field.name}"' for field in SCHEMAS[name])
    if files:
        listed = ", ".join(map(text, files))
        return f"SELECT {columns} FROM read_parquet([{listed}], union_by_name=true)"
    typed = ", ".join(
        f'NULL::{_sql_type(str(field.type))} AS "{field.name}"' for field in SCHEMAS[name]
    )
    return f"SELECT {typed} WHERE false"


def _sql_type(kind: str) -> str:
    if "uuid" in kind:
        return "UUID"
    for word, name in (
        ("string", "VARCHAR"),
        ("int64", "BIGINT"),
        ("int32", "INTEGER"),
        ("double", "DOUBLE"),
        ("bool", "BOOLEAN"),
    ):
        if word in kind:
            return name
    raise AssertionError(kind)


def _views(head: Head) -> Iterator[str]:
    """The tables as people see them. After a complete scan, the views only pass on what is stored."""
    last = " QUALIFY row_number() OVER (PARTITION BY reference ORDER BY scan DESC) = 1"
    yield f"CREATE VIEW images AS SELECT * FROM stored_images{'' if head.tidy else last}"
    named = " WHERE image IN (SELECT image FROM images)"
    for name in OF_IMAGE:
        yield f"CREATE VIEW {name} AS SELECT * FROM stored_{name}{'' if head.tidy else named}"
    for name in ("layers", "files", "packages", "failures"):
        yield f"CREATE VIEW {name} AS SELECT * FROM stored_{name}"
    summed = head.sums is not None or len(head.parts.get("contents", ())) < 2
    yield f"CREATE VIEW contents AS {'SELECT * FROM stored_contents' if summed else _SUMMED}"
    known = {} if head.sums is None else asdict(head.sums)
    values = ", ".join(f"{number:d} AS {name}" for name, number in known.items())
    yield f"CREATE VIEW content_sums AS {f'SELECT {values}' if values else SUMS}"
    for name, made in ROLLUPS.items():
        yield f"CREATE VIEW {name} AS {f'SELECT * FROM stored_{name}' if head.rolled else made}"


_SUMMED: Final = (
    "SELECT hash, size, sum(copies)::BIGINT AS copies, sum(layers)::BIGINT AS layers"
    " FROM stored_contents GROUP BY hash, size"
)
SUMS: Final = (
    "SELECT count(*) AS contents, count(*) FILTER (copies > 1) AS repeated, coalesce(sum(copies), 0)::BIGINT AS copies,"
    " coalesce(sum(size), 0)::BIGINT AS once, coalesce(sum(size * copies), 0)::BIGINT AS total FROM contents"
)
"""What `ContentSums` are, from the table `contents`."""
_MOST_REPEATED: Final = 10_000
ROLLUPS: Final = {
    "repeated": (
        "SELECT hash, any_value(t.size) AS size, any_value(t.copies) AS copies, any_value(t.layers) AS layers, min(f.path) AS path"
        " FROM (SELECT * FROM contents WHERE copies > 1 ORDER BY size * (copies - 1) DESC, hash"
        f" LIMIT {_MOST_REPEATED}) t JOIN files f USING (hash) GROUP BY hash"
    ),
    "versions": (
        "SELECT type, name, version, count(DISTINCT image) AS images FROM image_packages WHERE installed"
        " GROUP BY type, name, version"
    ),
}
"""How the tables that sum up others are made. A small fleet, or one that is being scanned, makes them when they are asked for."""
