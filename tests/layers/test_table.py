"""The rows of a table of contents are read one by one, in bounded memory."""

from __future__ import annotations

import tracemalloc

import pytest

from layerscope.layers.lazy.located import UnusableError
from layerscope.layers.lazy.table import Chunks, read_members
from layerscope.limits import DEFAULT_LIMITS, MIB

ROW = '{"name": "d/%d", "type": "dir", "size": 0, "comment": "%s"}'


def names(table: str) -> list[bytes]:
    chunks = Chunks(MIB)
    return [each.path for each in read_members(table.encode(), chunks, MIB, DEFAULT_LIMITS, None)]


def of(rows: list[str]) -> str:
    return f'{{"version": 1, "entries": [{", ".join(rows)}], "more": [1, 2]}}'


@pytest.mark.parametrize("length", [0, 100_000, 700_000])
def test_rows_of_any_length_up_to_a_megabyte_are_read(length: int) -> None:
    rows = [ROW % (number, "é" * (length + number)) for number in range(9)]
    assert names(of(rows)) == [b"d/%d" % number for number in range(9)]


@pytest.mark.parametrize("value", ['"%s"' % ("x" * 9_000_000), "[%s1]" % ("[]," * 3_000_000)])
@pytest.mark.parametrize("place", ["row", "key"])
def test_a_row_without_end_takes_little_memory(value: str, place: str) -> None:
    row = ROW.replace('"%s"', value) % 1 if place == "row" else ROW % (1, "")
    table = of([row]) if place == "row" else of([row]).replace("[1, 2]", value)
    data = table.encode()
    tracemalloc.start()
    try:
        with pytest.raises(UnusableError, match="over 1048576 characters"):
            list(read_members(data, Chunks(MIB), MIB, DEFAULT_LIMITS, None))
        assert tracemalloc.get_traced_memory()[1] < 80 * MIB
    finally:
        tracemalloc.stop()
