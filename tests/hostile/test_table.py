"""The table of hostile inputs names tests that exist, and all rows that there must be."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache

import pytest

from tests.hostile.bounds import NAMED, TABLE, TESTS
from tests.hostile.rows import ROWS

NUMBERS = [*map(str, range(1, 84)), "2b", "57b", "59b"]
OTHERS = {"R": 4, "M": 1, "S": 9, "C": 5, "P": 7, "T": 6, "V": 3, "B": 1, "D": 6, "K": 1, "F": 6}
"""The number of rows for each kind of input that came later."""


def rows() -> Iterator[tuple[str, str]]:
    """The number of each row and its tests."""
    for line in TABLE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and cells[0] not in ("row", "---"):
            yield cells[0], cells[-1]


@cache
def functions(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@cache
def texts(file: str) -> frozenset[str]:
    """The strings in a file."""
    tree = ast.parse((TESTS / file).read_text("utf-8"))
    found = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return frozenset(value for value in found if isinstance(value, str))


def test_each_hostile_input_has_a_row() -> None:
    wanted = [
        *NUMBERS,
        *(f"{kind}{n}" for kind, most in OTHERS.items() for n in range(1, most + 1)),
    ]
    assert sorted(number for number, _ in rows()) == sorted(wanted)


@pytest.mark.parametrize(("number", "tests"), list(rows()), ids=[number for number, _ in rows()])
def test_a_row_names_tests_that_exist(number: str, tests: str) -> None:
    found = list(NAMED.finditer(tests))
    assert found
    assert "".join(NAMED.sub("", tests).split()).strip(",") == ""
    for each in found:
        if each["row"] is not None:
            assert each["row"] in {row.name for row in ROWS}
            continue
        assert each["test"] in functions(each["file"]), each[0]
        assert each["test"].startswith("test_")
        if each["case"] is not None:
            assert each["case"] in texts(each["file"]), each[0]
