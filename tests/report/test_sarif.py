from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from layerscope.analysis.model import Analysis
from layerscope.report.document.builder import build
from layerscope.report.formats.sarif import MOST_BYTES, MOST_RESULTS
from layerscope.report.parts.findings import findings, image_name
from tests.report.golden import check_golden
from tests.report.pictured import pictured, written
from tests.report.sample import based, make_analysis, python_app, wasted

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-2.1.0.json").read_text())


def valid(document: Any) -> dict[str, Any]:
    """The run of a document, after its log is validated against the schema."""
    log = json.loads(written("sarif", document))
    jsonschema.Draft7Validator(SCHEMA).validate(log)
    run: dict[str, Any] = log["runs"][0]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [rules[result["ruleIndex"]] for result in run["results"]] == [
        result["ruleId"] for result in run["results"]
    ]
    return run


def test_sarif_matches_its_golden_file(app_analysis: Analysis) -> None:
    document = pictured(app_analysis, {"max_size": "6MB", "min_efficiency": 0.95})
    valid(document)
    check_golden("app.sarif", written("sarif", document))


def test_advice_is_on_the_lines_to_edit_and_points_to_its_page() -> None:
    run = valid(build(python_app()))
    first = run["results"][0]
    assert first["ruleId"] == "advice/copy-chown"
    assert first["level"] == "warning"
    assert first["properties"] == {
        "bytes": 31_000_000,
        "compressed": None,
        "files": 101,
        "wasted_by": 4,
        "written_by": 2,
    }
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "Dockerfile", "uriBaseId": "%SRCROOT%"}
    assert place["region"] == {"startLine": 3, "endLine": 3}
    related = first["relatedLocations"][0]
    assert related["physicalLocation"]["region"]["startLine"] == 5
    assert "--chown=app" in first["message"]["text"]
    assert (
        "That is 14.6 % of the image, in 101 files written by instruction 2 and rewritten by 4 (owner only)."
        in first["message"]["text"]
    )
    rule = run["tool"]["driver"]["rules"][first["ruleIndex"]]
    page = urlsplit(rule["helpUri"])
    assert page.scheme == "https"
    assert page.path.endswith("/docs/advice/copy-chown.md")
    assert rule["shortDescription"]["text"] == (
        "Copied files whose owner or mode a later step changes"
    )


def test_all_advice_is_a_result_and_no_waste_is_told_twice() -> None:
    document: Any = build(python_app())
    results = valid(document)["results"]
    assert [result["ruleId"] for result in results] == [
        f"advice/{row['rule']}" for row in document["advice"]
    ]
    assert [result["properties"]["bytes"] for result in results] == [
        row["bytes"] for row in document["advice"]
    ]
    assert results[-1]["properties"]["bytes"] is None
    assert results[-1]["level"] == "note"


def test_waste_without_advice_is_a_result_of_its_own() -> None:
    document: Any = build(python_app())
    document["advice"] = []
    first = valid(document)["results"][0]
    assert first["ruleId"] == "waste/metadata-only"
    assert "31.0 MB (14.6 % of the image) in 101 files written by 2" in first["message"]["text"]


def test_what_the_base_image_wastes_is_one_note() -> None:
    steps = [("ADD a /", 1_000_000), ("RUN b", 900_000), ("RUN c", 1_000_000)]
    waste = [wasted("a", 700_000, 0, 1, "overwritten"), wasted("b", 200_000, 1, 2)]
    analysis = based(make_analysis(steps, waste), layers=2, name="corp:1")
    own, inherited = valid(build(analysis))["results"][::-1]
    assert (own["ruleId"], own["properties"]["bytes"]) == ("advice/base-waste", 200_000)
    assert (inherited["ruleId"], inherited["level"]) == ("waste/base-image", "note")
    assert inherited["properties"] == {"bytes": 700_000}
    assert "corp:1 waste 700.0 kB (24.1 % of the image)" in inherited["message"]["text"]


