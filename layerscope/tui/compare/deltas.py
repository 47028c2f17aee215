"""Pieces of painted lines for comparisons: signed sizes, and bars to the left and right of a zero line."""

from __future__ import annotations

from typing import Final

from layerscope.tui.paint import Span, bar
from layerscope.units import format_delta

ZERO: Final = "│"


def delta_text(delta: int | None) -> str:
    """A signed size for a column of sizes, where a dash means no difference or an unknown one."""
    return format_delta(delta) if delta else "–"


def delta_style(delta: int | None) -> str:
    """The style for a difference: more is added, less is removed. The sign shows it too."""
    if not delta:
        return "dim"
    return "added" if delta > 0 else "removed"


def delta_bar(delta: int, most: int, width: int) -> list[Span]:
    """A bar from a zero line in the middle, left for less and right for more, in exactly `width` columns."""
    half = max(0, (width - 1) // 2)
    rest = " " * max(0, width - 1 - 2 * half)
    empty = " " * half
    if not half or not delta or most <= 0:
        return [(empty, ""), (ZERO, "dim"), (empty + rest, "")]
    if delta > 0:
        return [(empty, ""), (ZERO, "dim"), (bar(delta, most, half), "added"), (rest, "")]
    return [(_leftwards(-delta, most, half), "removed"), (ZERO, "dim"), (empty + rest, "")]


def _leftwards(part: int, whole: int, width: int) -> str:
    """A right-aligned bar, as fine as the available characters allow."""
    halves = min(2 * width, round(2 * width * part / whole))
    if not halves:
        return "▕".rjust(width)
    full, half = divmod(halves, 2)
    return ("▐" * half + "█" * full).rjust(width)
