"""Compressed bytes beside content, where a comparison knows them: what a pull transfers of a file or directory."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from layerscope.units import format_delta

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import CostedPairRow


def has_costs(rows: Iterable[CostedPairRow]) -> bool:
    """Whether any of the rows transfers more or less, so that a column of downloads says something."""
    return any(row["compressed"]["delta"] for row in rows)


def cost_delta(delta: int | None) -> str:
    """A signed size; a dash if it is unknown."""
    return "–" if delta is None else format_delta(delta)


def sum_of_deltas(rows: Iterable[CostedPairRow]) -> int | None:
    """The difference of all rows together; None if one of them is unknown."""
    total = 0
    for row in rows:
        delta = row["compressed"]["delta"]
        if delta is None:
            return None
        total += delta
    return total