def test_a_pull_is_part_of_the_message_if_it_is_known() -> None:
    document: Any = build(python_app())
    document["advice"][0]["compressed"] = 12_000_000
    first = valid(document)["results"][0]
    assert first["message"]["text"].endswith("(owner only). A pull saves 12.0 MB.")
    assert first["properties"]["compressed"] == 12_000_000


def test_the_log_holds_no_more_than_code_scanning_takes() -> None:
    """The most severe results stay, and a notification counts the others."""
    document: Any = build(python_app())
    finding = {
        "confidence": "low",
        "deleted": False,
        "message": "A key",
        "reason": "x" * 100,
        "rule": "key",
        "where": "file",
    }
    document["findings"] = [finding | {"path": f"/{number:06}"} for number in range(26_000)]
    document["findings"][-1]["confidence"] = "high"
    text = written("sarif", document)
    assert len(text.encode()) <= MOST_BYTES
    run = json.loads(text)["runs"][0]
    assert 10_000 < len(run["results"]) <= MOST_RESULTS
    levels = Counter(result["level"] for result in run["results"])
    assert levels["error"] == 1
    assert levels["warning"] == 2
    (notification,) = run["invocations"][0]["toolExecutionNotifications"]
    left_out = 26_003 - len(run["results"])
    assert notification["message"]["text"].startswith(f"{left_out:,} results are left out")


def test_without_lines_the_location_is_the_instruction(app_analysis: Analysis) -> None:
    results = valid(pictured(app_analysis))["results"]
    location = results[0]["locations"][0]
    assert location["physicalLocation"] == {
        "artifactLocation": {"uri": "Dockerfile", "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": 1},
    }
    assert location["logicalLocations"][0]["fullyQualifiedName"] == "instructions/1"
    assert location["logicalLocations"][0]["name"] == "COPY . /srv/app"


def test_every_result_has_a_line_in_a_file() -> None:
    """Code scanning drops a result without one."""
    analysis = make_analysis([("COPY a /", 5), ("RUN rm a", 0)], [wasted("a", 5, 0, 1)])
    rules = {"max_layers": 1, "max_growth": "1%", "max_size": 1}
    for result in valid(pictured(analysis, rules))["results"]:
        for place in result["locations"] + result.get("relatedLocations", []):
            assert place["physicalLocation"]["artifactLocation"]["uri"] == "Dockerfile"
            assert place["physicalLocation"]["region"]["startLine"] == 1


def test_levels_follow_the_share_of_the_image() -> None:
    analysis = make_analysis(
        [("COPY a /", 1_000_000), ("RUN rm a", 0), ("RUN b", 0), ("RUN c", 0)],
        [wasted("a", 10_000, 0, 1), wasted("b", 9_999, 0, 2), wasted("c", 999, 0, 3)],
    )
    assert [(each.level, each.properties["bytes"]) for each in findings(build(analysis))] == [
        ("warning", 10_000),
        ("note", 9_999),
    ]


def test_broken_rules_are_errors_at_their_cause(app_analysis: Analysis) -> None:
    rules: dict[str, object] = {
        "max_size": "6MB",
        "max_wasted": 0,
        "max_layer_size": "4MB",
        "max_layers": 2,
        "max_tar_size": "900MB",
    }
    results = valid(pictured(app_analysis, rules))["results"]
    errors = {result["ruleId"]: result for result in results if result["level"] == "error"}
    assert {
        rule: [
            logical["fullyQualifiedName"]
            for place in result["locations"]
            for logical in place.get("logicalLocations", [])
        ]
        for rule, result in errors.items()
    } == {
        "budget/max_size": ["instructions/1"],
        "budget/max_wasted": ["instructions/3"],
        "budget/max_layer_size": ["instructions/1"],
        "budget/max_layers": [],
    }


def test_a_rule_that_only_warns_is_a_warning() -> None:
    document: Any = build(make_analysis([("COPY a /", 5)]))
    rule = {
        "rule": "max_size",
        "actual": 3,
        "limit": 2,
        "passed": False,
        "message": "",
        "level": "warn",
    }
    document["verdict"] = {"passed": True, "rules": [rule]}
    assert [result["level"] for result in valid(document)["results"]] == ["warning"]


