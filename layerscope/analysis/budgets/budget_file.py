"""The file of a budget: `layerscope.toml`, or `[tool.layerscope]` of `pyproject.toml`, read strictly."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypedDict, TypeVar

from layerscope.analysis.budgets.allow import ALLOWED_IN, Allow
from layerscope.analysis.budgets.names import CONFIG_NAME, FORBID_SECRETS, PYPROJECT, Quantity
from layerscope.analysis.budgets.package_limit import PackageLimit
from layerscope.analysis.budgets.part import PartGrowth
from layerscope.analysis.budgets.quantities import (
    Number,
    kind_of,
    parse_limit,
    shown_value,
    written_limit,
)
from layerscope.analysis.budgets.rules import RULES
from layerscope.analysis.budgets.scope import InstructionLimit, Level, PathLimit
from layerscope.analysis.budgets.secrets import AllowSecret
from layerscope.analysis.budgets.weight_limit import WeightLimit, is_known
from layerscope.analysis.comparison.glob import compile_glob
from layerscope.errors import ConfigError, UsageError
from layerscope.records import dataclass

Matched = TypeVar("Matched", PackageLimit, WeightLimit)

CONFIG_BYTES = 1024 * 1024
LISTS = ("instruction", "path", "package", "dead_weight", "allow", "allow_secret")
REFERENCES = ("baseline", "anchor", "base")
KEYS = (*RULES, FORBID_SECRETS, "min_change", *REFERENCES, *LISTS)
"""All keys of a budget."""
APART_TABLES = frozenset({"advice", "browser", "keys"})
OTHER_TABLES = ("budget", *sorted(APART_TABLES))
"""Tables that may be next to rules in the same file: the budget's own, and settings for advice and the browser."""


@dataclass(slots=True)
class Rules:
    """The contents of one file."""

    limits: dict[str, Number] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    terms: dict[str, tuple[Level, str]] = field(default_factory=dict)
    instructions: list[InstructionLimit] = field(default_factory=list)
    paths: list[PathLimit] = field(default_factory=list)
    growths: list[PartGrowth] = field(default_factory=list)
    packages: list[PackageLimit] = field(default_factory=list)
    weights: list[WeightLimit] = field(default_factory=list)
    allows: list[Allow] = field(default_factory=list)
    forbid_secrets: bool = False
    secret_allows: list[AllowSecret] = field(default_factory=list)
    min_change: int = 0
    baseline: str | None = None
    anchor: str | None = None
    base: str | None = None
    file: Path | None = None


def discover(folder: Path) -> Rules | None:
    """The rules of the file in `folder` that has some. Raises `ConfigError` if two have."""
    own, common = folder / CONFIG_NAME, folder / PYPROJECT
    from_own = read(own) if os.path.lexists(own) else None
    from_common = read(common) if os.path.lexists(common) else None
    if from_own is not None and from_common is not None:
        raise ConfigError(
            f"both {CONFIG_NAME} and {PYPROJECT} have rules",
            hint="keep them in one, or name one with --config",
        )
    return from_own if from_own is not None else from_common


