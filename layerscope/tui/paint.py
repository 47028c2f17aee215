"""Pieces of painted lines: text of a known width, with a style name. All text from an image is escaped here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.analysis.mentions import short_command
from layerscope.report.escape import cell_width, escape, fit_start, pad

if TYPE_CHECKING:
    from layerscope.image.instruction import Instruction

_LONGEST = 2000
"""The most characters of an instruction that a short form reads."""
Span = tuple[str, str]
"""Text, and the name of a style (a component class without its prefix; "" for plain)."""

_EIGHTHS = " ▏▎▍▌▋▊▉"


def cell(text: str, width: int, *, right: bool = False) -> str:
    """`text`, which must be safe to show, in exactly `width` columns."""
    return pad(fit_start(text, width), width, right=right)


def one_line(text: str) -> str:
    """Text from an image with its white space folded, safe to show."""
    return escape(" ".join(text.split()))


def instruction_name(instruction: Instruction, width: int) -> str:
    """The short form of an instruction, at most `width` columns wide."""
    text = one_line(short_command(instruction.text[:_LONGEST]))
    return fit_start(text or one_line(instruction.created_by[:_LONGEST]) or "–", width)


def bar(part: int, whole: int, width: int) -> str:
    """A bar for `part` of `whole` in exactly `width` columns. Anything above zero shows."""
    if whole <= 0 or part <= 0 or width <= 0:
        return " " * max(width, 0)
    eighths = max(1, min(8 * width, round(8 * width * part / whole)))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def split_bar(live: int, wasted: int, whole: int, width: int) -> list[Span]:
    """A bar with two parts that differ in more than color: live is solid, wasted is dotted."""
    if whole <= 0 or width <= 0 or live + wasted <= 0:
        return [(" " * max(width, 0), "")]
    total = max(1, min(width, round(width * (live + wasted) / whole)))
    dotted = min(total, round(total * wasted / (live + wasted)))
    if wasted and not dotted and wasted * 100 >= live + wasted:
        dotted = 1
    solid = total - dotted
    if not dotted:
        return [(bar(live, whole, width), "bar")]
    return [("█" * solid, "bar"), ("▒" * dotted, "waste"), (" " * (width - total), "")]


def width_of(spans: list[Span]) -> int:
    return sum(cell_width(text) for text, _ in spans)
