"""Names for the compared images, so that no two look the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from layerscope.report.escape import ELLIPSIS, fit_end, fit_start

if TYPE_CHECKING:
    from layerscope.analysis.comparison.side import Side

_NAMES: tuple[Callable[[Side], str], ...] = (
    lambda side: side.name,
    lambda side: side.reference,
    lambda side: f"{side.source}:{side.name}",
    lambda side: f"{side.name} ({side.platform})",
    lambda side: f"{side.reference} (saved report)" if side.saved else side.reference,
)


def told_apart(sides: Sequence[Side]) -> list[str]:
    """A name for each image: its tag if it is a file, else the reference you gave, made longer where two are equal."""
    for name in _NAMES:
        names = [name(side) for side in sides]
        if len(set(names)) == len(names):
            return names
    if len(sides) == 2:
        return [f"{side.name} ({letter})" for side, letter in zip(sides, "AB", strict=True)]
    return [f"{side.name} ({number})" for number, side in enumerate(sides, 1)]


def fit_apart(names: Sequence[str], width: int) -> list[str]:
    """The names cut to `width` columns, such that they still differ."""
    for cut in (fit_start, fit_end):
        short = [cut(name, width) for name in names]
        if len(set(short)) == len(set(names)):
            return short
    common = _common(names)
    return [fit_start(ELLIPSIS + name[common:], width) for name in names]


def _common(names: Sequence[str]) -> int:
    """The length of the prefix that all names share."""
    first, last = min(names), max(names)
    for at, (one, other) in enumerate(zip(first, last, strict=False)):
        if one != other:
            return at
    return min(len(first), len(last))
