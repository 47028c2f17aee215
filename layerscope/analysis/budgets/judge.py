"""An analysis checked against every rule of a budget; a value equal to its limit passes."""

from __future__ import annotations

from datetime import date

from layerscope.analysis.budgets.allow import Allow, Allowance
from layerscope.analysis.budgets.budget import Budget
from layerscope.analysis.budgets.causes import Cause, cause_of
from layerscope.analysis.budgets.dive import DiveNumbers
from layerscope.analysis.budgets.dive_rules import judge_dive
from layerscope.analysis.budgets.growth import Former
from layerscope.analysis.budgets.quantities import Number, Unit, plain, unit_of
from layerscope.analysis.budgets.rules import RULES, Case, Measured, Rule
from layerscope.analysis.budgets.scope import InstructionLimit, PathLimit, room_words
from layerscope.analysis.budgets.secrets import judge_secrets
from layerscope.analysis.budgets.verdict import RuleResult, Verdict
from layerscope.analysis.model import Facts
from layerscope.units import format_size

NO_BASELINE = Former("baseline (--baseline)", None)
NO_ANCHOR = Former("anchor (--anchor)", None)


def evaluate(
    budget: Budget,
    analysis: Facts,
    *,
    baseline: Former = NO_BASELINE,
    anchor: Former = NO_ANCHOR,
    dive: DiveNumbers | None = None,
    today: date | None = None,
) -> Verdict:
    """The verdict on `analysis`: rules in the order of `RULES`, then instructions, paths, their growth, packages, secrets, expired exceptions, dive's.

    Growth is measured from `baseline` and `anchor`. If they have no image yet, their rules are skipped. `dive` has
    dive's numbers if the budget has dive's rules. Exceptions expire only if you pass `today`, so without it a report of
    the same image is always the same.
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
        allows=allowance.of,
    )
    results = [_named(RULES[name], limit, case, budget) for name, limit in budget.limits.items()]
    parts: tuple[InstructionLimit | PathLimit, ...] = (*budget.instructions, *budget.paths)
    results += [_scoped(each, analysis, allowance) for each in parts]
    results += [each.judge(case) for each in budget.parts]
    if budget.forbid_secrets:
        results.append(judge_secrets(budget.secret_allows, analysis, today))
    results += [_expired(allow) for allow in expired]
    if budget.dive is not None:
        results += judge_dive(budget.dive, dive, analysis)
    return Verdict(tuple(results), allowed)


def _named(rule: Rule, limit: Number, case: Case, budget: Budget) -> RuleResult:
    measured = rule.measure(case, limit)
    value = measured.value
    skipped = bool(measured.skipped)
    passed = not skipped and (
        bool(measured.excuse) or (value is not None and rule.holds(value, limit))
    )
    broken = not passed and not skipped
    level, reason = budget.terms.get(rule.name, ("fail", ""))
    unit = unit_of(rule.quantity, limit)
    cause = cause_of(rule.name, limit, case) if broken and value is not None else Cause()
    words = [_message(rule, measured, limit, unit, case, cause)]
    if broken:
        words.append(reason)
    return RuleResult(
        rule=rule.name,
        limit=plain(unit, limit),
        actual=None if value is None else plain(unit, value),
        passed=passed,
        skipped=skipped,
        message="; ".join(word for word in words if word),
        level=level,
        reason=reason,
        unit=unit,
        written=budget.written.get(rule.name, ""),
        instructions=cause.instructions,
    )


def _scoped(
    each: InstructionLimit | PathLimit, analysis: Facts, allowance: Allowance
) -> RuleResult:
    found = each.measure(analysis, allowance)
    passed = found.value is not None and found.value <= each.limit
    words = []
    if found.value is not None and each.unit == "bytes":
        words.append(room_words(each.limit - found.value))
    words.append(found.message)
    if not passed:
        words.append(each.reason)
    message = "; ".join(word for word in words if word)
    return RuleResult(
        rule=each.rule,
        limit=each.limit,
        actual=found.value,
        passed=passed,
        message=f"{each.scope}: {message}" if message else each.scope,
        level=each.level,
        reason=each.reason,
        scope=each.scope,
        unit=each.unit,
        written=each.written,
        instructions=() if passed else found.instructions,
    )


def _expired(allow: Allow) -> RuleResult:
    words = [f"{allow.label}: was allowed until {allow.until}", allow.reason]
    return RuleResult(
        rule="expired_allow",
        limit=0,
        actual=1,
        passed=False,
        message="; ".join(word for word in words if word),
        reason=allow.reason,
        scope=allow.glob,
        unit="count",
    )


def _message(
    rule: Rule, measured: Measured, limit: Number, unit: Unit, case: Case, cause: Cause
) -> str:
    """Context for the two numbers: the room that is left, or the cause."""
    if measured.skipped or measured.excuse or measured.value is None:
        return measured.skipped or measured.excuse or measured.unknown
    room = room_words(int(limit) - int(measured.value)) if unit == "bytes" else ""
    size = case.allowed.get(rule.name, 0)
    besides = f"{format_size(size)} more allowed by exceptions" if size else ""
    return "; ".join(word for word in (room, cause.words, measured.detail, besides) if word)
