"""A budget: limits from a configuration file and from options.

Rules live in the `[budget]` table of `layerscope.toml`, or in the `[tool.layerscope.budget]` table of `pyproject.toml`.
The top level of `layerscope.toml` and the `[tool.layerscope]` table work too. An option overrides the file's rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from pathlib import Path

from layerscope.analysis.budgets.allow import Allow
from layerscope.analysis.budgets.budget_file import (
    Rules,
    discover,
    parse_min_change,
    read,
    shown,
)
from layerscope.analysis.budgets.dive_rules import DiveRules, dive_rules
from layerscope.analysis.budgets.names import CONFIG_NAME, DIVE_CI, PYPROJECT
from layerscope.analysis.budgets.package_limit import PackageLimit
from layerscope.analysis.budgets.part import PartGrowth
from layerscope.analysis.budgets.quantities import Number, written_limit
from layerscope.analysis.budgets.rules import RULES
from layerscope.analysis.budgets.scope import InstructionLimit, Level, PathLimit
from layerscope.analysis.budgets.secrets import AllowSecret
from layerscope.analysis.budgets.weight_limit import WeightLimit
from layerscope.errors import ConfigError
from layerscope.records import dataclass

__all__ = ["CONFIG_NAME", "PYPROJECT", "Budget", "load_budget"]


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits by rule name, limits on parts of the image, and exceptions. False if there is no rule.

    `written` has each limit as its author wrote it, and `terms` the level and reason of a rule if the file gives them.
    `baseline`, `anchor`, and `base` are references of images or paths of saved reports, as in the file. `file` is where
    the rules came from.
    """

    limits: Mapping[str, Number]
    written: Mapping[str, str] = field(default_factory=dict)
    terms: Mapping[str, tuple[Level, str]] = field(default_factory=dict)
    instructions: tuple[InstructionLimit, ...] = ()
    paths: tuple[PathLimit, ...] = ()
    growths: tuple[PartGrowth, ...] = ()
    packages: tuple[PackageLimit, ...] = ()
    weights: tuple[WeightLimit, ...] = ()
    allows: tuple[Allow, ...] = ()
    forbid_secrets: bool = False
    secret_allows: tuple[AllowSecret, ...] = ()
    min_change: int = 0
    baseline: str | None = None
    anchor: str | None = None
    base: str | None = None
    dive: DiveRules | None = None
    file: Path | None = None

    @property
    def rules(self) -> frozenset[str]:
        """The names of the rules that measure from a baseline or an anchor, or have a limit of their own."""
        return frozenset((*self.limits, *(each.rule for each in self.parts)))

    @property
    def parts(self) -> tuple[PartGrowth | PackageLimit | WeightLimit, ...]:
        """The limits on parts of the image that may measure from a baseline."""
        return (*self.growths, *self.packages, *self.weights)

    def __bool__(self) -> bool:
        parts = (self.instructions, self.paths, self.growths, self.packages, self.weights)
        return bool(self.limits or any(parts) or self.forbid_secrets or self.dive)


def load_budget(
    config: Path | None = None,
    options: Mapping[str, object] | None = None,
    *,
    directory: Path | None = None,
    dive_options: Mapping[str, str] | None = None,
    dive_file: Path | None = None,
    find_dive: bool = False,
) -> Budget:
    """The budget in the file `config`, or of `directory` (by default the current one), overridden by `options`.

    Without `config`, this looks for `layerscope.toml` and for `[tool.layerscope]` in `pyproject.toml`. It's fine if
    there is neither, but an error if both have rules. `options` are limits by rule name, and `min_change`, `baseline`,
    `anchor`, and `base`. dive's rules come from its options, from `dive_file`, or with `find_dive` from the folder's
    `.dive-ci` if no other file has rules. Raises `ConfigError` for a named file that is missing, unknown keys, and wrong
    values.
    """
    folder = directory or Path()
    if config is not None:
        rules = read(config)
        if rules is None:
            raise ConfigError(
                f"{shown(config)} has no rules", hint="put them into its [budget] table"
            )
    else:
        rules = discover(folder) or Rules()
    if dive_file is None and find_dive and rules.file is None and (folder / DIVE_CI).is_file():
        dive_file = folder / DIVE_CI
    budget = Budget(
        limits=rules.limits,
        written=rules.written,
        terms=rules.terms,
        instructions=tuple(rules.instructions),
        paths=tuple(rules.paths),
        growths=tuple(rules.growths),
        packages=tuple(rules.packages),
        weights=tuple(rules.weights),
        allows=tuple(rules.allows),
        forbid_secrets=rules.forbid_secrets,
        secret_allows=tuple(rules.secret_allows),
        min_change=rules.min_change,
        baseline=rules.baseline,
        anchor=rules.anchor,
        base=rules.base,
        dive=dive_rules(dive_file, dive_options or {}),
        file=rules.file,
    )
    return _with_options(budget, options or {})


def _with_options(budget: Budget, options: Mapping[str, object]) -> Budget:
    limits, written = dict(budget.limits), dict(budget.written)
    for name, value in options.items():
        if name in RULES:
            try:
                limits[name] = RULES[name].parse(value)
                written[name] = written_limit(value)
            except ConfigError as error:
                option = f"--{name.replace('_', '-')}"
                raise ConfigError(f"{option}: {error.message}", hint=error.hint) from None
    changes = {name: value for name, value in options.items() if name not in RULES}
    if "min_change" in changes:
        changes["min_change"] = parse_min_change(changes["min_change"], "--min-change")
    ordered = {name: limits[name] for name in RULES if name in limits}
    return replace(budget, limits=ordered, written=written, **changes)  # type: ignore[arg-type]
