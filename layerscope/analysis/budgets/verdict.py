"""The outcome of a budget: a result for each rule, and what the exceptions allow."""

from __future__ import annotations

from layerscope.analysis.budgets.allow import Allowed
from layerscope.analysis.budgets.quantities import Unit
from layerscope.analysis.budgets.scope import Level
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """One rule checked against an analysis.

    `actual` is None if unknown, which breaks the rule. A rule that had nothing to measure from is `skipped`: it neither
    passes nor fails the verdict. `written` is the limit as its author wrote it, `scope` the pattern of a rule about a
    part of the image, and `instructions` are the ones at fault if the rule is broken, largest first. A broken rule of
    level `warn` doesn't fail the verdict.
    """

    rule: str
    limit: int | float
    actual: int | float | None
    passed: bool
    message: str
    skipped: bool = False
    level: Level = "fail"
    reason: str = ""
    scope: str | None = None
    unit: Unit = "bytes"
    written: str = ""
    instructions: tuple[int, ...] = ()

    @property
    def broken(self) -> bool:
        return not self.passed and not self.skipped


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of all rules of a budget, and what its exceptions allow."""

    rules: tuple[RuleResult, ...]
    allowed: tuple[Allowed, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.broken

    @property
    def broken(self) -> int:
        """The number of broken rules, without those that only warn."""
        return sum(rule.broken and rule.level == "fail" for rule in self.rules)

    @property
    def warnings(self) -> int:
        """The number of broken rules that only warn."""
        return sum(rule.broken and rule.level == "warn" for rule in self.rules)

    @property
    def skipped(self) -> int:
        """The number of rules that could not be evaluated because there is no baseline or anchor yet."""
        return sum(rule.skipped for rule in self.rules)
