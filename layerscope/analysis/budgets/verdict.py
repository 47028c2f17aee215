"""The verdict: an analysis held against every rule of a budget, limits inclusive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from layerscope.analysis.budgets.allow import Allowance, Allowed
from layerscope.analysis.budgets.growth import Former
from layerscope.analysis.budgets.quantities import Number, Unit, plain, unit_of
from layerscope.analysis.budgets.rules import RULES, Case, Measured, Rule
from layerscope.analysis.budgets.scope import InstructionLimit, Level, PathLimit
from layerscope.analysis.model import Facts
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.analysis.budgets.budget import Budget
    from layerscope.analysis.budgets.dive import DiveNumbers

NO_BASELINE = Former("baseline (--baseline)", None)
NO_ANCHOR = Former("anchor (--anchor)", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """One rule held against an analysis.

    `actual` is None where it cannot be known, which breaks the rule unless the message excuses it. `scope` is the
    pattern of a rule that looks at a part of the image. A broken rule of the level `warn` breaks no verdict.
    """

    rule: str
    limit: int | float
    actual: int | float | None
    passed: bool
    message: str
    level: Level = "fail"
    reason: str = ""
    scope: str | None = None
    unit: Unit = "bytes"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of all rules of a budget, and what its exceptions let pass."""

    rules: tuple[RuleResult, ...]
    allowed: tuple[Allowed, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.broken

    @property
    def broken(self) -> int:
        """How many rules are broken; those that only warn are left out."""
        return sum(not rule.passed and rule.level == "fail" for rule in self.rules)

    @property
    def warnings(self) -> int:
        """How many rules are broken that only warn."""
        return sum(not rule.passed and rule.level == "warn" for rule in self.rules)


def evaluate(
    budget: Budget,
    analysis: Facts,
    *,
    baseline: Former = NO_BASELINE,
    anchor: Former = NO_ANCHOR,
    dive: DiveNumbers | None = None,
    today: date | None = None,
) -> Verdict:
    """The verdict of `analysis`: named rules in the order of `RULES`, then instructions, paths, expired exceptions, dive's.

    `baseline` and `anchor` are what growth is measured from; without an image they are not there yet, and nothing is
    said of growth. `dive` has dive's numbers where the budget holds dive's rules. Exceptions expire only where `today`
    is given, so that a report of the same image is always the same.
    """
    expired = [allow for allow in budget.allows if allow.expired(today)]
    allowance = Allowance(allow for allow in budget.allows if allow not in expired)
    waste, allowed = allowance.waste(analysis)
    case = Case(
        analysis=analysis,
        baseline=baseline,
        anchor=anchor,
        min_change=budget.min_change,
        allowed=waste,
    )
    results = [_named(RULES[name], limit, case, budget) for name, limit in budget.limits.items()]
    parts: tuple[InstructionLimit | PathLimit, ...] = (*budget.instructions, *budget.paths)
    results += [_scoped(each, analysis, allowance) for each in parts]
    for allow in expired:
        words = [f"{allow.label}: was allowed until {allow.until}", allow.reason]
        results.append(
            RuleResult(
                rule="expired_allow",
                limit=0,
                actual=1,
                passed=False,
                message="; ".join(word for word in words if word),
                reason=allow.reason,
                scope=allow.glob,
                unit="count",
            )
        )
    results += _dive(budget, dive, analysis)
    return Verdict(tuple(results), allowed)


def _dive(budget: Budget, dive: DiveNumbers | None, analysis: Facts) -> Iterator[RuleResult]:
    if budget.dive is not None:
        from layerscope.analysis.budgets.dive_rules import judge

        yield from judge(budget.dive, dive, analysis)


def _named(rule: Rule, limit: Number, case: Case, budget: Budget) -> RuleResult:
    measured = rule.measure(case, limit)
    value = measured.value
    passed = bool(measured.excuse) or (value is not None and rule.holds(value, limit))
    level, reason = budget.terms.get(rule.name, ("fail", ""))
    unit = unit_of(rule.quantity, limit)
    words = [_message(rule, measured, limit, passed, unit, case)]
    if not passed:
        words.append(reason)
    return RuleResult(
        rule=rule.name,
        limit=plain(unit, limit),
        actual=None if value is None else plain(unit, value),
        passed=passed,
        message="; ".join(word for word in words if word),
        level=level,
        reason=reason,
        unit=unit,
    )


def _scoped(
    each: InstructionLimit | PathLimit, analysis: Facts, allowance: Allowance
) -> RuleResult:
    found = each.measure(analysis, allowance)
    passed = found.value is not None and found.value <= each.limit
    words = []
    if found.value is not None and each.unit == "bytes":
        left = each.limit - found.value
        words.append(f"{format_size(-left)} over" if left < 0 else _left(left))
    words.append(found.message)
    if not passed:
        words.append(each.reason)
    return RuleResult(
        rule=each.rule,
        limit=each.limit,
        actual=found.value,
        passed=passed,
        message=f"{each.scope}: " + "; ".join(word for word in words if word)
        if any(words)
        else each.scope,
        level=each.level,
        reason=each.reason,
        scope=each.scope,
        unit=each.unit,
    )


def _message(
    rule: Rule, measured: Measured, limit: Number, passed: bool, unit: Unit, case: Case
) -> str:
    """What a person wants to know beside the two numbers: the room that is left, or the first cause."""
    if measured.excuse or measured.value is None:
        return measured.excuse or measured.unknown
    room = ""
    if unit == "bytes":
        left = int(limit) - int(measured.value)
        room = f"{format_size(-left)} over" if left < 0 else _left(left)
    words = [room, measured.detail, _allowed(rule, case)]
    if not passed:
        words.insert(1, _cause(rule, case))
    return "; ".join(word for word in words if word)


def _left(left: int) -> str:
    return f"{format_size(left)} left" if left else "nothing left"


def _allowed(rule: Rule, case: Case) -> str:
    size = case.allowed.get(rule.name, 0)
    return f"{format_size(size)} allowed besides" if size else ""


def _cause(rule: Rule, case: Case) -> str:
    """The instruction to look at first when `rule` is broken."""
    analysis = case.analysis
    if rule.name in ("max_wasted", "max_wasted_percent", "min_efficiency"):
        causes: dict[int, int] = {}
        for file in analysis.waste:
            causes[file.wasted_by] = causes.get(file.wasted_by, 0) + file.bytes
        if not causes:
            return ""
        index = min(causes, key=lambda each: (-causes[each], each))
        return f"{format_size(causes[index])} of it by instruction {index}{_text(analysis, index)}"
    if rule.name in ("max_size", "max_tar_size", "max_own_size"):
        base = analysis.base
        first = base.layers if base is not None and rule.name == "max_own_size" else 0
        own = [
            each
            for each in analysis.instructions
            if any(n >= first for n in each.instruction.layers)
        ]
        largest = max(own, key=lambda each: each.sizes.content, default=None)
        if largest is None:
            return ""
        index = largest.instruction.index
        size = format_size(largest.sizes.content)
        return f"most, {size}, by instruction {index}{_text(analysis, index)}"
    if rule.name == "max_layer_size":
        layer = max(analysis.layers, key=lambda each: each.sizes.content)
        text = _text(analysis, layer.instruction)
        return f"layer {layer.index}, instruction {layer.instruction}{text}"
    if rule.name in ("max_growth", "max_drift"):
        return _most_grown(case, rule.name)
    return ""


def _most_grown(case: Case, rule: str) -> str:
    from layerscope.analysis.budgets.growth import grown_instructions

    former = case.baseline if rule == "max_growth" else case.anchor
    if former is None or former.side is None:
        return ""
    grown = grown_instructions(case.analysis, former.side)
    if not grown:
        return ""
    first = grown[0]
    size = format_size(first.bytes - first.before)
    return (
        f"{size} of it by instruction {first.instruction}{_text(case.analysis, first.instruction)}"
    )


def _text(analysis: Facts, index: int) -> str:
    if not 0 <= index < len(analysis.instructions):
        return ""
    text = " ".join(analysis.instructions[index].instruction.text.split())
    return f", {text[:60]}{'…' if len(text) > 60 else ''}" if text else ""
