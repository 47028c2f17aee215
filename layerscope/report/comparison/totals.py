"""Totals of two images besides their sizes: what one copy of each content would save."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

MEANINGS: Final = {"duplicates": "what one copy of each content would save"}
"""What each total means, for a page that has the room."""

if TYPE_CHECKING:
    from layerscope.analysis.model import Facts
    from layerscope.report.comparison.rows import ComparisonDocument, MaybePairRow


def duplicates_pair(a: Facts, b: Facts) -> MaybePairRow:
    """What could be saved on each side, null where it is unknown. The smallest size must be the same for a delta."""
    one, other = a.duplicates, b.duplicates
    before = None if one is None else one.saving
    after = None if other is None else other.saving
    comparable = one is not None and other is not None and one.least == other.least
    known = comparable and before is not None and after is not None
    return {"a": before, "b": after, "delta": (after or 0) - (before or 0) if known else None}


def more_totals(document: ComparisonDocument) -> Iterator[tuple[str, MaybePairRow]]:
    """The totals to show below the sizes, by name. One that is nothing on both sides is left out."""
    pair = document["duplicates"]
    if pair["a"] or pair["b"]:
        yield "duplicates", pair
