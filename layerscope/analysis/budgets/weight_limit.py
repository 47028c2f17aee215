"""Limits on dead weight: what the kinds of one name hold or a pull transfers of them, and how much it grew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase
from fractions import Fraction

from layerscope.analysis.budgets.causes import by_size
from layerscope.analysis.budgets.growth import Change, part_growth
from layerscope.analysis.budgets.part import part_result
from layerscope.analysis.budgets.quantities import Number, Unit, unit_of
from layerscope.analysis.budgets.rules import NOT_COMPRESSED, Case, weight_unknown
from layerscope.analysis.budgets.scope import Level
from layerscope.analysis.budgets.verdict import RuleResult
from layerscope.analysis.model import Facts, sum_of
from layerscope.analysis.weight.facts import KindWeight
from layerscope.analysis.weight.kinds import WEIGHT_KINDS, WEIGHT_WORDS
from layerscope.records import dataclass
from layerscope.units import format_size


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightLimit:
    """A limit on the dead weight of all kinds whose name matches a shell pattern, on its compressed bytes, or on the
    growth of either since the baseline."""

    kind: str
    limit: Number
    growth: bool = False
    compressed: bool = False
    level: Level = "fail"
    reason: str = ""
    written: str = ""

    @property
    def rule(self) -> str:
        middle = "_compressed" if self.compressed else ""
        return f"max_dead_weight{middle}_{'growth' if self.growth else 'size'}"

    @property
    def unit(self) -> Unit:
        return unit_of("growth" if self.growth else "size", self.limit)

    def judge(self, case: Case) -> RuleResult:
        """The result, with the instructions to look at if the rule is broken."""
        found = self._matching(case.analysis)
        size = self._size(case.analysis, found)
        if isinstance(size, str):
            change = Change(unknown=size)
        elif self.growth:
            change = self._growth(case, size)
        else:
            change = Change(value=Fraction(size))
        return part_result(self, self.kind, change, _words(found), self._causes(found))

    def _matching(self, facts: Facts) -> list[KindWeight]:
        kinds = () if facts.weight is None else facts.weight.kinds
        return [each for each in kinds if fnmatchcase(each.kind, self.kind)]

    def _size(self, facts: Facts, found: Sequence[KindWeight]) -> int | str:
        """The bytes of some kinds, or why they are unknown."""
        unknown = weight_unknown(facts, self.kind)
        if unknown:
            return unknown
        size = sum_of(each.compressed if self.compressed else each.bytes for each in found)
        return NOT_COMPRESSED if size is None else size

    def _growth(self, case: Case, now: int) -> Change:
        assert case.baseline is not None
        name, side = case.baseline.name, case.baseline.side
        if side is None:
            return Change(skipped=f"not checked: there is no {name} yet")
        before = self._size(side, self._matching(side))
        if isinstance(before, str):
            return Change(unknown=f"{name} is {before}")
        return part_growth(case.baseline, before, now, self.limit, case.min_change, "dead weight")

    def _causes(self, found: Sequence[KindWeight]) -> tuple[int, ...]:
        sizes: Counter[int] = Counter()
        for each in found:
            for part in each.parts:
                sizes[part.instruction] += part.bytes
        return tuple(index for index, size in by_size(sizes) if size)


def is_known(pattern: str) -> bool:
    """Whether a pattern matches a kind of dead weight."""
    return any(fnmatchcase(kind, pattern) for kind in WEIGHT_KINDS)


def _words(found: Sequence[KindWeight]) -> str:
    if not found:
        return "none found"
    most = max(found, key=lambda each: each.bytes)
    if not most.paths:
        return ""
    path = most.paths[0]
    name = path.path.decode("utf-8", "backslashreplace")
    kind = f" of {WEIGHT_WORDS[most.kind]}" if len(found) > 1 else ""
    return f"most, {format_size(path.bytes)}{kind}, in /{name} by instruction {path.instruction}"
