"""Parsing the limits of rules: sizes, percentages, shares, and counts, all exact."""

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
"""A limit: bytes and counts are integers, percentages and shares are exact decimals."""

MOST_LAYERS = 1_000_000
MOST_PERCENT = 1_000_000
MOST_BYTES = 10**18
"""An exabyte. No image is larger, and larger numbers lose digits in JSON."""
MOST_DIGITS = 30
"""The most digits before or after the decimal point. No limit needs more, even with an exponent."""
SHOWN = 40
"""The most characters of a value in a message."""

WORDS: dict[Quantity, str] = {
    "size": "a size",
    "percent": "a percentage",
    "share": "an efficiency",
    "count": "a number of layers",
    "growth": "a growth",
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
    """Parse a limit from a configuration file or an option. Raises `ConfigError` without naming the rule."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ConfigError(f"{kind_of(value)} is not {WORDS[quantity]}", hint=HINTS[quantity])
    return _PARSERS[quantity](value)


def written_limit(value: object) -> str:
    """A limit as its author wrote it."""
    return " ".join(str(value).split())[:SHOWN]


def kind_of(value: object) -> str:
    """The kind of a TOML value, for an error."""
    names = {
        bool: "a boolean",
        int: "an integer",
        float: "a float",
        Decimal: "a float",
        list: "an array",
        dict: "a table",
        str: "a string",
    }
    return names.get(type(value), "a date or time")


def unit_of(quantity: Quantity, limit: Number) -> Unit:
    """The unit of a limit and of the values compared with it."""
    if quantity == "growth":
        return "percent" if isinstance(limit, Decimal) else "bytes"
    units: dict[Quantity, Unit] = {"size": "bytes", "percent": "percent", "share": "share"}
    return units.get(quantity, "count")


def plain(unit: Unit, value: Fraction | Number) -> int | float:
    """The number as it appears in JSON."""
    return int(value) if unit in ("bytes", "count") else float(value)


def _size(value: Written) -> Number:
    if not isinstance(value, int | str):
        raise ConfigError(f"{shown_value(value)} is not a size", hint=HINTS["size"])
    if isinstance(value, str) and len(value) > SHOWN:
        raise ConfigError(f"{shown_value(value)} is not a size", hint=HINTS["size"])
    if isinstance(value, int) and value < 0:
        raise ConfigError(f"size {shown_value(value)} is negative", hint=HINTS["size"])
    size = parse_size(value)
    if size > MOST_BYTES:
        raise ConfigError(
            f"{shown_value(value)} is more than the largest limit, {MOST_BYTES:,} bytes",
            hint=HINTS["size"],
        )
    return size


def shown_value(value: object) -> str:
    """A value for a message, cut to 40 characters. An integer can have thousands of digits."""
    if isinstance(value, int) and abs(value) >= 10**SHOWN:
        return "a number with more than 40 digits"
    text = repr(str(value)) if isinstance(value, str | Decimal) else str(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _decimal(value: Written, quantity: Quantity) -> tuple[Decimal, bool]:
    """The exact number, and whether it had a percent sign."""
    try:
        text = str(value).strip()
    except ValueError:  # an integer of more digits than Python converts
        text = "NaN"
    signed = isinstance(value, str) and text.endswith("%")
    try:
        number = Decimal(text[:-1].strip() if signed else text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or len(text) > SHOWN or not _is_short(number):
        raise ConfigError(f"{shown_value(value)} is not {WORDS[quantity]}", hint=HINTS[quantity])
    return number, signed


def _is_short(number: Decimal) -> bool:
    """Whether the number is cheap to make exact. As a fraction, 1e-999999999 would fill the memory."""
    exponent = number.as_tuple().exponent
    return (
        isinstance(exponent, int) and exponent >= -MOST_DIGITS and number.adjusted() <= MOST_DIGITS
    )


def _percent(value: Written) -> Number:
    number, _ = _decimal(value, "percent")
    if not 0 <= number <= 100:
        raise ConfigError(f"{shown_value(value)} is not a percentage", hint=HINTS["percent"])
    return number


def _share(value: Written) -> Number:
    number, signed = _decimal(value, "share")
    if signed:
        number /= 100
    if not 0 <= number <= 1:
        raise ConfigError(f"{shown_value(value)} is not an efficiency", hint=HINTS["share"])
    return number


def _count(value: Written) -> Number:
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) < 10:
        text = int(text)
    if not isinstance(text, int) or not 0 <= text <= MOST_LAYERS:
        raise ConfigError(f"{shown_value(value)} is not a number of layers", hint=HINTS["count"])
    return text


def _growth(value: Written) -> Number:
    if isinstance(value, str) and value.strip().endswith("%"):
        number, _ = _decimal(value, "growth")
        if not 0 <= number <= MOST_PERCENT:
            raise ConfigError(f"{shown_value(value)} is not a growth", hint=HINTS["growth"])
        return number
    if not isinstance(value, int | str):
        raise ConfigError(f"{shown_value(value)} is not a growth", hint=HINTS["growth"])
    try:
        return _size(value)
    except ConfigError:
        raise ConfigError(f"{shown_value(value)} is not a growth", hint=HINTS["growth"]) from None


_PARSERS: dict[Quantity, Callable[[Written], Number]] = {
    "size": _size,
    "percent": _percent,
    "share": _share,
    "count": _count,
    "growth": _growth,
}
