"""Saved reports are checked against the types that the builder makes."""

from __future__ import annotations

from typing import Any

import pytest

from layerscope.errors import UsageError
from layerscope.report.document.builder import build
from layerscope.report.document.serialize import dumps
from layerscope.report.saved.report import parse_saved
from layerscope.report.words import base_instructions
from tests.report.sample import python_app


def saved(**rule: object) -> bytes:
    document: Any = build(python_app())
    whole = {"actual": 3, "limit": 2, "message": "", "passed": False, "rule": "max_size"}
    document["verdict"] = {"passed": False, "rules": [whole | rule]}
    return dumps(document).encode()


def test_a_saved_verdict_is_read() -> None:
    rule = parse_saved(saved(skipped=False, written="2 B", instructions=[0]), "saved").document
    assert rule["verdict"]["rules"][0].get("written") == "2 B"


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({"skipped": "no"}, "rules[0].skipped is neither true nor false"),
        ({"written": 2}, "rules[0].written is not text"),
        ({"instructions": ["a"]}, "rules[0].instructions[0] is not a whole number"),
        ({"unit": "miles"}, "rules[0].unit is none of"),
    ],
)
def test_a_rule_with_a_value_of_another_type_is_refused(rule: dict[str, Any], problem: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_saved(saved(**rule), "saved")
    assert problem in raised.value.message
    assert "\n" not in raised.value.message


def test_a_report_marks_no_instruction_of_an_unknown_base_image() -> None:
    document: Any = build(python_app())
    document.pop("base", None)
    assert any(row["location"] for row in document["instructions"])
    assert base_instructions(document) == range(0)
