"""Writes rows to a fleet's folder as Parquet: gathered in memory, then a file per table, then one commit for all of them.

A thread encodes and compresses the files, so that a scan hands out jobs meanwhile.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from layerscope.errors import OutputError
from layerscope.fleet.layer_rows import sum_contents
from layerscope.fleet.tables import SCHEMAS

if TYPE_CHECKING:
    from layerscope.fleet.folder import FleetFolder

ROWS: Final = 2_000_000
"""Rows of all tables that are gathered before they are written. As many more may be on their way."""
SECONDS: Final = 60.0
"""The longest time that rows wait, so that a killed scan loses little work."""
ROW_GROUP: Final = 500_000
LEVEL: Final = 3
DICTIONARY: Final = {
    name: [field.name for field in schema if pa.types.is_dictionary(field.type)]
    for name, schema in SCHEMAS.items()
}


class Writer:
    """Gathers the rows of a scan. `commit` makes all of them part of the fleet, or none."""

    def __init__(self, folder: FleetFolder, *, rows: int = ROWS, seconds: float = SECONDS) -> None:
        self._folder = folder
        self._rows = rows
        self._seconds = seconds
        self._waiting: dict[str, list[pa.Table]] = {}
        self._count = 0
        self._since = time.monotonic()
        self._thread = ThreadPoolExecutor(1, "layerscope-writer")
        self._writing: Future[dict[str, str]] | None = None
        self._written: dict[str, list[str]] = {}
        """Files that are complete and not yet committed."""

    def add(self, rows: Mapping[str, pa.Table]) -> None:
        """Add rows to several tables. They are committed together."""
        for name, table in rows.items():
            if table.num_rows:
                self._waiting.setdefault(name, []).append(table)
                self._count += table.num_rows

    def is_due(self) -> bool:
        """Whether enough rows wait, or have waited long enough."""
        if not self._count:
            return False
        return self._count >= self._rows or time.monotonic() - self._since >= self._seconds

    def flush(self) -> None:
        """Begin to write what waits. Before that, wait for what is being written. Raises `OutputError`."""
        self._settle()
        if self._count:
            self._writing = self._thread.submit(self._write_all, self._waiting)
        self._waiting = {}
        self._count = 0
        self._since = time.monotonic()

    def has_written(self) -> bool:
        """Whether files can be committed without waiting."""
        return self._writing is not None and self._writing.done()

    def _settle(self) -> None:
        """Wait for what is being written. If that failed, it fails each time: what came later may need those rows."""
        if self._writing is not None:
            for name, part in self._writing.result().items():
                self._written.setdefault(name, []).append(part)
            self._writing = None

    def commit(
        self,
        *,
        replacing: Mapping[str, pa.Table] | None = None,
        scan: int | None = None,
        complete: bool = False,
    ) -> None:
        """Write what waits, and make it part of the fleet.

        The tables in `replacing` get these rows instead of all that they had. Raises `OutputError`.
        """
        self.flush()
        self.commit_written(replacing=replacing, scan=scan, complete=complete)

    def commit_written(
        self,
        *,
        replacing: Mapping[str, pa.Table] | None = None,
        scan: int | None = None,
        complete: bool = False,
    ) -> None:
        """Do so with what has been flushed alone."""
        self._settle()
        parts: dict[str, tuple[str, ...]] = {}
        for name, table in (replacing or {}).items():
            parts[name] = (self.write(name, table),) if table.num_rows else ()
        for name, written in self._written.items():
            parts[name] = (*self._folder.head.parts.get(name, ()), *written)
        self._folder.commit(parts, scan=scan, complete=complete)
        self._written = {}

    def _write_all(self, waiting: Mapping[str, list[pa.Table]]) -> dict[str, str]:
        written: dict[str, str] = {}
        try:
            for name, tables in waiting.items():
                table = pa.concat_tables(tables).unify_dictionaries()
                if name == "contents":
                    table = sum_contents(table)
                written[name] = self.write(name, table)
        except BaseException:
            for part in written.values():
                with suppress(OSError):
                    os.unlink(self._folder.full(part))
            raise
        return written

    def write(self, name: str, table: pa.Table) -> str:
        """Write a file for a table, not yet committed; returns its name."""
        part = self._folder.new_part(name)
        path = self._folder.full(part)
        try:
            write_parquet(table, name, path)
        except (OSError, pa.ArrowException) as error:
            with suppress(OSError):
                os.unlink(path)
            raise OutputError(
                f"{path} cannot be written: {error}", hint="free some space"
            ) from None
        return part


def write_parquet(table: pa.Table, name: str, path: str) -> None:
    """Write a file the way all files of a fleet are written."""
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=LEVEL,
        row_group_size=ROW_GROUP,
        use_dictionary=DICTIONARY[name],
        write_statistics=True,
    )
