"""A cell of a CSV file."""

from __future__ import annotations

from typing import Any

from layerscope.report.escape import escape

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
REST = "(rest)"
"""The `path` of the row that sums up what was cut off."""


def cell(value: Any) -> Any:
    """A number as it is, an empty cell for an unknown value, and text that a spreadsheet keeps as text."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    start = "'" if value.lstrip(" ").startswith(_FORMULA) else ""
    return start + escape(value)
