"""A budget: limits from a configuration file and from options, and the verdict of an analysis against them.

Rules stand in the `[budget]` table of `layerscope.toml` or the `[tool.layerscope.budget]` table of `pyproject.toml`, or
directly at the top level of the one or in `[tool.layerscope]` of the other. An option beats the file, rule by rule.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

from layerscope.analysis.model import Analysis
from layerscope.analysis.rules import RULES, Measured, Number, Rule
from layerscope.errors import ConfigError
from layerscope.units import format_size

CONFIG_NAME = "layerscope.toml"
PYPROJECT = "pyproject.toml"
CONFIG_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits by rule name; empty when no rule is given."""

    limits: Mapping[str, Number]

    def __bool__(self) -> bool:
        return bool(self.limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleResult:
    """One rule held against an analysis. `actual` is None where it cannot be known, which breaks the rule."""

    rule: str
    limit: int | float
    actual: int | float | None
    passed: bool
    message: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of all rules of a budget, in the order of `RULES`."""

    rules: tuple[RuleResult, ...]

    @property
    def passed(self) -> bool:
        return all(rule.passed for rule in self.rules)

    @property
    def broken(self) -> int:
        """How many rules are broken."""
        return sum(not rule.passed for rule in self.rules)

_OTHER_TABLES = ("budget", "keys", "browser")
"""What stands in a configuration file beside rules."""


def load_budget(
    config: Path | None = None,
    options: Mapping[str, object] | None = None,
    *,
    directory: Path | None = None,
) -> Budget:
    """The budget of `config`, or else of the file in `directory` (by default the current one), under `options`.

    Without `config`, `layerscope.toml` and the `[tool.layerscope]` of `pyproject.toml` are looked for; none is no error,
    rules in both are one. Raises `ConfigError` for a named file that is missing, for unknown keys and for wrong values.
    """
    if config is not None:
        limits = _read(config)
        if limits is None:
            raise ConfigError(
                f"{_shown(config)} has no rules", hint="put them into its [budget] table"
            )
    else:
        limits = _discover(directory or Path()) or {}
    for name, value in (options or {}).items():
        limits[name] = _parse(RULES[name], value, f"--{name.replace('_', '-')}")
    return Budget({name: limits[name] for name in RULES if name in limits})


def _discover(directory: Path) -> dict[str, Number] | None:
    own, shared = directory / CONFIG_NAME, directory / PYPROJECT
    from_own = _read(own) if os.path.lexists(own) else None
    from_shared = _read(shared) if os.path.lexists(shared) else None
    if from_own is not None and from_shared is not None:
        raise ConfigError(
            f"both {CONFIG_NAME} and {PYPROJECT} hold rules",
            hint="keep them in one, or name one with --config",
        )
    return from_own if from_own is not None else from_shared


def _shown(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _read(path: Path) -> dict[str, Number] | None:
    """The limits of one file; None when it has none to give."""
    document = _parse_toml(path)
    if path.name == PYPROJECT:
        tool = document.get("tool", {})
        if not isinstance(tool, dict):
            raise ConfigError(f"{_shown(path)}: tool is no table", hint="write [tool.layerscope]")
        if "layerscope" not in tool:
            return None
        table, place = tool["layerscope"], "tool.layerscope"
    else:
        table, place = document, ""
    return _limits(table, place, _shown(path))


def _parse_toml(path: Path) -> dict[str, Any]:
    shown = _shown(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{shown} is no regular file", hint="name a TOML file")
        with path.open("rb") as file:
            data = file.read(CONFIG_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{shown} does not exist", hint="check the name") from None
    except OSError as error:
        raise ConfigError(
            f"{shown} cannot be read: {error.strerror}", hint="name a TOML file that can be read"
        ) from None
    if len(data) > CONFIG_BYTES:
        raise ConfigError(
            f"{shown} has more than {CONFIG_BYTES} bytes", hint="name a TOML file of rules"
        )
    try:
        return tomllib.loads(data.decode("utf-8-sig"), parse_float=Decimal)
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{shown} is not UTF-8 at byte {error.start}", hint="save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{shown} is not valid TOML: {error}", hint="mend the line") from None
    except (RecursionError, ValueError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise ConfigError(f"{shown} cannot be read: {reason}", hint="mend the file") from None


def _limits(table: object, place: str, shown: str) -> dict[str, Number]:
    if not isinstance(table, dict):
        raise ConfigError(f"{shown}: {place} is no table", hint=f"write [{place}]")
    inner = table.get("budget", {})
    inner_place = f"{place}.budget".lstrip(".")
    if not isinstance(inner, dict):
        raise ConfigError(f"{shown}: {inner_place} is no table", hint=f"write [{inner_place}]")
    outer = {name: value for name, value in table.items() if name not in _OTHER_TABLES}
    limits: dict[str, Number] = {}
    for values, where in ((outer, place), (inner, inner_place)):
        for name, value in values.items():
            key = f"{where}.{name}".lstrip(".")
            rule = RULES.get(name)
            if rule is None:
                raise ConfigError(f"{shown}: unknown key {key}", hint=_meant(name))
            if name in limits:
                raise ConfigError(f"{shown}: {name} is set twice", hint=f"keep {key}")
            limits[name] = _parse(rule, value, f"{shown}: {key}")
    return limits


def _meant(name: str) -> str:
    import difflib

    close = difflib.get_close_matches(name.replace("-", "_"), RULES, n=1)
    return f"did you mean {close[0]}?" if close else f"the rules are {', '.join(RULES)}"


def _parse(rule: Rule, value: object, place: str) -> Number:
    try:
        return rule.parse(value)
    except ConfigError as error:
        raise ConfigError(f"{place}: {error.message}", hint=error.hint) from None


def evaluate(budget: Budget, analysis: Analysis) -> Verdict:
    """The verdict of `analysis`: every rule of the budget, limits inclusive."""
    return Verdict(
        tuple(_evaluate(RULES[name], limit, analysis) for name, limit in budget.limits.items())
    )


def _evaluate(rule: Rule, limit: Number, analysis: Analysis) -> RuleResult:
    measured = rule.measure(analysis)
    passed = measured.value is not None and rule.holds(measured.value, limit)
    return RuleResult(
        rule=rule.name,
        limit=_plain(rule, Fraction(limit)),
        actual=None if measured.value is None else _plain(rule, measured.value),
        passed=passed,
        message=_message(rule, measured, limit, passed, analysis),
    )


def _plain(rule: Rule, value: Fraction) -> int | float:
    return int(value) if rule.quantity in ("size", "count") else float(value)


def _message(
    rule: Rule, measured: Measured, limit: Number, passed: bool, analysis: Analysis
) -> str:
    """What a person wants to know beside the two numbers: the room that is left, or the first cause."""
    if measured.value is None:
        return measured.unknown
    if passed:
        if rule.quantity != "size":
            return ""
        left = int(limit) - int(measured.value)
        return f"{format_size(left)} left" if left else "nothing left"
    over = ""
    if rule.quantity == "size":
        over = f"{format_size(int(measured.value) - int(limit))} over"
    return "; ".join(part for part in (over, _cause(rule, analysis)) if part)


def _cause(rule: Rule, analysis: Analysis) -> str:
    """The instruction to look at first when `rule` is broken."""
    if rule.name in ("max_wasted", "max_wasted_percent", "min_efficiency"):
        causes: dict[int, int] = {}
        for file in analysis.waste:
            causes[file.wasted_by] = causes.get(file.wasted_by, 0) + file.bytes
        if not causes:
            return ""
        index = min(causes, key=lambda each: (-causes[each], each))
        return f"{format_size(causes[index])} of it by instruction {index}{_text(analysis, index)}"
    if rule.name in ("max_size", "max_tar_size"):
        largest = max(analysis.instructions, key=lambda each: each.sizes.content, default=None)
        if largest is None:
            return ""
        index = largest.instruction.index
        size = format_size(largest.sizes.content)
        return f"most, {size}, by instruction {index}{_text(analysis, index)}"
    if rule.name == "max_layer_size":
        layer = max(analysis.layers, key=lambda each: each.sizes.content)
        text = _text(analysis, layer.instruction)
        return f"layer {layer.index}, instruction {layer.instruction}{text}"
    return ""


def _text(analysis: Analysis, index: int) -> str:
    if not 0 <= index < len(analysis.instructions):
        return ""
    text = " ".join(analysis.instructions[index].instruction.text.split())
    return f", {text[:60]}{'…' if len(text) > 60 else ''}" if text else ""
