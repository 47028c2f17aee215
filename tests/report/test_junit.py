from __future__ import annotations

from pathlib import Path
from typing import Any

import lxml.etree
import pytest

from layerscope.analysis.model import Analysis
from layerscope.report.document.builder import build
from tests.report.golden import check_golden
from tests.report.pictured import pictured, written
from tests.report.sample import python_app

SCHEMA = Path(__file__).parent / "schemas" / "junit-10.xsd"


def valid(document: dict[str, Any]) -> lxml.etree._Element:
    """The suites of a document, validated against the schema."""
    suites = lxml.etree.fromstring(written("junit", document).encode())
    lxml.etree.XMLSchema(lxml.etree.parse(SCHEMA)).assertValid(suites)
    return suites


def test_junit_matches_its_golden_file(app_analysis: Analysis) -> None:
    rules: dict[str, object] = {
        "max_size": "6MB",
        "min_efficiency": 0.3,
        "max_compressed_size": "1GB",
    }
    document = pictured(app_analysis, rules)
    valid(document)
    check_golden("app.junit.xml", written("junit", document))


def test_each_rule_is_a_test_case(app_analysis: Analysis) -> None:
    document = pictured(app_analysis, {"max_size": "6MB", "min_efficiency": 0.3})
    suites = valid(document)
    assert (suites.get("tests"), suites.get("failures"), suites.get("errors")) == ("2", "1", "0")
    broken, kept = suites.iter("testcase")
    assert broken.get("name") == "max_size"
    assert broken.get("classname") == "layerscope.app"
    failure = broken.find("failure")
    assert failure is not None
    assert failure.get("message") == "max_size: 11.7 MB, allowed is at most 6MB"
    assert failure.text is not None
    assert failure.text.startswith("5.7 MB over; most, 5.0 MB, by instruction 1, COPY")
    assert kept.find("failure") is None
    assert kept.findtext("system-out") == "min_efficiency: 0.704, allowed is at least 0.3"


def test_a_rule_that_only_warns_is_not_a_failure() -> None:
    document: Any = build(python_app())
    rule = {
        "rule": "max_size",
        "actual": 3,
        "limit": 2,
        "passed": False,
        "message": "m",
        "level": "warn",
    }
    document["verdict"] = {"passed": True, "rules": [rule]}
    suites = valid(document)
    assert suites.get("failures") == "0"
    assert suites.findtext(".//system-out") == "warning: max_size: 3 B, allowed is at most 2 B (m)"


@pytest.mark.parametrize("verdict", [None, {"passed": True, "rules": []}])
def test_without_rules_one_case_is_skipped(verdict: dict[str, Any] | None) -> None:
    document: Any = build(python_app())
    if verdict is not None:
        document["verdict"] = verdict
    suites = valid(document)
    assert suites.get("tests") == "1"
    assert suites.find("testsuite").get("skipped") == "1"
    assert [case.find("skipped") is not None for case in suites.iter("testcase")] == [True]


def test_unknown_properties_are_left_out() -> None:
    document: Any = build(python_app())
    assert "sizes.compressed" in [each.get("name") for each in valid(document).iter("property")]
    document["sizes"]["compressed"] = None
    assert "sizes.compressed" not in [each.get("name") for each in valid(document).iter("property")]
