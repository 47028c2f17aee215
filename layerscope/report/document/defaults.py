"""The version of the document's schema, and how much of a list it holds by default."""

from __future__ import annotations

from typing import Final

SCHEMA_VERSION: Final = 1
TOP: Final = 1000
"""The default number of rows of `waste`, `waste_groups`, and `largest`."""
