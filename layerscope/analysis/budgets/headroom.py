"""Limits from today's sizes of an image: a first budget, and raising single limits of an existing one.

Files are edited with tomlkit, which keeps comments and order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from layerscope.analysis.budgets.budget_file import LISTS
from layerscope.analysis.budgets.names import GROWTH_RULES
from layerscope.analysis.budgets.rules import LOWER_LIMITS, RULES, Case
from layerscope.analysis.budgets.verdict import RuleResult, Verdict
from layerscope.analysis.model import Facts
from layerscope.errors import ConfigError
from layerscope.records import dataclass
from layerscope.units import format_percent, format_size

HEADROOM = 10
"""How much larger than today's size a new limit is, in percent."""
_FIRST = (
    "max_size",
    "max_own_size",
    "max_compressed_size",
    "max_wasted",
    "min_efficiency",
    "max_layers",
)
"""The rules of a first budget."""

_MORE = """
# Growth since the last release (check --baseline IMAGE or report.json) and since a fixed point.
# max_growth = "2%"
# min_change = "100kB"
# max_drift = "20%"
# anchor = "first-release.json"

# Limits on single instructions and on paths, and paths that are forbidden.
# [[budget.instruction]]
# match = "RUN pip*"
# max = "80MB"

# [[budget.path]]
# glob = "/usr/share/doc/**"
# max = "5MB"
# level = "warn"

# [[budget.path]]
# glob = "**/.git/**"
# max = 0
# reason = "don't ship the repository's history"

# Limits on packages by type and name, as in `layerscope packages IMAGE`.
# [[budget.package]]
# match = "pypi:torch"
# max = "800MB"

# Paths that rules on waste and on paths ignore for a while.
# [[budget.allow]]
# glob = "/opt/vendor/**"
# reason = "the vendor's installer writes its files twice"
# until = 2027-01-31
"""


