"""The outcome of a budget: a result for each rule, and what the exceptions let pass."""

from __future__ import annotations

from dataclasses import dataclass

from layerscope.analysis.budgets.allow import Allowed
from layerscope.analysis.budgets.quantities import Unit
from layerscope.analysis.budgets.scope import Level


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """One rule checked against an analysis.

    `actual` is None where it cannot be known, which breaks the rule. A rule that had nothing to measure from is
    `skipped`: it has not passed, and it breaks no verdict. `written` is the limit as its author wrote it, `scope` the
    pattern of a rule that looks at a part of the image, and `instructions` are those at fault when the rule is broken,
    the largest first. A broken rule of the level `warn` breaks no verdict.
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
    """The outcome of all rules of a budget, and what its exceptions let pass."""

    rules: tuple[RuleResult, ...]
    allowed: tuple[Allowed, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.broken

    @property
    def broken(self) -> int:
        """How many rules are broken, without those that only warn."""
        return sum(rule.broken and rule.level == "fail" for rule in self.rules)

    @property
    def warnings(self) -> int:
        """How many rules are broken that only warn."""
        return sum(rule.broken and rule.level == "warn" for rule in self.rules)

    @property
    def skipped(self) -> int:
        """How many rules could not be evaluated because there is no baseline or anchor yet."""
        return sum(rule.skipped for rule in self.rules)