def shown(path: Path) -> str:
    """The path as text for a message."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def read(path: Path) -> Rules | None:
    """The rules of one file; None if it has none. Raises `ConfigError`."""
    document = parse_toml(path)
    if path.name == PYPROJECT:
        tool = document.get("tool", {})
        if not isinstance(tool, dict):
            raise ConfigError(f"{shown(path)}: tool is not a table", hint="write [tool.layerscope]")
        if "layerscope" not in tool:
            return None
        table, place = tool["layerscope"], "tool.layerscope"
    else:
        table, place = document, ""
    values = _values(table, place, shown(path))
    if not values and "budget" not in table and not APART_TABLES.isdisjoint(table):
        return None
    rules = Rules(file=path)
    for name, (value, key) in values.items():
        _take(rules, name, value, f"{shown(path)}: {key}")
    return rules


def read_bytes(path: Path, what: str) -> bytes:
    """The bytes of a small regular file, which errors call `what`. Raises `ConfigError`."""
    name = shown(path)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise ConfigError(f"{name} is not a regular file", hint=f"name {what}")
        with path.open("rb") as file:
            data = file.read(CONFIG_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(f"{name} does not exist", hint="check the name") from None
    except OSError as error:
        raise ConfigError(
            f"{name} cannot be read: {error.strerror}", hint=f"name {what} that can be read"
        ) from None
    if len(data) > CONFIG_BYTES:
        raise ConfigError(
            f"{name} has more than {CONFIG_BYTES} bytes", hint=f"name {what} of rules"
        )
    return data


def parse_toml(path: Path) -> dict[str, Any]:
    """The contents of a TOML file. Raises `ConfigError`."""
    name = shown(path)
    data = read_bytes(path, "a TOML file")
    try:
        return tomllib.loads(data.decode("utf-8-sig"), parse_float=Decimal)
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{name} is not UTF-8 at byte {error.start}", hint="save it as UTF-8"
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{name} is not valid TOML: {error}", hint="fix the line") from None
    except (RecursionError, ValueError, ArithmeticError) as error:
        reason = "a number has too many digits"
        if isinstance(error, RecursionError):
            reason = "it is nested too deeply"
        raise ConfigError(f"{name} cannot be read: {reason}", hint="fix the file") from None


def _values(table: object, place: str, name: str) -> dict[str, tuple[object, str]]:
    """The values in the budget table and directly above it, each with its full key."""
    if not isinstance(table, dict):
        raise ConfigError(f"{name}: {place} is not a table", hint=f"write [{place}]")
    inner = table.get("budget", {})
    inner_place = f"{place}.budget".lstrip(".")
    if not isinstance(inner, dict):
        raise ConfigError(f"{name}: {inner_place} is not a table", hint=f"write [{inner_place}]")
    outer = {key: value for key, value in table.items() if key not in OTHER_TABLES}
    values: dict[str, tuple[object, str]] = {}
    for part, where in ((outer, place), (inner, inner_place)):
        for key, value in part.items():
            full = f"{where}.{key}".lstrip(".")
            if key not in KEYS:
                raise ConfigError(f"{name}: unknown key {full}", hint=_meant(key, KEYS))
            if key in values:
                raise ConfigError(f"{name}: {key} is set twice", hint=f"keep {full}")
            values[key] = value, full
    return values


def _take(rules: Rules, name: str, value: object, place: str) -> None:
    if name in RULES:
        level: Level = "fail"
        reason = ""
        if isinstance(value, dict):
            table = _Table(value, place, ("limit", "level", "reason"))
            value, level, reason = table.needed("limit"), table.level(), table.text("reason")
            place = f"{place}.limit"
        rules.limits[name] = _placed(lambda: RULES[name].parse(value), place)
        rules.written[name] = written_limit(value)
        if (level, reason) != ("fail", ""):
            rules.terms[name] = level, reason
    elif name == FORBID_SECRETS:
        if not isinstance(value, bool):
            raise ConfigError(
                f"{place}: {kind_of(value)} is neither true nor false", hint="write true"
            )
        rules.forbid_secrets = value
    elif name == "min_change":
        rules.min_change = parse_min_change(value, place)
    elif name in REFERENCES:
        if not isinstance(value, str) or not value:
            raise ConfigError(f"{place}: {kind_of(value)} is not a reference", hint="name an image")
        setattr(rules, name, _beside(rules.file, value))
    else:
        rows = value if isinstance(value, list) else None
        if rows is None or not all(isinstance(row, dict) for row in rows):
            raise ConfigError(f"{place} is not an array of tables", hint=f"write [[budget.{name}]]")
        for number, row in enumerate(rows):
            _SCOPES[name](rules, row, f"{place}[{number}]")


def parse_min_change(value: object, place: str) -> int:
    """The size below which growth doesn't count, in bytes. Raises `ConfigError`, naming `place`."""
    return int(_placed(lambda: parse_limit("size", value), place))


