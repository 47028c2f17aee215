"""The shape of the report document and of its rows."""

from __future__ import annotations

from typing import Any

SCHEMA_VERSION = 1
TOP = 1000
"""Rows of `waste`, `waste_groups` and `largest` unless the caller wants another number."""

Document = dict[str, Any]
Row = dict[str, Any]
