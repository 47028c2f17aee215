from __future__ import annotations

import json
from typing import Any

from layerscope.analysis.model import Analysis
from layerscope.report.document.builder import build
from tests.report.golden import check_golden
from tests.report.pictured import pictured, written
from tests.report.sample import make_analysis, python_app


def issues(document: Any) -> list[dict[str, Any]]:
    """The issues, each checked for GitLab's required fields (docs.gitlab.com, code quality report format)."""
    made: list[dict[str, Any]] = json.loads(written("gitlab", document))
    for issue in made:
        assert issue["description"]
        assert issue["check_name"].startswith("layerscope/")
        assert issue["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert issue["location"]["lines"]["begin"] >= 1
        assert not issue["location"]["path"].startswith("./")
    prints = [issue["fingerprint"] for issue in made]
    assert len(set(prints)) == len(prints)
    return made


def test_issues_match_their_golden_file(app_analysis: Analysis) -> None:
    document = pictured(app_analysis, {"max_size": "6MB"})
    issues(document)
    check_golden("app.gitlab", written("gitlab", document))


def test_waste_is_on_the_lines_of_the_dockerfile() -> None:
    document = build(python_app())
    document["instructions"][2]["location"] = {
        "file": "./a/Dockerfile",
        "start_line": 7,
        "end_line": 9,
    }
    first = issues(document)[0]
    assert first["location"] == {"path": "a/Dockerfile", "lines": {"begin": 7, "end": 9}}
    assert first["severity"] == "minor"


def test_without_lines_an_issue_is_on_line_1_of_a_dockerfile(app_analysis: Analysis) -> None:
    error, *waste = issues(pictured(app_analysis, {"max_layers": 1}))
    assert error["severity"] == "critical"
    assert error["location"] == {"path": "Dockerfile", "lines": {"begin": 1}}
    assert {issue["location"]["path"] for issue in waste} == {"Dockerfile"}


def test_an_issue_without_advice_names_its_cause(app_analysis: Analysis) -> None:
    document = pictured(app_analysis)
    document["advice"] = []
    assert issues(document)[0]["description"].endswith(
        "(3 is RUN chown app /srv/app/data/model.bin)"
    )


def test_a_clean_image_has_no_issues() -> None:
    assert issues(build(make_analysis([("COPY a /", 5)]))) == []
