"""The JSON documents of package managers, which are untrusted."""

from __future__ import annotations

import json
from typing import Any, Final

from layerscope.packages.package import Unreadable

_MOST_VALUES: Final = 1_000_000
"""The most values in one document. A value can take a hundred times the memory of its text."""


def json_object(data: bytes) -> dict[str, Any]:
    """The object in a document. Raises `Unreadable`."""
    value = json_value(data)
    if not isinstance(value, dict):
        raise Unreadable("is not a JSON object")
    return value


def json_value(data: bytes) -> Any:
    """The value in a document. A byte order mark is skipped. Raises `Unreadable`."""
    values = data.count(b",") + data.count(b"[") + data.count(b"{")
    if values > _MOST_VALUES:
        raise Unreadable(f"has {values} values, more than the {_MOST_VALUES} allowed")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"is not JSON: {error}") from None


def string(value: object) -> str:
    """The string, or an empty one for a value of another type."""
    return value if isinstance(value, str) else ""


def objects(value: object) -> list[dict[str, Any]]:
    """The objects in a list. Anything but a list counts as empty."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