def _placed(parse: Callable[[], Number], place: str) -> Number:
    try:
        return parse()
    except ConfigError as error:
        raise ConfigError(f"{place}: {error.message}", hint=error.hint) from None


def _beside(file: Path | None, reference: str) -> str:
    """A reference in a file as a path relative to that file, if such a path exists."""
    if file is not None and "\0" not in reference and not os.path.isabs(reference):
        beside = file.parent / reference
        if os.path.lexists(beside):
            return str(beside)
    return reference


class _Table:
    """A table in which every key is known and checked."""

    def __init__(self, table: Mapping[str, object], place: str, keys: tuple[str, ...]) -> None:
        self._table = table
        self._place = place
        for key in table:
            if key not in keys:
                raise ConfigError(f"{place}: unknown key {key}", hint=_meant(key, keys))

    def needed(self, key: str) -> object:
        if key not in self._table:
            raise ConfigError(f"{self._place}: {key} is missing", hint=f"add {key} = …")
        return self._table[key]

    def text(self, key: str, *, needed: bool = False) -> str:
        value = self.needed(key) if needed else self._table.get(key, "")
        if not isinstance(value, str) or (needed and not value.strip()):
            raise ConfigError(
                f"{self._place}.{key}: {kind_of(value) if not isinstance(value, str) else 'an empty string'}"
                f" is not a {key}",
                hint="write a string",
            )
        return value

    def size(self, key: str) -> int:
        return int(self.limit(key, "size"))

    def limit(self, key: str, quantity: Quantity) -> Number:
        value = self.needed(key)
        return _placed(lambda: parse_limit(quantity, value), f"{self._place}.{key}")

    def level(self) -> Level:
        value = self._table.get("level", "fail")
        if value == "fail":
            return "fail"
        if value == "warn":
            return "warn"
        raise ConfigError(
            f"{self._place}.level: {shown_value(value)} is not a level",
            hint='write "fail" or "warn"',
        )

    def glob(self, key: str = "glob") -> str:
        pattern = self.text(key, needed=True)
        try:
            compile_glob(pattern)
        except UsageError as error:
            raise ConfigError(f"{self._place}.{key}: {error.message}", hint=error.hint) from None
        return pattern

    def day(self, key: str) -> date | None:
        value = self._table.get(key)
        if isinstance(value, str):
            try:
                return date.fromisoformat(value)
            except ValueError:
                pass
        elif value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        raise ConfigError(
            f"{self._place}.{key}: {shown_value(value)} is not a day",
            hint="write one such as 2027-01-31",
        )

    def rules(self) -> tuple[str, ...]:
        value = self._table.get("rules")
        if value is None:
            return ALLOWED_IN
        if not isinstance(value, list):
            raise ConfigError(
                f"{self._place}.rules: {kind_of(value)} is not a list of rules",
                hint=f"write some of {', '.join(ALLOWED_IN)}",
            )
        for name in value:
            if name not in ALLOWED_IN:
                raise ConfigError(
                    f"{self._place}.rules: {shown_value(name)} has no exceptions",
                    hint=f"write some of {', '.join(ALLOWED_IN)}",
                )
        return tuple(value)


_LIMITS = ("max", "max_compressed", "max_growth", "max_compressed_growth")
"""The limits of a part: on its content, on what a pull transfers of it, and on the growth of either."""


def _instruction(rules: Rules, row: Mapping[str, object], place: str) -> None:
    table = _Table(row, place, ("match", *_LIMITS, "level", "reason"))
    match = table.text("match", needed=True)
    for key in _limits(row):
        part = InstructionLimit(match=match, **_of_part(table, key))
        if key.endswith("growth"):
            rules.growths.append(_growth(table, key, part))
        else:
            rules.instructions.append(part)


