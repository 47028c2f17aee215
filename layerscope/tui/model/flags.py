"""Flags by number: one byte for each, 1 or 0, so that a million of them are joined at the speed of one long number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from layerscope.layers.entry import DIRECTORY, KIND_NAMES

Flags = bytearray

NO_DIRECTORY: Final = frozenset(range(len(KIND_NAMES))) - {DIRECTORY}
"""All kinds of entries but directories."""


def both(one: Flags, other: Flags) -> Flags:
    """The flags that are set in both, at the speed of one long number."""
    length = len(one)
    joined = int.from_bytes(one, "little") & int.from_bytes(other, "little")
    return bytearray(joined.to_bytes(length, "little"))


def either(one: Flags, other: Flags | bytes) -> Flags:
    """The flags that are set in at least one."""
    joined = int.from_bytes(one, "little") | int.from_bytes(other, "little")
    return bytearray(joined.to_bytes(len(one), "little"))


def select(marks: bytearray, wanted: Iterable[int]) -> Flags:
    """Flags of the marks that are wanted."""
    table = bytearray(256)
    for mark in wanted:
        table[mark] = 1
    return marks.translate(bytes(table))
