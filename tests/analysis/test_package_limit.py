"""Limits on packages: what those of one name store, and by how much that grew since the baseline."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from layerscope.analysis.budgets.budget import Budget, load_budget
from layerscope.analysis.budgets.growth import Former
from layerscope.analysis.budgets.headroom import update_budget
from layerscope.analysis.budgets.judge import NO_BASELINE, evaluate
from layerscope.analysis.budgets.verdict import RuleResult
from layerscope.analysis.model import Analysis, Facts
from layerscope.cli.main import main
from layerscope.errors import ConfigError
from layerscope.report.document.builder import build
from layerscope.report.document.serialize import dumps
from layerscope.report.saved.report import parse_saved
from tests.analysis.images import analysis_of
from tests.analysis.test_ownership import RELEASE, debian, dist_info
from tests.cli.conftest import ROOT

SLIM = str(ROOT / "fixtures" / "python-3.8-slim.tar.gz")


def stored(*packages: tuple[str, int]) -> dict[str, Any]:
    files = {f"usr/{name}": b"x" * size for name, size in packages}
    return {
        **RELEASE,
        **debian(*((name, "1", (f"usr/{name}",)) for name, _ in packages)),
        **files,
    }


@pytest.fixture(scope="module")
def app() -> Analysis:
    """Two packages of 1000 and 500 bytes, and one of which a later layer stores a second version."""
    files = stored(("torch", 1000), ("torchvision", 500), ("curl", 300))
    upgrade = {**stored(("curl", 350))}
    return analysis_of(files, upgrade)


def budget_of(folder: Path, text: str) -> Budget:
    (folder / "layerscope.toml").write_text(text)
    return load_budget(None, {}, directory=folder)


def judged(
    folder: Path, facts: Facts, text: str, baseline: Former = NO_BASELINE
) -> tuple[RuleResult, ...]:
    budget = budget_of(folder, f"[[budget.package]]\n{text}")
    assert budget
    return evaluate(budget, facts, baseline=baseline).rules


@pytest.mark.parametrize(
    ("match", "size"),
    [
        ("deb:torch", 1000),
        ("torch", 1000),
        ("deb:torch*", 1500),
        ("*", 2150),
        ("deb:curl", 650),
        ("pypi:torch", 0),
        ("Torch", 0),
        ("deb:t?rch", 1000),
    ],
)
@pytest.mark.parametrize("spare", [-1, 0, 1])
def test_all_matching_packages_count_together(
    tmp_path: Path, app: Analysis, match: str, size: int, spare: int
) -> None:
    limit = max(0, size + spare)
    (result,) = judged(tmp_path, app.facts, f"match = '{match}'\nmax = {limit}")
    assert (result.rule, result.scope, result.unit) == ("max_package_size", match, "bytes")
    assert (result.actual, result.limit) == (size, limit)
    assert result.passed is (size <= limit)
    assert result.instructions == (() if result.passed else (0,))


def test_the_message_names_the_largest_package_and_its_instruction(
    tmp_path: Path, app: Analysis
) -> None:
    text = "match = 'deb:torch*'\nmax = '1.4kB'\nreason = 'use the CPU wheel'\nlevel = 'warn'"
    (result,) = judged(tmp_path, app.facts, text)
    assert result.message == (
        "deb:torch*: 100 B over; 2 packages; most, 1.0 kB, by deb torch 1 of instruction 0; use the CPU wheel"
    )
    assert (result.level, result.written) == ("warn", "1.4kB")
    (result,) = judged(tmp_path, app.facts, "match = 'x'\nmax = 5")
    assert result.message == "x: 5 B left; no package matches"


@pytest.mark.parametrize(
    ("limit", "passed", "actual", "unit"),
    [
        ("200", True, 200, "bytes"),
        ("199", False, 200, "bytes"),
        ("'25%'", True, 25, "percent"),
        ("'24.9%'", False, 25, "percent"),
    ],
)
def test_growth_is_measured_from_the_same_packages_of_the_baseline(
    tmp_path: Path, app: Analysis, limit: str, passed: bool, actual: int, unit: str
) -> None:
    before = analysis_of(stored(("torch", 800), ("other", 10_000)))
    baseline = Former("last.json", before.facts)
    text = f"match = 'deb:torch'\nmax_growth = {limit}"
    (result,) = judged(tmp_path, app.facts, text, baseline)
    assert (result.rule, result.unit) == ("max_package_growth", unit)
    assert (result.actual, result.passed) == (actual, passed)
    assert "800 B → 1.0 kB, +200 B since last.json" in result.message


def test_growth_below_min_change_does_not_count(tmp_path: Path, app: Analysis) -> None:
    baseline = Former("last.json", analysis_of(stored(("torch", 990))).facts)
    text = "match = 'torch'\nmax_growth = 0\n[budget]\nmin_change = "
    for least, passed in ((11, True), (10, False)):
        budget = budget_of(
            tmp_path, f"min_change = {least}\n[[package]]\nmatch = 'torch'\nmax_growth = 0"
        )
        (result,) = evaluate(budget, app.facts, baseline=baseline).rules
        assert result.passed is passed, text


def test_growth_without_a_baseline_is_skipped(tmp_path: Path, app: Analysis) -> None:
    (result,) = judged(tmp_path, app.facts, "match = 'torch'\nmax_growth = '1%'")
    assert (result.skipped, result.passed, result.broken) == (True, False, False)
    assert "there is no baseline" in result.message


def test_a_new_package_has_no_percentage(tmp_path: Path, app: Analysis) -> None:
    baseline = Former("last.json", analysis_of(stored(("curl", 300))).facts)
    (result,) = judged(tmp_path, app.facts, "match = 'torch'\nmax_growth = '9%'", baseline)
    assert (result.actual, result.broken) == (None, True)
    assert "last.json has no such package" in result.message


def test_both_limits_of_a_row_are_rules_of_their_own(tmp_path: Path, app: Analysis) -> None:
    rules = judged(tmp_path, app.facts, "match = 'torch'\nmax = '1MB'\nmax_growth = '1%'")
    assert [rule.rule for rule in rules] == ["max_package_size", "max_package_growth"]


def saved(analysis: Analysis, **options: Any) -> Facts:
    return parse_saved(dumps(build(analysis, **options)).encode(), "saved.json").facts


def test_a_saved_report_is_judged_like_the_image(tmp_path: Path, app: Analysis) -> None:
    text = "match = 'deb:torch*'\nmax = 1"
    assert judged(tmp_path, saved(app), text) == judged(tmp_path, app.facts, text)


@pytest.mark.parametrize("growth", [False, True])
def test_unknown_packages_break_the_rule(tmp_path: Path, app: Analysis, growth: bool) -> None:
    text = "match = 'torch'\n" + ("max_growth = '1GB'" if growth else "max = '1GB'")
    known = Former("last.json", app.facts)
    bare = replace(app.facts, packages=None)
    cases = {
        "leave --no-packages out": bare,
        "the report has no packages": replace(bare, saved=True),
        "lists only the largest packages": saved(app, top=1),
    }
    for problem, facts in cases.items():
        (result,) = judged(tmp_path, facts, text, known)
        assert (result.actual, result.broken) == (None, True)
        assert problem in result.message
        if growth:
            (result,) = judged(tmp_path, app.facts, text, Former("last.json", facts))
            assert result.broken
            assert f"last.json is unknown: {'' if facts.saved else 'packages'}" in result.message


@pytest.mark.parametrize(
    ("match", "known"),
    [
        ("npm:left-pad", False),
        ("npm:other", False),
        ("left-pad", False),
        ("*:x", False),
        ("deb:*", True),
        ("pypi:a", True),
    ],
)
def test_an_unreadable_database_breaks_rules_about_its_packages(
    tmp_path: Path, match: str, known: bool
) -> None:
    files = {**stored(("a", 10)), "node_modules/left-pad/package.json": b"{"}
    analysis = analysis_of(files)
    assert [note.code for note in analysis.notes] == ["packages-unreadable"]
    (result,) = judged(tmp_path, analysis.facts, f"match = '{match}'\nmax = '1GB'")
    assert result.passed is known
    assert (result.actual is not None) is known


@pytest.mark.parametrize(("match", "known"), [("pypi:*", False), ("deb:*", True), ("npm:*", True)])
def test_an_unreadable_distribution_is_of_python(tmp_path: Path, match: str, known: bool) -> None:
    broken = dist_info("x", "venv")
    broken[next(path for path in broken if path.endswith("METADATA"))] = b"?"
    analysis = analysis_of({**stored(("a", 10)), **broken})
    (result,) = judged(tmp_path, analysis.facts, f"match = '{match}'\nmax = '1GB'")
    assert result.passed is known


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("max = 1", "budget.package[0]: match is missing"),
        ("match = ''\nmax = 1", "package[0].match: an empty string"),
        ("match = 'a'", "package[0]: max is missing"),
        ("match = 'a'\nmax = '5%'", "package[0].max: '5%' is not a size"),
        ("match = 'a'\nmax_growth = 'x'", "package[0].max_growth: 'x' is not a growth"),
        ("match = 'a'\nmax = 1\nglob = 'b'", "unknown key glob"),
        ("match = 'a'\nmax = 1\nlevel = 'x'", "package[0].level"),
    ],
)
def test_a_row_that_makes_no_sense_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        budget_of(tmp_path, f"[[budget.package]]\n{text}")
    assert problem in caught.value.message


def test_update_raises_the_size_and_never_the_growth(tmp_path: Path, app: Analysis) -> None:
    text = "[[budget.package]]\nmatch = 'torch'\nmax = 900 # today\nmax_growth = 0\n"
    baseline = Former("last.json", analysis_of(stored(("torch", 1))).facts)
    verdict = evaluate(budget_of(tmp_path, text), app.facts, baseline=baseline)
    new, (update,) = update_budget(text, (), ["package:torch"], verdict, 10)
    assert (update.before, update.after) == ("900", "1.1kB")
    assert new == text.replace("900", '"1.1kB"')
    growth = "[[budget.package]]\nmatch = 'torch'\nmax_growth = 0\n"
    verdict = evaluate(budget_of(tmp_path, growth), app.facts, baseline=baseline)
    with pytest.raises(ConfigError, match="max_package_growth is not a size of the image"):
        update_budget(growth, (), ["package:torch"], verdict, 10)


RULES = """[[budget.package]]
match = "deb:perl*"
max = "1kB"
[[budget.package]]
match = "deb:libc6"
max = "1GB"
"""


@pytest.mark.parametrize("form", ["text", "markdown", "html", "junit", "sarif", "json"])
def test_every_format_names_the_broken_package(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, form: str
) -> None:
    (tmp_path / "rules.toml").write_text(RULES)
    arguments = ["check", SLIM, "--config", str(tmp_path / "rules.toml"), "--format", form]
    assert main(arguments) == 1
    text = capsys.readouterr().out
    assert "deb perl-base" in text
    assert "1kB" in text
    if form == "sarif":
        results = json.loads(text)["runs"][0]["results"]
        broken = [row for row in results if row["ruleId"] == "budget/max_package_size"]
        assert [row["level"] for row in broken] == ["error"]
    if form == "junit":
        assert text.count("max_package_size") >= 2
        assert text.count("<failure") == 1


def test_growth_of_a_package_needs_a_baseline(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[budget.package]]\nmatch = "deb:*"\nmax_growth = "1%"\n')
    assert main(["check", SLIM, "--config", str(rules)]) == 2
    assert "max_package_growth has no baseline to measure from" in capsys.readouterr().err
    report = tmp_path / "old.json"
    assert main(["report", SLIM, "-o", f"json={report}"]) == 0
    assert main(["check", SLIM, "--config", str(rules), "--baseline", str(report)]) == 0
    assert "pass  max_package_growth" in capsys.readouterr().out
    assert main(["check", SLIM, "--config", str(rules), "--allow-missing-baseline"]) == 0
    assert (
        main(["check", SLIM, "--no-packages", "--config", str(rules), "--baseline", str(report)])
        == 1
    )