def _path(rules: Rules, row: Mapping[str, object], place: str) -> None:
    table = _Table(row, place, ("glob", *_LIMITS, "level", "reason"))
    glob = table.glob()
    for key in _limits(row):
        part = PathLimit(glob=glob, **_of_part(table, key))
        if key.endswith("growth"):
            rules.growths.append(_growth(table, key, part))
        else:
            rules.paths.append(part)


class _OfPart(TypedDict):
    limit: int
    compressed: bool
    written: str
    level: Level
    reason: str


def _of_part(table: _Table, key: str) -> _OfPart:
    """What limits on instructions and on paths have in common. A limit on growth has its own `limit`."""
    return {
        "limit": 0 if key.endswith("growth") else table.size(key),
        "compressed": "compressed" in key,
        "written": written_limit(table.needed(key)),
        "level": table.level(),
        "reason": table.text("reason"),
    }


def _growth(table: _Table, key: str, part: InstructionLimit | PathLimit) -> PartGrowth:
    return PartGrowth(
        part=part,
        limit=table.limit(key, "growth"),
        level=part.level,
        reason=part.reason,
        written=part.written,
    )


def _limits(row: Mapping[str, object]) -> Sequence[str]:
    """The limits of a row, as many as you like. Without one, `max` is missing."""
    return [key for key in _LIMITS if key in row] or _LIMITS[:1]


def _package(rules: Rules, row: Mapping[str, object], place: str) -> None:
    table = _Table(row, place, ("match", *_LIMITS, "level", "reason"))
    match = table.text("match", needed=True)
    rules.packages += [_matched(PackageLimit, table, match, key) for key in _limits(row)]


def _weight(rules: Rules, row: Mapping[str, object], place: str) -> None:
    table = _Table(row, place, ("kind", *_LIMITS, "level", "reason"))
    kind = table.text("kind", needed=True)
    if not is_known(kind):
        raise ConfigError(
            f"{place}: no kind of dead weight is called {kind[:40]!r}",
            hint="docs/dead-weight.md lists the kinds",
        )
    rules.weights += [_matched(WeightLimit, table, kind, key) for key in _limits(row)]


def _matched(make: type[Matched], table: _Table, match: str, key: str) -> Matched:
    return make(
        match=match,
        limit=table.limit(key, "growth" if key.endswith("growth") else "size"),
        growth=key.endswith("growth"),
        compressed="compressed" in key,
        written=written_limit(table.needed(key)),
        level=table.level(),
        reason=table.text("reason"),
    )


def _allow(rules: Rules, row: Mapping[str, object], place: str) -> None:
    table = _Table(row, place, ("glob", "reason", "name", "until", "rules"))
    rules.allows.append(
        Allow(
            glob=table.glob(),
            reason=table.text("reason", needed=True),
            name=table.text("name"),
            until=table.day("until"),
            rules=table.rules(),
        )
    )


def _allow_secret(rules: Rules, row: Mapping[str, object], place: str) -> None:
    table = _Table(row, place, ("rule", "path", "name", "reason", "until"))
    if not row.keys() & {"rule", "path", "name"}:
        raise ConfigError(
            f"{place}: it allows every secret", hint="add a rule, a path, or the name of a variable"
        )
    rules.secret_allows.append(
        AllowSecret(
            reason=table.text("reason", needed=True),
            rule=table.text("rule", needed=True) if "rule" in row else "*",
            path=table.glob("path") if "path" in row else None,
            name=table.text("name", needed=True) if "name" in row else None,
            until=table.day("until"),
        )
    )


_SCOPES: dict[str, Callable[[Rules, Mapping[str, object], str], None]] = {
    "instruction": _instruction,
    "path": _path,
    "package": _package,
    "dead_weight": _weight,
    "allow": _allow,
    "allow_secret": _allow_secret,
}


def _meant(name: str, known: tuple[str, ...]) -> str:
    import difflib

    close = difflib.get_close_matches(str(name).replace("-", "_"), known, n=1)
    if close:
        return f"did you mean {close[0]}?"
    return f"{'the rules are' if known is KEYS else 'it has'} {', '.join(known)}"
