"""How the limit of a rule is written: sizes, percentages, shares and counts, each read exactly."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Literal

from layerscope.analysis.budgets.names import Quantity
from layerscope.errors import ConfigError
from layerscope.units import parse_size

Unit = Literal["bytes", "percent", "share", "count"]
Number = int | Decimal
"""A limit as it was written: bytes and counts are whole, percentages and shares exact decimals."""

MOST_LAYERS = 1_000_000
MOST_PERCENT = 1_000_000

WORDS: dict[Quantity, str] = {
    "size": "size",
    "percent": "percentage",
    "share": "efficiency",
    "count": "number of layers",
    "growth": "growth",
}
HINTS: dict[Quantity, str] = {
    "size": "write a size such as 150MB or 1.2GiB",
    "percent": 'write a number of percent from 0 to 100, such as 10 or "10%"',
    "share": 'write a share from 0 to 1, such as 0.95, or "95%"',
    "count": "write a whole number such as 20",
    "growth": 'write a size such as 5MB, or a percentage such as "2%"',
}
Written = int | float | Decimal | str


def parse_limit(quantity: Quantity, value: object) -> Number:
    """The limit from a configuration file or an option. Raises `ConfigError` without naming the rule."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ConfigError(f"{kind_of(value)} is no {WORDS[quantity]}", hint=HINTS[quantity])
    return _PARSERS[quantity](value)


def kind_of(value: object) -> str:
    """What a value of a TOML file is, for an error."""
    names = {bool: "a boolean", list: "an array", dict: "a table", str: "a string"}
    return names.get(type(value), f"a {type(value).__name__}")


def unit_of(quantity: Quantity, limit: Number) -> Unit:
    """The unit of a limit and of what is held against it."""
    if quantity == "growth":
        return "percent" if isinstance(limit, Decimal) else "bytes"
    units: dict[Quantity, Unit] = {"size": "bytes", "percent": "percent", "share": "share"}
    return units.get(quantity, "count")


def plain(unit: Unit, value: Fraction | Number) -> int | float:
    """The number as JSON has it."""
    return int(value) if unit in ("bytes", "count") else float(value)


def _size(value: Written) -> Number:
    if isinstance(value, int | str):
        return parse_size(value)
    raise ConfigError(f"{value} is no size", hint=HINTS["size"])


def _decimal(value: Written, quantity: Quantity) -> tuple[Decimal, bool]:
    """The exact number and whether a percent sign stood behind it."""
    text = str(value).strip()
    signed = isinstance(value, str) and text.endswith("%")
    try:
        number = Decimal(text[:-1].strip() if signed else text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or len(text) > 40:
        raise ConfigError(f"{text[:40]!r} is no {WORDS[quantity]}", hint=HINTS[quantity])
    return number, signed


def _percent(value: Written) -> Number:
    number, _ = _decimal(value, "percent")
    if not 0 <= number <= 100:
        raise ConfigError(f"{value} is no percentage", hint=HINTS["percent"])
    return number


def _share(value: Written) -> Number:
    number, signed = _decimal(value, "share")
    if signed:
        number /= 100
    if not 0 <= number <= 1:
        raise ConfigError(f"{value} is no efficiency", hint=HINTS["share"])
    return number


def _count(value: Written) -> Number:
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10:
        text = int(text)
    if not isinstance(text, int) or not 0 <= text <= MOST_LAYERS:
        raise ConfigError(f"{value!r} is no number of layers", hint=HINTS["count"])
    return text


def _growth(value: Written) -> Number:
    if isinstance(value, str) and value.strip().endswith("%"):
        number, _ = _decimal(value, "growth")
        if not 0 <= number <= MOST_PERCENT:
            raise ConfigError(f"{value} is no growth", hint=HINTS["growth"])
        return number
    if not isinstance(value, int | str):
        raise ConfigError(f"{value} is no growth", hint=HINTS["growth"])
    try:
        return parse_size(value)
    except ConfigError:
        raise ConfigError(f"{value!r} is no growth", hint=HINTS["growth"]) from None


_PARSERS: dict[Quantity, Callable[[Written], Number]] = {
    "size": _size,
    "percent": _percent,
    "share": _share,
    "count": _count,
    "growth": _growth,
}
