"""The comparison in one plain sentence or two: how much, and where most of it comes from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.analysis.comparison.compare import Comparison
    from layerscope.analysis.comparison.layers import InstructionRow

LONGEST = 60
"""Characters of an instruction in the sentence."""
SHARE = 20
"""Percent of a difference that makes an instruction worth naming."""

_SPACE = re.compile(r"\s+")


def sentence(comparison: Comparison) -> str:
    """What a person would say of the two images."""
    a, b = names(comparison)
    if not comparison.differs:
        if comparison.a.config_digest == comparison.b.config_digest:
            return f"{a} and {b} are the same image."
        return f"{a} and {b} have the same layers and the same configuration."
    if all(row.status == "same" for row in comparison.layers.rows) and len(
        comparison.a.layers
    ) == len(comparison.b.layers):
        return f"{a} and {b} have the same layers; they differ in {_besides(comparison)}."
    return f"{_how_much(comparison, a, b)} {_cause(comparison)}".strip()


def names(comparison: Comparison) -> tuple[str, str]:
    """What A and B are called: by their tags where they are files, as they were asked for otherwise, but apart."""
    a, b = comparison.a, comparison.b
    for one, other in ((a.name, b.name), (a.reference, b.reference)):
        if one != other:
            return one, other
    return "A", "B"


def _besides(comparison: Comparison) -> str:
    parts = []
    if any(row.known for row in comparison.settings):
        parts.append("the configuration")
    if any(row.status != "same" for row in comparison.layers.instructions):
        parts.append("the instructions")
    return " and ".join(parts) or "how the layers are compressed"


def _how_much(comparison: Comparison, a: str, b: str) -> str:
    """`B is 302.6 MB (86.6 %) smaller to pull than A.`"""
    before, after = comparison.a.sizes.compressed, comparison.b.sizes.compressed
    what = " to pull"
    if before is None or after is None:
        before, after, what = comparison.a.sizes.content, comparison.b.sizes.content, ""
    delta = after - before
    if not delta:
        return f"{b} is as large{what} as {a}, and differs."
    word = "smaller" if delta < 0 else "larger"
    share = f" ({100 * abs(delta) / before:.1f} %)" if before else ""
    return f"{b} is {format_size(abs(delta))}{share} {word}{what} than {a}."


def _cause(comparison: Comparison) -> str:
    """The instruction that moved the most content in the direction of the whole."""
    total = comparison.b.sizes.content - comparison.a.sizes.content
    rows = [row for row in comparison.layers.instructions if row.content_delta]
    if not rows:
        return ""
    sign = -1 if total < 0 else 1
    row = max(rows, key=lambda each: sign * each.content_delta)
    moved = row.content_delta
    if (moved < 0) != (total < 0) or not total:
        largest = max(rows, key=lambda each: abs(each.content_delta))
        return f"The largest change is {_step(comparison, largest)}, {_signed(largest)}."
    share = 100 * moved / total
    if share < SHARE:
        return f"It is spread over {len(rows)} instructions, the largest change being {_step(comparison, row)}, {_signed(row)}."
    if share > 100.5:
        return f"The largest change is {_step(comparison, row)}, {_signed(row)}."
    part = "All" if share >= 99.5 else f"{share:.0f} %"
    return f"{part} of the difference in content is {_step(comparison, row)}, {_signed(row)}."


def _signed(row: InstructionRow) -> str:
    return f"{format_size(abs(row.content_delta))} {'less' if row.content_delta < 0 else 'more'}"


def _step(comparison: Comparison, row: InstructionRow) -> str:
    """`instruction 5 of python:3.8, RUN apt-get install …, which B does not have`."""
    summary = row.b if row.b is not None else row.a
    assert summary is not None
    instruction = summary.instruction
    side = comparison.b if row.b is not None else comparison.a
    text = _SPACE.sub(" ", side.shown_text(instruction)).strip()
    if len(text) > LONGEST:
        text = text[: LONGEST - 1].rstrip() + "…"
    where = ""
    a, b = names(comparison)
    if row.status == "only_a":
        where = f" of {a}, which {b} does not have"
    elif row.status == "only_b":
        where = f" of {b}, which {a} does not have"
    return f"instruction {instruction.index}{where} ({text})"
