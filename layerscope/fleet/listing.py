"""The images of a fleet as a list that is read a page at a time, in any order, narrowed by a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from layerscope.records import dataclass

if TYPE_CHECKING:
    import duckdb

PAGE: Final = 200
_KEPT: Final = 16
ORDERS: Final = {
    "reference": "reference",
    "content": "content DESC NULLS LAST, reference",
    "download": "compressed DESC NULLS LAST, reference",
    "wasted": "wasted DESC NULLS LAST, reference",
    "layers": "layers DESC NULLS LAST, reference",
    "created": "created DESC NULLS LAST, reference",
}
"""The orders of the list, by the name of the column."""


@dataclass(frozen=True, slots=True)
class ImageLine:
    """One image of the list. Sizes are bytes, None if unknown."""

    reference: str
    platform: str
    created: str | None
    layers: int
    content: int
    wasted: int
    compressed: int | None


class ImageListing:
    """Reads pages of the table `images` when they are needed, and keeps the last few."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._connection.execute(
            "CREATE TEMP TABLE listed AS SELECT reference, platform, created, layers, content, wasted, compressed FROM images"
        )
        self.order = "reference"
        self.text = ""
        self._pages: dict[int, Sequence[ImageLine]] = {}
        self.count = self._counted()

    def arrange(self, order: str, text: str) -> None:
        """Put the list in an order of `ORDERS`, with the images whose reference or platform contains `text`."""
        self.order, self.text = order, text
        self._pages.clear()
        self.count = self._counted()

    def line(self, row: int) -> ImageLine:
        """The image in a row, counted from 0."""
        number = row // PAGE
        page = self._pages.get(number)
        if page is None:
            if len(self._pages) >= _KEPT:
                self._pages.pop(next(iter(self._pages)))
            page = self._pages[number] = self._read(number)
        return page[row % PAGE]

    def row_of(self, reference: str) -> int | None:
        """The row of an image."""
        found = self._connection.execute(
            f"SELECT row FROM (SELECT reference, row_number() OVER (ORDER BY {ORDERS[self.order]}) - 1 AS row"
            f" FROM listed WHERE {_MATCHES}) WHERE reference = $reference",
            {"text": self.text, "reference": reference},
        ).fetchall()
        return int(found[0][0]) if found else None

    def _counted(self) -> int:
        sql = f"SELECT count(*) FROM listed WHERE {_MATCHES}"
        return int(self._connection.execute(sql, {"text": self.text}).fetchall()[0][0])

    def _read(self, number: int) -> Sequence[ImageLine]:
        sql = (
            f"SELECT * FROM listed WHERE {_MATCHES} ORDER BY {ORDERS[self.order]}"
            f" LIMIT {PAGE} OFFSET {number * PAGE}"
        )
        rows = self._connection.execute(sql, {"text": self.text}).fetchall()
        return [ImageLine(*row) for row in rows]


_MATCHES: Final = "(contains(lower(reference), lower($text)) OR contains(platform, $text))"
