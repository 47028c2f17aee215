"""What reports say of duplicates, and how saved reports keep them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from layerscope.analysis.budgets.budget import Budget
from layerscope.analysis.budgets.judge import evaluate
from layerscope.analysis.comparison.compare import compare
from layerscope.analysis.comparison.side import Side
from layerscope.analysis.duplicates import Duplicates, Unread
from layerscope.analysis.model import Analysis
from layerscope.errors import UsageError
from layerscope.report.comparison.document import build as build_comparison
from layerscope.report.document.builder import build
from layerscope.report.document.rows import ReportDocument
from layerscope.report.document.serialize import dumps
from layerscope.report.formats.format import Display
from layerscope.report.formats.renderers import RENDERERS
from layerscope.report.saved.report import SavedReport, parse_saved
from layerscope.report.saved.restated import restate
from tests.analysis.images import analysis_of
from tests.analysis.test_duplicates import A, B, C, npm

Report = dict[str, Any]


@pytest.fixture(scope="module")
def analysis() -> Analysis:
    """Three groups, of which one is of two layers, and a package in three places with two versions."""
    return analysis_of(
        {"one": A, "two": A, "three": A, "odd `|<b>": C, **npm("x", "1.0.0", 4200)},
        {"four": B, "five": B, "other": C, **npm("y", "1.0.0", 4200), **npm("z", "2.0.0", 900)},
    )


def saved(analysis: Analysis, *, top: int | None = None) -> Report:
    report: Report = json.loads(dumps(build(analysis, top=top)))
    return report


def read(report: Report | ReportDocument) -> SavedReport:
    return parse_saved(json.dumps(report).encode(), "saved.json")


def rendered(document: ReportDocument, name: str) -> str:
    out = io.StringIO()
    RENDERERS[name].create(Display(width=120)).render(document, out)
    return out.getvalue()


def test_the_document_lists_groups_by_saving_and_sums_up_the_rest(analysis: Analysis) -> None:
    whole = saved(analysis)["duplicates"]
    assert [row["saving"] for row in whole["groups"]] == [10_000, 6000, 5000, 4200]
    assert whole["groups"][2]["paths"] == ["/odd `|<b>", "/other"]
    assert (whole["groups"][2]["layers"], whole["groups"][2]["instructions"]) == ([0, 1], [0, 1])
    assert whole["saving"] == whole["saving_at_least"] == 25_200
    for top in range(5):
        cut = saved(analysis, top=top)["duplicates"]
        rest = cut.get("rest", {"saving": 0, "groups": 0, "copies": 0})
        assert cut["groups"] == whole["groups"][:top]
        assert sum(row["saving"] for row in cut["groups"]) + rest["saving"] == 25_200
        assert len(cut["groups"]) + rest["groups"] == cut["count"] == 4
        copies = sum(row["copies"] for row in cut["groups"]) + rest["copies"]
        assert copies - cut["count"] == cut["copies"] == 5


def test_a_saved_report_gives_the_duplicates_of_the_image(analysis: Analysis) -> None:
    assert read(saved(analysis)).facts.duplicates == analysis.facts.duplicates


@pytest.mark.parametrize("top", [0, 1, 3, None])
@pytest.mark.parametrize("name", ["csv", "html", "json", "markdown", "text"])
def test_a_saved_report_renders_like_the_image(
    analysis: Analysis, name: str, top: int | None
) -> None:
    document = restate(read(saved(analysis)), top=top)
    assert rendered(document, name) == rendered(build(analysis, top=top), name)


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda d: d.update(saving=1), "add up"),
        (lambda d: d.update(saving_at_least=1), "add up"),
        (lambda d: d.update(count=9), "as many groups"),
        (lambda d: d["groups"].pop(), "add up"),
        (lambda d: d["groups"][0].update(bytes=1), "all copies but one"),
        (lambda d: d["groups"][0].update(copies=1), "paths of 1 copies"),
        (lambda d: d["groups"][0].update(hash="sha256:0"), "not a digest"),
        (lambda d: d["groups"][0].update(layers=[7]), "layers that don't exist"),
        (lambda d: d["groups"][0].update(instructions=[1]), "other instructions"),
        (lambda d: d["groups"][0].update(paths=["one", "two", "three"]), "not an absolute path"),
        (lambda d: d["groups"][0].pop("paths"), "paths is missing"),
        (lambda d: d["packages"].update(saving=1), "does not add up to its packages"),
        (lambda d: d["packages"]["groups"][0].update(type="door"), "unknown type"),
        (lambda d: d.update(unread={"files": 1, "bytes": 2}), "add up"),
    ],
)
def test_duplicates_that_do_not_add_up_are_refused(
    analysis: Analysis, edit: Callable[[Report], object], problem: str
) -> None:
    report = saved(analysis)
    edit(report["duplicates"])
    with pytest.raises(UsageError, match=problem):
        read(report)


def test_the_reports_name_paths_savings_and_packages(analysis: Analysis) -> None:
    text = rendered(build(analysis), "text")
    assert (
        "5 files store what another file has: one copy of each content would save 25.2 kB" in text
    )
    assert "/one" in text
    assert "3 copies" in text
    assert "npm lodash 1.0.0, 2.0.0" in text
    markdown = rendered(build(analysis), "markdown")
    assert "<b>Duplicates</b>: 5 files" in markdown
    assert "odd &#96;&#124;&#60;b&#62;" in markdown
    page = rendered(build(analysis), "html")
    assert "/odd `|&lt;b&gt;" in page
    assert 'id="duplicates"' in page


def test_the_table_has_every_group_path_and_package(analysis: Analysis) -> None:
    rows = list(csv.DictReader(io.StringIO(rendered(build(analysis, top=2), "csv"))))
    groups = [row for row in rows if row["table"] == "duplicate"]
    assert sum(int(row["bytes"]) for row in groups) == 25_200
    assert [row["path"] for row in groups] == ["/one", "/four", "(rest)"]
    paths = [row["path"] for row in rows if row["table"] == "duplicate_path"]
    assert paths == ["/one", "/two", "/three", "/four", "/five"]
    assert [row["text"] for row in rows if row["table"] == "duplicate_package"] == [
        "npm lodash 1.0.0, 2.0.0"
    ]


def test_a_report_without_duplicates_says_nothing_of_them() -> None:
    document = build(analysis_of({"one": A}))
    assert "duplicates" not in rendered(document, "text").lower()
    assert "uplicates</b>" not in rendered(document, "markdown")


def test_a_saving_that_is_unknown_is_at_least_what_was_found(analysis: Analysis) -> None:
    found = analysis.facts.duplicates
    assert found is not None
    partly = replace(found, unread=Unread(files=2, bytes=9000))
    facts = replace(analysis.facts, duplicates=partly)
    document = build(replace(analysis, facts=facts))
    text = " ".join(rendered(document, "text").split())
    assert "would save at least 25.2 kB; 2 files with 9.0 kB not compared" in text
    assert read(document).facts.duplicates == partly


def test_a_budget_limits_duplicates_and_fails_when_they_are_unknown(analysis: Analysis) -> None:
    facts = analysis.facts
    found = facts.duplicates
    assert found is not None
    partly = replace(found, unread=Unread(files=2, bytes=9000))

    def judge(limit: int, duplicates: Duplicates | None) -> tuple[bool, float | None, str]:
        case = replace(facts, duplicates=duplicates)
        (rule,) = evaluate(Budget(limits={"max_duplicates": limit}), case).rules
        return rule.passed, rule.actual, rule.message

    assert judge(25_200, found)[:2] == (True, 25_200)
    assert judge(25_199, found)[:2] == (False, 25_200)
    assert judge(25_199, partly)[:2] == (False, 25_200)
    assert judge(25_200, partly)[:2] == (False, None)
    passed, actual, message = judge(1 << 40, None)
    assert (passed, actual) == (False, None)
    assert "leave --no-duplicates out" in message


def test_a_comparison_says_how_much_more_one_copy_would_save(analysis: Analysis) -> None:
    bare = analysis_of({"one": A})
    a, b = (read(saved(each)).facts for each in (bare, analysis))
    document = build_comparison(compare(Side.of_facts(a), Side.of_facts(b)))
    assert document["duplicates"] == {"a": 0, "b": 25_200, "delta": 25_200}


def test_duplicates_of_different_smallest_sizes_have_no_difference(analysis: Analysis) -> None:
    found = analysis.facts.duplicates
    assert found is not None
    facts = read(saved(analysis)).facts
    other = replace(facts, duplicates=replace(found, least=1))
    document = build_comparison(compare(Side.of_facts(facts), Side.of_facts(other)))
    assert document["duplicates"] == {"a": 25_200, "b": 25_200, "delta": None}
