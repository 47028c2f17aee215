"""Limits on parts of an image that can grow: what they have in common, and the growth of instructions and paths."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Protocol

from layerscope.analysis.budgets.growth import Change, part_growth
from layerscope.analysis.budgets.quantities import Number, Unit, plain, unit_of
from layerscope.analysis.budgets.rules import Case
from layerscope.analysis.budgets.scope import Found, InstructionLimit, Level, PathLimit, room_words
from layerscope.analysis.budgets.verdict import RuleResult
from layerscope.analysis.model import Facts
from layerscope.records import dataclass


class PartLimit(Protocol):
    """What every limit on a part of an image has."""

    @property
    def rule(self) -> str: ...
    @property
    def unit(self) -> Unit: ...
    @property
    def limit(self) -> Number: ...
    @property
    def level(self) -> Level: ...
    @property
    def reason(self) -> str: ...
    @property
    def written(self) -> str: ...


def part_result(
    limit: PartLimit, scope: str, change: Change, words: str, causes: tuple[int, ...]
) -> RuleResult:
    """The result of a limit. `words` are about what matches, and `causes` are the instructions behind it."""
    value = change.value
    skipped = bool(change.skipped)
    passed = not skipped and (
        bool(change.excuse) or (value is not None and value <= Fraction(limit.limit))
    )
    broken = not passed and not skipped
    parts = [_words(limit, change, words), limit.reason if broken else ""]
    message = "; ".join(part for part in parts if part)
    return RuleResult(
        rule=limit.rule,
        limit=plain(limit.unit, limit.limit),
        actual=None if value is None else plain(limit.unit, value),
        passed=passed,
        skipped=skipped,
        message=f"{scope}: {message}" if message else scope,
        level=limit.level,
        reason=limit.reason,
        scope=scope,
        unit=limit.unit,
        written=limit.written,
        instructions=causes if broken and value is not None else (),
    )


def _words(limit: PartLimit, change: Change, words: str) -> str:
    if change.value is None or change.excuse:
        return change.skipped or change.excuse or change.unknown
    room = room_words(int(limit.limit) - int(change.value)) if limit.unit == "bytes" else ""
    return "; ".join(part for part in (room, change.detail, words) if part)


def growth(
    case: Case, now: int, measure: Callable[[Facts], Found], limit: Number, noun: str
) -> Change:
    """How much a part grew since the baseline. `measure` finds its size there."""
    assert case.baseline is not None
    name, side = case.baseline.name, case.baseline.side
    if side is None:
        return Change(skipped=f"not checked: there is no {name} yet")
    before = measure(side)
    if before.value is None:
        return Change(unknown=f"{name} is {before.message}")
    return part_growth(case.baseline, before.value, now, limit, case.min_change, noun)


@dataclass(frozen=True, slots=True, kw_only=True)
class PartGrowth:
    """A limit on the growth since the baseline of all instructions or paths that `part` matches, taken together.

    The limit of `part` itself doesn't matter, only its pattern and whether it measures compressed bytes.
    """

    part: InstructionLimit | PathLimit
    limit: Number
    level: Level = "fail"
    reason: str = ""
    written: str = ""

    @property
    def rule(self) -> str:
        middle = "_compressed" if self.part.compressed else ""
        return f"max_{self._what}{middle}_growth"

    @property
    def unit(self) -> Unit:
        return unit_of("growth", self.limit)

    @property
    def _what(self) -> str:
        return "instruction" if isinstance(self.part, InstructionLimit) else "path"

    def judge(self, case: Case) -> RuleResult:
        """The result, with the largest instructions behind the part if the rule is broken."""
        allows = case.allows(self.rule)
        now = self.part.total(case.analysis, allows)
        change = Change(unknown=now.message)
        if now.value is not None:

            def measure(facts: Facts) -> Found:
                return self.part.total(facts, allows)

            change = growth(case, now.value, measure, self.limit, self._what)
        words = now.message if now.value else f"no {self._what} matches"
        return part_result(self, self.part.scope, change, words, now.instructions)
