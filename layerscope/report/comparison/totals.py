"""Totals of two images besides their sizes: what one copy of each content would save."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

MEANINGS: Final = {
    "own": "what own instructions store",
    "own waste": "what own instructions waste, in files of the base image too",
    "dead weight": "live content that a container hardly needs",
    "duplicates": "what one copy of each content would save",
}
"""What each total means, for a page that has the room."""

if TYPE_CHECKING:
    from layerscope.analysis.model import Facts
    from layerscope.analysis.origin import Origin
    from layerscope.report.comparison.rows import (
        ComparedOriginRow,
        ComparisonDocument,
        MaybePairRow,
    )


def duplicates_pair(a: Facts, b: Facts) -> MaybePairRow:
    """What could be saved on each side, null where it is unknown. The smallest size must be the same for a delta."""
    one, other = a.duplicates, b.duplicates
    before = None if one is None else one.saving
    after = None if other is None else other.saving
    comparable = one is not None and other is not None and one.least == other.least
    known = comparable and before is not None and after is not None
    return {"a": before, "b": after, "delta": (after or 0) - (before or 0) if known else None}


def origin_pairs(a: Facts, b: Facts) -> ComparedOriginRow:
    """What the base image and the own instructions store and waste on each side, null where the base is unknown."""
    one, other = (_parts(side.origin) for side in (a, b))
    return {
        "base": {"content": _pair(one[0], other[0]), "wasted": _pair(one[1], other[1])},
        "own": {"content": _pair(one[2], other[2]), "wasted": _pair(one[3], other[3])},
    }


def _parts(origin: Origin | None) -> Sequence[int | None]:
    if origin is None:
        return (None,) * 4
    base, own = origin.base, origin.own
    return base.content, base.wasted, own.content, own.wasted


def _pair(a: int | None, b: int | None) -> MaybePairRow:
    return {"a": a, "b": b, "delta": None if a is None or b is None else b - a}


def more_totals(document: ComparisonDocument) -> Iterator[tuple[str, MaybePairRow]]:
    """The totals to show below the sizes, by name. One that is nothing on both sides is left out."""
    named = (
        ("own", document["origin"]["own"]["content"]),
        ("own waste", document["origin"]["own"]["wasted"]),
        ("dead weight", document["dead_weight"]["total"]),
        ("duplicates", document["duplicates"]),
    )
    for name, pair in named:
        if pair["a"] or pair["b"]:
            yield name, pair
