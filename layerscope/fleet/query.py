"""SQL over the tables of a fleet, and its rows as text, JSON, or CSV."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TextIO
from uuid import UUID

from layerscope.errors import UsageError
from layerscope.report.escape import cell_width, escape, fit_start, guard_line, pad

if TYPE_CHECKING:
    import duckdb

MOST_ROWS: Final = 1000
"""The rows of a text table. JSON and CSV have them all."""
_BATCH: Final = 10_000
_WIDEST: Final = 100


class Answer:
    """The rows of a statement, with the names of its columns. They are fetched when they're needed."""

    def __init__(self, result: duckdb.DuckDBPyConnection) -> None:
        self.columns = tuple(str(row[0]) for row in result.description or ())
        self._result = result

    def __iter__(self) -> Iterator[Sequence[Any]]:
        while rows := self._result.fetchmany(_BATCH):
            yield from rows


def ask(connection: duckdb.DuckDBPyConnection, sql: str) -> Answer:
    """Run one SELECT. Raises `UsageError` for anything else, and for SQL that DuckDB refuses."""
    import duckdb

    try:
        statements = connection.extract_statements(sql)
        allowed = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
        if len(statements) != 1 or statements[0].type not in allowed:
            raise UsageError(
                "a query is one SELECT statement",
                hint='write something like "SELECT count(*) FROM images"',
            )
        return Answer(connection.execute(statements[0]))
    except duckdb.IOException:
        raise
    except duckdb.Error as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise UsageError(
            f"the query fails: {' '.join(lines)[:500]}",
            hint="docs/fleet.md has the tables and their columns",
        ) from None


def write_json(answer: Answer, out: TextIO) -> None:
    """A list of objects, one per row."""
    out.write("[")
    first = True
    for row in answer:
        text = json.dumps(
            {name: plain(value) for name, value in zip(answer.columns, row, strict=True)}
        )
        out.write(("\n" if first else ",\n") + text)
        first = False
    out.write("]\n" if first else "\n]\n")


def write_csv(answer: Answer, out: TextIO) -> None:
    """A line with the names of the columns, then one per row."""
    from layerscope.report.parts.csv_cell import cell

    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([cell(name) for name in answer.columns])
    for row in answer:
        writer.writerow([cell(plain(value)) for value in row])


def write_text(answer: Answer, out: TextIO, *, rows: int = MOST_ROWS) -> None:
    """A table for people. Text from images is escaped, and long text is cut."""
    head = [escape(name) for name in answer.columns]
    shown: list[list[str]] = []
    numbers = [True] * len(head)
    more = 0
    for row in answer:
        if len(shown) >= rows:
            more += 1
            continue
        for at, value in enumerate(row):
            if value is not None and not isinstance(value, int | float | Decimal):
                numbers[at] = False
        shown.append([fit_start(escape(_cell(value)), _WIDEST) for value in row])
    widths = [max(map(cell_width, column), default=0) for column in zip(head, *shown, strict=True)]
    for line in [head, *shown]:
        cells = [
            pad(text, width, right=number)
            for text, width, number in zip(line, widths, numbers, strict=True)
        ]
        out.write(guard_line("  ".join(cells)).rstrip() + "\n")
    if more:
        out.write(f"and {more:,} more rows; --json and --csv have them all\n")


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return str(value).lower() if isinstance(value, bool) else str(plain(value))


def plain(value: object) -> Any:
    """A value as JSON has it: text and numbers, lists and objects."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, UUID):
        return value.hex
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, list | tuple | set):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    return value
