"""Limits on everything of one sort that a pattern matches, taken together: what they have in common."""

from __future__ import annotations

from fractions import Fraction

from layerscope.analysis.budgets.growth import Change
from layerscope.analysis.budgets.part import growth, part_result
from layerscope.analysis.budgets.quantities import Number, Unit, unit_of
from layerscope.analysis.budgets.rules import Case
from layerscope.analysis.budgets.scope import Found, Level
from layerscope.analysis.budgets.verdict import RuleResult
from layerscope.analysis.model import Facts
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedLimit:
    """A limit on the content of what matches, on its compressed bytes, or on the growth of either since the baseline.

    A subclass says what `noun` it limits, and its `total` in an image.
    """

    match: str
    limit: Number
    growth: bool = False
    compressed: bool = False
    level: Level = "fail"
    reason: str = ""
    written: str = ""

    @property
    def noun(self) -> str:
        raise NotImplementedError

    def total(self, facts: Facts) -> Found:
        """The bytes of all that matches, with a phrase about it, or why they are unknown."""
        raise NotImplementedError

    @property
    def rule(self) -> str:
        middle = "_compressed" if self.compressed else ""
        noun = self.noun.replace(" ", "_")
        return f"max_{noun}{middle}_{'growth' if self.growth else 'size'}"

    @property
    def unit(self) -> Unit:
        return unit_of("growth" if self.growth else "size", self.limit)

    def judge(self, case: Case) -> RuleResult:
        """The result, with the instructions to look at if the rule is broken."""
        now = self.total(case.analysis)
        if now.value is None:
            change = Change(unknown=now.message)
        elif self.growth:
            change = growth(case, now.value, self.total, self.limit, self.noun)
        else:
            change = Change(value=Fraction(now.value))
        return part_result(self, self.match, change, now.message, now.instructions)