def test_a_skipped_rule_is_a_warning_on_a_line() -> None:
    document = pictured(make_analysis([("COPY a /", 5)]), {"max_layers": 9, "max_growth": "1%"})
    run = valid(document)
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("skipped/max_growth", "warning")
    assert result["message"]["text"].startswith("max_growth: skipped, the limit is at most 1%")
    assert "not checked: there is no baseline" in result["message"]["text"]
    assert result["properties"] == {"limit": 1.0}
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "Dockerfile"
    assert place["region"] == {"startLine": 1}
    assert result["partialFingerprints"]
    (rule,) = run["tool"]["driver"]["rules"]
    assert "nothing to measure from" in json.dumps(rule)


def test_a_clean_image_has_no_results() -> None:
    run = valid(build(make_analysis([("COPY a /", 5)])))
    assert run["results"] == run["tool"]["driver"]["rules"] == []


@pytest.mark.parametrize(
    ("file", "uri", "base"),
    [
        ("Dockerfile", "Dockerfile", True),
        ("./build/Dockerfile", "build/Dockerfile", True),
        ("a b/Ä?#.txt", "a%20b/%C3%84%3F%23.txt", True),
        ("javascript:alert(1)", "javascript%3Aalert%281%29", True),
        ("/srv/Dockerfile", "file:///srv/Dockerfile", False),
        ("//host/x", "file:///host/x", False),
        ("x\n\x1b", "x%0A%1B", True),
    ],
)
def test_paths_become_uris(file: str, uri: str, base: bool) -> None:
    document: Any = build(python_app())
    for row in document["instructions"]:
        row["location"] = {"file": file, "start_line": 1, "end_line": 1}
    place = valid(document)["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == ({"uri": uri, "uriBaseId": "%SRCROOT%"} if base else {"uri": uri})


def test_messages_contain_no_links_or_placeholders() -> None:
    analysis = make_analysis(
        [("RUN a", 1000), ("RUN [x](javascript:1) {0} /", 0)],
        [wasted("a", 900, 0, 1, "overwritten")],
    )
    text = valid(build(analysis))["results"][0]["message"]["text"]
    assert "RUN \\[x\\](javascript:1) {{0}} /" in text


# Fingerprints


def fingerprints(document: Any) -> list[str]:
    return [each.fingerprint for each in findings(document)]


def test_fingerprints_stay_the_same_when_numbers_and_tags_change() -> None:
    def made(size: int, reference: str, before: int) -> list[str]:
        steps = [(f"ENV {n}", 0) for n in range(before)]
        steps += [("COPY a /", 1000), ("RUN rm a", 0)]
        waste = [wasted("a", size, before, before + 1)]
        analysis = make_analysis(steps, waste, reference=reference)
        document: Any = build(analysis)
        for pair in document["waste_pairs"]:
            assert pair["written_by"] == before
        return fingerprints(document)

    assert made(900, "app:1", 0) == made(500, "app:2", 0)
    assert made(900, "app:1", 0) == made(900, "app@sha256:00ff", 0)
    assert made(900, "app:1", 0) != made(900, "other:1", 0)


def test_fingerprints_within_a_report_differ() -> None:
    steps = [("COPY a /", 1000), ("RUN x", 0), ("RUN x", 0)]
    analysis = make_analysis(steps, [wasted("a", 90, 0, 1), wasted("b", 80, 0, 2)])
    made = fingerprints(build(analysis))
    assert len(made) == len(set(made)) == 2


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("app", "app"),
        ("app:1.2-rc", "app"),
        ("host:5000/team/app", "host:5000/team/app"),
        ("host:5000/team/app:1", "host:5000/team/app"),
        ("docker:app:1", "docker:app"),
        ("registry:app@sha256:0f", "registry:app"),
        ("build/app.tar", "build/app.tar"),
        (":x", ":x"),
    ],
)
def test_the_name_of_an_image_is_its_reference_without_tag(reference: str, name: str) -> None:
    assert image_name(build(make_analysis([], reference=reference))) == name
