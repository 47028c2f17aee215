"""Defaults for what human-readable formats show of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from layerscope.report.document.rows import SizeName

ROWS: Final = 10
"""The default number of rows of each list."""
DEPTH: Final = 2
"""The default number of directory levels."""
SIZES: Final[tuple[tuple[str, SizeName], ...]] = (
    ("download", "compressed"),
    ("content", "content"),
    ("live", "live"),
    ("wasted", "wasted"),
)
"""The sizes of the overview, by the word for each."""
