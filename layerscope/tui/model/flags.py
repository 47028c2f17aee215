"""Flags by number, one byte each (1 or 0): a million of them combine as fast as one long integer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from layerscope.layers.entry import DIRECTORY, KIND_NAMES

Flags = bytearray

NO_DIRECTORY: Final = frozenset(range(len(KIND_NAMES))) - {DIRECTORY}
"""All kinds of entries except directories."""


def both(one: Flags, other: Flags) -> Flags:
    """The flags that are set in both, as fast as one operation on a long integer."""
    length = len(one)
    joined = int.from_bytes(one, "little") & int.from_bytes(other, "little")
    return bytearray(joined.to_bytes(length, "little"))


def either(one: Flags, other: Flags | bytes) -> Flags:
    """The flags that are set in at least one of them."""
    joined = int.from_bytes(one, "little") | int.from_bytes(other, "little")
    return bytearray(joined.to_bytes(len(one), "little"))


def select(marks: bytearray, wanted: Iterable[int]) -> Flags:
    """Flags for the wanted marks."""
    table = bytearray(256)
    for mark in wanted:
        table[mark] = 1
    return marks.translate(bytes(table))
