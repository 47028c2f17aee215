"""The table of a fleet's images. Rows are read when they come on screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from layerscope.fleet.listing import ORDERS, ImageListing
from layerscope.tui.line_list import LineList
from layerscope.tui.paint import Span, bar, cell, one_line
from layerscope.units import format_size

_COLUMNS: Final = (
    ("content", 10),
    ("wasted", 10),
    ("download", 10),
    ("layers", 7),
    ("created", 11),
)
_BAR: Final = 10
_NAME: Final = "reference"


class ImageList(LineList):
    """Sizes, age, and name of each image."""

    def __init__(self, listing: ImageListing) -> None:
        super().__init__(id="images")
        self.listing = listing

    @property
    def row_count(self) -> int:
        return self.listing.count

    def heading(self, width: int) -> Sequence[Span]:
        spans: list[Span] = []
        for name, columns in _COLUMNS:
            spans.append((cell(self._title(name), columns, right=True), ""))
        spans.append((" " * (_BAR + 2), ""))
        return [*spans, (cell(self._title(_NAME), self._room(width)), "")]

    def _title(self, name: str) -> str:
        sign = "▲" if name == _NAME else "▼"
        return f"{name} {sign}" if self.listing.order == name else name

    def _room(self, width: int) -> int:
        return max(0, width - sum(columns for _, columns in _COLUMNS) - _BAR - 2)

    def spans(self, row: int, width: int) -> Sequence[Span]:
        line = self.listing.line(row)
        created = "–" if line.created is None else one_line(line.created[:10])
        texts = (
            format_size(line.content),
            format_size(line.wasted) if line.wasted else "–",
            format_size(line.compressed),
            f"{line.layers:,}",
            created,
        )
        spans: list[Span] = [
            (cell(text, columns, right=True), "waste" if name == "wasted" and line.wasted else "")
            for text, (name, columns) in zip(texts, _COLUMNS, strict=True)
        ]
        spans.append(("  ", ""))
        spans.append((bar(line.wasted, line.content, _BAR), "waste"))
        name = one_line(line.reference.removeprefix("registry:"))
        if line.platform not in ("", "linux/amd64"):
            name = f"{name}  {one_line(line.platform)}"
        return [*spans, (cell(name, self._room(width)), "")]

    def heading_clicked(self, column: int) -> None:
        """Sort by the column that was clicked."""
        reach = 0
        for name, columns in _COLUMNS:
            reach += columns
            if column < reach:
                self.sort(name)
                return
        self.sort(_NAME)

    def sort(self, order: str) -> None:
        """Put the list in another order, with the same image under the cursor."""
        reference = self.listing.line(self.cursor).reference if self.row_count else None
        self.listing.arrange(order, self.listing.text)
        self._show(reference)

    def narrow(self, text: str) -> None:
        """Show the images that match a text, with the same image under the cursor if it still shows."""
        reference = self.listing.line(self.cursor).reference if self.row_count else None
        self.listing.arrange(self.listing.order, text)
        self._show(reference)

    def next_order(self) -> None:
        """Sort by the next column."""
        names = list(ORDERS)
        self.sort(names[(names.index(self.listing.order) + 1) % len(names)])

    def _show(self, reference: str | None) -> None:
        self.rows_changed()
        row = None if reference is None else self.listing.row_of(reference)
        self.center_row(row or 0)
