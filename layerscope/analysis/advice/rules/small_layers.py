"""Many RUNs in a row that store little."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.case import Case
from layerscope.analysis.advice.rule import Rule
from layerscope.units import format_size

MANY: Final = 5
"""The fewest RUNs in a row that are worth merging."""
SMALL: Final = 100_000
"""A layer with less content than this, in bytes, is small."""


def _find(case: Case) -> Iterator[Advice]:
    row: list[int] = []
    for each in case.analysis.instructions:
        index = each.instruction.index
        if _is_small_run(case, index):
            row.append(index)
            continue
        if each.instruction.layers:
            yield from _advice(case, row)
            row = []
    yield from _advice(case, row)


def _is_small_run(case: Case, index: int) -> bool:
    each = case.analysis.instructions[index]
    return (
        case.keyword(index) == "RUN"
        and bool(each.instruction.layers)
        and each.sizes.content < SMALL
        and not case.mentions.is_of_base(index)
    )


def _advice(case: Case, row: list[int]) -> Iterator[Advice]:
    if len(row) < MANY:
        return
    first, last = row[0], row[-1]
    content = sum(case.analysis.instructions[index].sizes.content for index in row)
    yield Advice(
        rule=RULE.id,
        message=(
            f"{case.start(first)}: merge the {len(row)} RUNs up to {case.mentions.place(last)}, "
            f"whose layers store only {format_size(content)} together. Saves layers."
        ),
        bytes=None,
        instruction=first,
        location=case.location(first),
        written_by=first,
    )


RULE = Rule("small-layers", "Many layers that store little", _find)
