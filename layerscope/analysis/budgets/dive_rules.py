"""dive's rules: the `.dive-ci` file, the options, and the verdict that dive 0.13.1 would give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal

from layerscope.analysis.budgets.budget_file import read_bytes, shown
from layerscope.analysis.budgets.dive import DiveNumbers
from layerscope.analysis.budgets.names import DIVE_RULES
from layerscope.analysis.budgets.quantities import parse_limit, written_limit
from layerscope.analysis.budgets.verdict import RuleResult
from layerscope.analysis.model import Facts
from layerscope.errors import ConfigError
from layerscope.records import dataclass
from layerscope.units import format_percent, format_size

DISABLED = "disabled"
DEFAULTS = {
    "lowestEfficiency": "0.9",
    "highestWastedBytes": DISABLED,
    "highestUserWastedPercent": "0.1",
}
"""dive's defaults for rules that are left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiveRules:
    """Limits as dive reads them, None for a disabled rule. `defaults` names the rules that were not given.

    `written` has each limit as its author wrote it.
    """

    lowest_efficiency: Decimal | None
    highest_wasted_bytes: int | None
    highest_user_wasted_percent: Decimal | None
    defaults: frozenset[str] = frozenset()
    written: Mapping[str, str] = field(default_factory=dict, compare=False)


def dive_rules(file: Path | None, options: Mapping[str, str]) -> DiveRules | None:
    """The rules of a `.dive-ci` file, overridden by dive's options; None if neither is given. Raises `ConfigError`."""
    if file is None and not options:
        return None
    written = {} if file is None else _read(file)
    places = dict.fromkeys(written, "" if file is None else f"{shown(file)}: rules.")
    written |= options
    places |= dict.fromkeys(options, "--")
    limits = {
        name: _limit(name, written.get(name, DEFAULTS[name]), places.get(name, ""))
        for name in DIVE_RULES
    }
    bytes_limit = limits["highestWastedBytes"]
    return DiveRules(
        lowest_efficiency=limits["lowestEfficiency"],
        highest_wasted_bytes=None if bytes_limit is None else int(bytes_limit),
        highest_user_wasted_percent=limits["highestUserWastedPercent"],
        defaults=frozenset(DIVE_RULES) - written.keys(),
        written={name: written_limit(value) for name, value in (DEFAULTS | written).items()},
    )


def _read(path: Path) -> dict[str, str]:
    import yaml

    name = shown(path)
    data = read_bytes(path, "a .dive-ci file")
    try:
        document: Any = yaml.load(data, Loader=yaml.BaseLoader)  # noqa: S506 - makes nothing but strings
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        line = " ".join(str(error).split())
        raise ConfigError(f"{name} is not valid YAML: {line[:200]}", hint="fix the file") from None
    rules = _below(document, "rules") if isinstance(document, dict) else None
    if not isinstance(rules, dict):
        if document in (None, "") or (isinstance(document, dict) and rules in (None, "")):
            return {}
        raise ConfigError(
            f"{name} has no rules table", hint="write rules: and dive's rules below it"
        )
    found: dict[str, str] = {}
    for rule in DIVE_RULES:
        value = _below(rules, rule)
        if value in (None, ""):
            continue
        if not isinstance(value, str):
            raise ConfigError(
                f"{name}: rules.{rule} is not a value", hint="write a number, or disabled"
            )
        found[rule] = value
    return found


def _below(table: Mapping[object, object], key: str) -> object:
    """The value of a key. dive ignores case in keys."""
    return next((value for each, value in table.items() if str(each).lower() == key.lower()), None)


def _limit(name: str, value: str, place: str) -> Decimal | None:
    text = value.strip()
    if text == DISABLED:
        return None
    if name == "highestWastedBytes":
        try:
            return Decimal(_dive_size(text))
        except ConfigError as error:
            raise ConfigError(f"{place}{name}: {error.message}", hint=error.hint) from None
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number <= 1 or len(text) > 40:
        raise ConfigError(
            f"{place}{name}: {text[:40]!r} is not between 0 and 1",
            hint="dive takes shares, such as 0.1 for 10 %, or disabled",
        )
    return number


def _dive_size(text: str) -> int:
    """A size as dive reads it: commas are ignored, and `Mi` means `MiB`."""
    plain = text.replace(",", "")
    return int(parse_limit("size", f"{plain}B" if plain[-1:] in "iI" and plain else plain))


def judge_dive(
    rules: DiveRules, numbers: DiveNumbers | None, analysis: Facts
) -> Iterator[RuleResult]:
    """dive's verdict by its own numbers, with the true numbers in the message. As in dive, meeting a limit exactly passes."""
    sizes = analysis.sizes
    true = f"actually {format_size(sizes.wasted)} are wasted"
    share = format_percent(sizes.live, sizes.content) if sizes.content else "100.0 %"
    rows: tuple[tuple[str, Decimal | int | None, float | None, str], ...] = (
        (
            "lowestEfficiency",
            rules.lowest_efficiency,
            None if numbers is None else numbers.efficiency_score,
            f"actually {share} are live",
        ),
        (
            "highestWastedBytes",
            rules.highest_wasted_bytes,
            None if numbers is None else numbers.inefficient_bytes,
            true,
        ),
        (
            "highestUserWastedPercent",
            rules.highest_user_wasted_percent,
            None if numbers is None else numbers.user_wasted_percent,
            true,
        ),
    )
    for name, limit, actual, beside in rows:
        if limit is not None:
            yield _result(rules, numbers, name, limit, actual, beside)


def _result(
    rules: DiveRules,
    numbers: DiveNumbers | None,
    name: str,
    limit: Decimal | int,
    actual: float | None,
    beside: str,
) -> RuleResult:
    unit: Literal["bytes", "share"] = "bytes" if name == "highestWastedBytes" else "share"
    bound = float(limit) if unit == "share" else int(limit)
    words = [beside]
    if name in rules.defaults:
        words.append("this is dive's default; write disabled to turn it off")
    if numbers is None:
        passed = False
        words = ["unknown: the source doesn't have every layer"]
    elif actual is None:
        passed = not numbers.inefficient_bytes
        words.insert(0, "dive divides by zero: no layer above the lowest has content")
    else:
        passed = actual >= bound if name == "lowestEfficiency" else actual <= bound
    return RuleResult(
        rule=name,
        limit=bound,
        actual=actual,
        passed=passed,
        message="; ".join(words),
        unit=unit,
        written=rules.written.get(name, ""),
    )
