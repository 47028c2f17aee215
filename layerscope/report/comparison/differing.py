"""What only one of two images has: new in B, or gone from A."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

Row = TypeVar("Row")


def differing_words(added: Sequence[object], removed: Sequence[object], same: int) -> str:
    """`2 new, 1 gone, 3 in both`."""
    parts = ((len(added), "new"), (len(removed), "gone"), (same, "in both"))
    return ", ".join(f"{number:,} {word}" for number, word in parts if number)


def differing(added: Sequence[Row], removed: Sequence[Row]) -> list[tuple[str, Row]]:
    """All rows that differ, with `new` or `gone`."""
    return [("new", each) for each in added] + [("gone", each) for each in removed]
