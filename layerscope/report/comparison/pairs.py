"""Numbers of both images side by side, as in the comparison document."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import CostedPairRow, MaybePairRow


def pair(a: int | None, b: int | None) -> MaybePairRow:
    """Two numbers and their difference, which is None if one of them is unknown."""
    return {"a": a, "b": b, "delta": None if a is None or b is None else b - a}


def costed_pair(a: int, b: int, cost_a: int | None, cost_b: int | None) -> CostedPairRow:
    """Bytes of content, with the compressed bytes that they take."""
    return {"a": a, "b": b, "compressed": pair(cost_a, cost_b), "delta": b - a}
