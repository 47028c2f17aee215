"""Limits on dead weight: on all of it, and on single kinds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from layerscope.analysis.budgets.budget import load_budget
from layerscope.analysis.budgets.growth import Former
from layerscope.analysis.budgets.judge import NO_BASELINE, evaluate
from layerscope.analysis.budgets.verdict import RuleResult
from layerscope.analysis.model import Analysis
from layerscope.errors import ConfigError
from tests.analysis.images import analysis_of


@pytest.fixture(scope="module")
def app() -> Analysis:
    """2000 bytes of documentation in two layers, 500 of logs, and one file that a container needs."""
    first = {
        "usr/share/doc/a/README": b"d" * 1_200,
        "var/log/a.log": b"l" * 500,
        "srv/a": b"a" * 900,
    }
    return analysis_of(first, {"usr/share/doc/b/README": b"d" * 800})


def judged(
    folder: Path, app: Analysis, text: str, baseline: Former = NO_BASELINE
) -> list[RuleResult]:
    (folder / "layerscope.toml").write_text(text)
    budget = load_budget(None, {}, directory=folder)
    return list(evaluate(budget, app.facts, baseline=baseline).rules)


@pytest.mark.parametrize(("limit", "passed"), [(2_500, True), (2_499, False)])
def test_all_dead_weight_is_limited_to_the_byte(
    tmp_path: Path, app: Analysis, limit: int, passed: bool
) -> None:
    (result,) = judged(tmp_path, app, f"[budget]\nmax_dead_weight = {limit}\n")
    assert (result.actual, result.passed, result.unit) == (2_500, passed, "bytes")


def test_a_kind_has_a_limit_of_its_own_and_a_broken_one_names_instructions(
    tmp_path: Path, app: Analysis
) -> None:
    rows = '[[budget.dead_weight]]\nkind = "{}"\nmax = {}\n'
    text = rows.format("docs", 1_999) + rows.format("logs", 500) + rows.format("tests", 0)
    docs, logs, tests = judged(tmp_path, app, text)
    assert (docs.passed, docs.actual, docs.instructions) == (False, 2_000, (0, 1))
    assert "in /usr/share/doc by instruction 0" in docs.message
    assert (logs.passed, tests.passed, tests.actual) == (True, True, 0)


def test_growth_of_a_kind_is_measured_from_the_baseline(tmp_path: Path, app: Analysis) -> None:
    before = analysis_of({"usr/share/doc/a/README": b"d" * 1_000})
    text = '[[budget.dead_weight]]\nkind = "d*"\nmax_growth = "50%"\n'
    (result,) = judged(tmp_path, app, text, Former("last", before.facts))
    assert (result.rule, result.passed, result.actual) == ("max_dead_weight_growth", False, 100.0)
    (skipped,) = judged(tmp_path, app, text, Former("last", None))
    assert skipped.skipped


def test_unknown_dead_weight_breaks_the_rule(tmp_path: Path, app: Analysis) -> None:
    text = '[budget]\nmax_dead_weight = "1GB"\n[[budget.dead_weight]]\nkind = "docs"\nmax = "1GB"\n'
    blind = replace(app, facts=replace(app.facts, weight=None))
    assert [rule.passed for rule in judged(tmp_path, blind, text)] == [False, False]
    assert app.facts.weight is not None
    half = replace(app.facts.weight, unmeasured=("debug_symbols",))
    lazy = replace(app, facts=replace(app.facts, weight=half))
    assert [rule.passed for rule in judged(tmp_path, lazy, text)] == [False, True]


def test_compressed_bytes_are_unknown_for_a_plain_layer(tmp_path: Path, app: Analysis) -> None:
    text = '[[budget.dead_weight]]\nkind = "docs"\nmax_compressed = "1GB"\n'
    (result,) = judged(tmp_path, app, text)
    assert not result.passed
    assert "only uncompressed layers" in result.message


def test_a_kind_that_does_not_exist_is_an_error(tmp_path: Path, app: Analysis) -> None:
    with pytest.raises(ConfigError, match="no kind of dead weight is called 'manuals'"):
        judged(tmp_path, app, '[[budget.dead_weight]]\nkind = "manuals"\nmax = 1\n')
