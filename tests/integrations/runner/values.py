"""The values of GitHub's expressions: how they convert, compare, and print."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Filtered(list[object]):
    """What `*` selects: a property of it is that property of each item."""


def truthy(value: object) -> bool:
    """Everything is true but `false`, 0, NaN, the empty string, and null."""
    if isinstance(value, float):
        return value != 0 and not math.isnan(value)
    return isinstance(value, (list, dict)) or bool(value)


def number(value: object) -> float:
    """A value as a number; NaN where it is not one."""
    if value is None:
        return 0.0
    if isinstance(value, (bool, int, float)):
        return float(value)
    if not isinstance(value, str):
        return math.nan
    text = value.strip()
    if not text:
        return 0.0
    if re.fullmatch(r"0x[0-9a-fA-F]+|0o[0-7]+", text):
        return float(int(text, 0))
    if _NUMBER.fullmatch(text):
        return float(text)
    return {"Infinity": math.inf, "-Infinity": -math.inf}.get(text, math.nan)


def string(value: object) -> str:
    """A value as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return number_text(float(value))
    if isinstance(value, str):
        return value
    return "Array" if isinstance(value, list) else "Object"


def number_text(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else f"{value:.15G}"


def equal(left: object, right: object) -> bool:
    """The `==` of expressions: text without regard to case, and unlike types as numbers."""
    if isinstance(left, str) and isinstance(right, str):
        return left.upper() == right.upper()
    if left is None and right is None:
        return True
    if isinstance(left, (list, dict)) or isinstance(right, (list, dict)):
        return left is right
    return number(left) == number(right)


def less(left: object, right: object) -> bool:
    """The `<` of expressions."""
    if isinstance(left, str) and isinstance(right, str):
        return left.upper() < right.upper()
    return number(left) < number(right)


def member(value: object, key: object) -> object:
    """`value[key]`, or null where there is no such thing. Names of properties have no case."""
    if isinstance(value, Filtered):
        found = [member(each, key) for each in value]
        return Filtered(each for each in found if each is not None)
    if isinstance(value, dict):
        wanted = string(key).upper()
        return next((each for name, each in value.items() if str(name).upper() == wanted), None)
    if isinstance(value, list):
        place = number(key)
        if not math.isnan(place) and 0 <= place < len(value):
            return value[int(place)]
    return None


def members(value: object) -> Filtered:
    """`value.*`"""
    if isinstance(value, Filtered):
        return Filtered(item for each in value for item in members(each))
    if isinstance(value, dict):
        return Filtered(value.values())
    return Filtered(value if isinstance(value, list) else ())
