"""The comparison in a sentence or two: how large the difference is, and where most of it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.analysis.mentions import one_spaced
from layerscope.report.comparison.naming import told_apart
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.analysis.comparison.compare import Comparison
    from layerscope.analysis.comparison.layers import InstructionRow

LONGEST = 60
"""The most characters of an instruction in the sentence."""
SHARE = 20
"""An instruction is named if it makes up at least this percentage of a difference."""


def sentence(comparison: Comparison) -> str:
    """The summary of a comparison in plain words."""
    a, b = names(comparison)
    if comparison.pattern is not None and comparison.files is not None:
        return _within(comparison, a, b)
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
    """Distinct names for A and B."""
    a, b = told_apart((comparison.a, comparison.b))
    return a, b


def _within(comparison: Comparison, a: str, b: str) -> str:
    """The sentence for a comparison narrowed by `--path`."""
    files = comparison.files
    assert files is not None
    before, after = files.root.a_bytes, files.root.b_bytes
    number = len(files.changes)
    where = f"Within {comparison.pattern}"
    if not number:
        return f"{where}, {a} and {b} are the same."
    differ = "1 path differs" if number == 1 else f"{number:,} paths differ"
    if before == after:
        return f"{where}, {a} and {b} are the same size, and {differ}."
    share = f" ({100 * abs(after - before) / before:.1f} %)" if before else ""
    word = "less" if after < before else "more"
    return f"{where}, {b} holds {format_size(abs(after - before))}{share} {word} than {a}, and {differ}."


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
    if not comparison.reads_all and (before is None or after is None):
        return f"{a} and {b} differ; how much is unknown, because no layer was read."
    if before is None or after is None:
        before, after, what = comparison.a.sizes.content, comparison.b.sizes.content, ""
    delta = after - before
    if not delta:
        return f"{b} is the same size{what} as {a}, but not the same image."
    word = "smaller" if delta < 0 else "larger"
    share = f" ({100 * abs(delta) / before:.1f} %)" if before else ""
    return f"{b} is {format_size(abs(delta))}{share} {word}{what} than {a}."


def _cause(comparison: Comparison) -> str:
    """The instruction that contributes most to the overall difference."""
    if not comparison.reads_all:
        return ""
    total = comparison.b.sizes.content - comparison.a.sizes.content
    rows = [row for row in comparison.layers.instructions if row.content_delta]
    if not rows:
        return _same_size(comparison)
    sign = -1 if total < 0 else 1
    row = max(rows, key=lambda each: sign * each.content_delta)
    moved = row.content_delta
    if (moved < 0) != (total < 0) or not total:
        largest = max(rows, key=lambda each: abs(each.content_delta))
        return f"The largest change is {_step(comparison, largest)}: {_signed(largest)}."
    share = 100 * moved / total
    if share < SHARE:
        return f"The difference is spread over {len(rows)} instructions. The largest is {_step(comparison, row)}: {_signed(row)}."
    if share > 100.5:
        return f"The largest change is {_step(comparison, row)}: {_signed(row)}."
    part = "All" if share >= 99.5 else f"{share:.0f} %"
    return (
        f"{part} of the difference in content comes from {_step(comparison, row)}: {_signed(row)}."
    )


def _same_size(comparison: Comparison) -> str:
    """The difference if no instruction stores more or fewer bytes."""
    number = 0 if comparison.files is None else len(comparison.files.changes)
    if not number:
        return ""
    return "One path differs." if number == 1 else f"{number:,} paths differ."


def _signed(row: InstructionRow) -> str:
    return f"{format_size(abs(row.content_delta))} {'less' if row.content_delta < 0 else 'more'}"


def _step(comparison: Comparison, row: InstructionRow) -> str:
    """`instruction 5 of python:3.8 (RUN apt-get install …), which B does not have`."""
    summary = row.b if row.b is not None else row.a
    assert summary is not None
    instruction = summary.instruction
    side = comparison.b if row.b is not None else comparison.a
    text = one_spaced(side.shown_text(instruction))
    if len(text) > LONGEST:
        text = text[: LONGEST - 1].rstrip() + "…"
    a, b = names(comparison)
    if row.status == "only_a":
        return f"instruction {instruction.index} of {a} ({text}), which {b} does not have"
    if row.status == "only_b":
        return f"instruction {instruction.index} of {b} ({text}), which {a} does not have"
    return f"instruction {instruction.index} ({text})"
