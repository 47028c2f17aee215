"""A question about a fleet: a title, SQL, and what the columns of the answer mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from layerscope.fleet.query import plain

if TYPE_CHECKING:
    import duckdb

Kind = Literal["text", "word", "path", "size", "count", "percent"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of an answer. `key` is its name in SQL and JSON; `kind` says how people see it.

    Where there is little room, the end of a text is cut off, and the start of a path, of which the end says more. A word is
    one of the JSON document, in which people see spaces for underscores.
    """

    key: str
    title: str
    kind: Kind = "text"

    @property
    def is_number(self) -> bool:
        """Whether it is aligned to the right and sorted by its value."""
        return self.kind in ("size", "count", "percent")


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A list with the largest row first. `bar` is the column that a chart draws.

    `sql` selects all rows, with the columns by their keys. `total` counts them where that is cheaper than to make them all.
    """

    key: str
    title: str
    meaning: str
    columns: tuple[Column, ...]
    sql: str
    order: str
    bar: str
    total: str | None = None
    chart: Literal["bars", "months"] = "bars"

    def ask(self, connection: duckdb.DuckDBPyConnection, top: int) -> dict[str, Any]:
        """The answer: `rows`, and `count`, the number of rows there are in all."""
        limit = "" if self.chart == "months" else f" LIMIT {top:d}"
        source, total = f"({self.sql})", self.total
        if total is None:
            connection.execute(f"CREATE OR REPLACE TEMP TABLE answer AS {self.sql}")
            source, total = "answer", "SELECT count(*) FROM answer"
        result = connection.execute(f"SELECT * FROM {source} ORDER BY {self.order}{limit}")
        names = [str(column[0]) for column in result.description or ()]
        rows = [
            {name: plain(value) for name, value in zip(names, row, strict=True)}
            for row in result.fetchall()
        ]
        count = connection.execute(total).fetchall()[0][0]
        return {"count": count, "rows": rows}