def write_size(size: int) -> str:
    """A size for a budget, rounded up to three digits: `187MB`."""
    factor, unit = 1, "B"
    for unit_factor, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit_factor:
            factor, unit = unit_factor, name
            break
    if factor == 1:
        return f"{size}B"
    places = max(0, 3 - len(str(size // factor)))
    scaled = -(-size * 10**places // factor)
    digits = str(scaled).rjust(places + 1, "0")
    whole, part = (digits[:-places], digits[-places:]) if places else (digits, "")
    part = part.rstrip("0")
    return f"{whole}.{part}{unit}" if part else f"{whole}{unit}"


def with_headroom(size: int, percent: int) -> int:
    """The size plus this percentage of it, rounded up."""
    return size + -(-size * percent // 100)


def limit_for(rule: str, value: Fraction, percent: int) -> str | int | float:
    """A limit with headroom above `value`, as written in a configuration file."""
    quantity = RULES[rule].quantity if rule in RULES else "size"
    if rule in LOWER_LIMITS:
        room = (1 - value) * percent / 100
        return int((value - room) * 1000) / 1000 if value > room else 0.0
    if quantity == "size":
        return write_size(with_headroom(int(value), percent))
    if quantity == "count":
        return with_headroom(int(value), percent)
    more = value * (100 + percent) / 100
    return min(100.0, float(-(-more * 10 // 1)) / 10)


def first_budget(analysis: Facts, percent: int = HEADROOM) -> str:
    """A commented `layerscope.toml` whose limits are today's sizes plus `percent`."""
    name = analysis.name
    name = " ".join(name.split()).encode("ascii", "backslashreplace").decode("ascii")
    name = "".join(each if each.isprintable() else "?" for each in name)
    lines = [
        f"# The budget of {name} ({analysis.platform}): its sizes on the day this file was written, plus {percent} %.",
        "# `layerscope check IMAGE` checks an image against it. Reaching a limit exactly is fine.",
        "# To accept growth: `layerscope check IMAGE --update max_size`.",
        "",
        "[budget]",
    ]
    lines += _first_rules(analysis, percent)
    return "\n".join(lines) + "\n" + _MORE


def _first_rules(analysis: Facts, percent: int) -> Iterator[str]:
    case = Case(analysis=analysis)
    for name in _FIRST:
        rule = RULES[name]
        value = rule.measure(case, 0).value
        if value is None:
            yield f"# {rule.help} Unknown for this image."
            yield f'# {name} = "…"'
            continue
        limit = limit_for(name, value, percent)
        written = f'"{limit}"' if isinstance(limit, str) else f"{limit}"
        yield f"# {rule.help} Now {_today(rule.quantity, value)}."
        yield f"{name} = {written}"


def _today(quantity: str, value: Fraction) -> str:
    if quantity == "size":
        return format_size(int(value))
    return format_percent(float(value), 1) if quantity == "share" else str(int(value))


@dataclass(frozen=True, slots=True)
class Update:
    """A limit before and after it was raised, as written. `after` is None if there was no need."""

    rule: str
    before: str
    after: str | None


def update_budget(
    text: str, place: Sequence[str], wanted: Sequence[str], verdict: Verdict, percent: int
) -> tuple[str, tuple[Update, ...]]:
    """Raise the named limits in a file. Returns the new text and what was changed.

    `place` is the path to the budget table's parent (`tool`, `layerscope` in pyproject.toml). Name a rule as in the
    verdict, or as `path:GLOB`, `instruction:PATTERN`, or `package:PATTERN` if it is about a part of the image. Raises `ConfigError` for a
    rule that is not in the file, or that is not a limit on a single image.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
    except TOMLKitError as error:
        raise ConfigError(f"the budget cannot be updated: {error}", hint="fix the file") from None
    table: Any = document
    for key in place:
        table = table.get(key, {})
    updates = tuple(_update(table, name, verdict, percent) for name in wanted)
    return tomlkit.dumps(document), updates


def _update(table: Any, name: str, verdict: Verdict, percent: int) -> Update:
    group, colon, scope = name.partition(":")
    if colon and group in LISTS[:3]:
        row = _row(table, group, scope)
        key, result = _scoped(row, scope, verdict)
    else:
        rule = name.replace("-", "_")
        row, key = _holder(table, rule), rule
        if row is not None and isinstance(row[rule], dict):
            row, key = row[rule], "limit"
        result = next((each for each in verdict.rules if each.rule == rule), None)
    if row is None or result is None:
        raise ConfigError(f"--update {name}: the file has no such rule", hint=_names(table))
    if result.rule in (*GROWTH_RULES, "forbidden_path"):
        raise ConfigError(
            f"--update {name}: {result.rule} is not a size of the image",
            hint="edit the file, or use another baseline",
        )
    return _raise(row, key, name, result, percent)


def _scoped(row: Any, scope: str, verdict: Verdict) -> tuple[str, RuleResult | None]:
    """The limit of a row that its verdict is about: a size before a growth, the broken one first."""
    found = []
    for each in verdict.rules:
        key = "max_compressed" if "_compressed_" in each.rule else "max"
        if each.rule in GROWTH_RULES:
            key += "_growth"
        if each.scope == scope and each.rule != "expired_allow" and row is not None and key in row:
            found.append((key, each))
    found.sort(key=lambda pair: (pair[0].endswith("_growth"), pair[1].passed))
    return found[0] if found else ("max", None)


def _raise(row: Any, key: str, name: str, result: RuleResult, percent: int) -> Update:
    before = str(row[key])
    if result.actual is None:
        raise ConfigError(f"--update {name}: {result.message}", hint="a limit needs a number")
    if result.passed:
        return Update(name, before, None)
    row[key] = limit_for(result.rule, Fraction(result.actual), percent)
    return Update(name, before, str(row[key]))


def _holder(table: Any, rule: str) -> Any:
    """The table that has a rule: the budget's, or the one above."""
    inner = table.get("budget", {})
    return next((each for each in (inner, table) if rule in each), None)


def _row(table: Any, group: str, scope: str) -> Any:
    key = "glob" if group == "path" else "match"
    holder = _holder(table, group)
    rows = [] if holder is None else holder[group]
    return next((row for row in rows if row.get(key) == scope), None)


def _names(table: Any) -> str:
    inner = table.get("budget", {})
    names = [name for name in RULES if name in inner or name in table]
    for group, key in (("instruction", "match"), ("path", "glob"), ("package", "match")):
        holder = _holder(table, group)
        names += [f"{group}:{row[key]}" for row in (holder[group] if holder else ()) if key in row]
    return f"it has {', '.join(names)}" if names else "it has none"
