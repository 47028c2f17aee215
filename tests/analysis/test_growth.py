"""Growth against a baseline, drift from an anchor, and the size without the base image."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from layerscope.analysis.budgets.base import on_base
from layerscope.analysis.budgets.budget import load_budget
from layerscope.analysis.budgets.growth import Former, check_platform, grown_instructions
from layerscope.analysis.budgets.judge import evaluate
from layerscope.analysis.budgets.verdict import RuleResult
from layerscope.analysis.model import Analysis
from layerscope.errors import UsageError
from layerscope.image.image import Base, Image
from layerscope.image.platform import Platform
from layerscope.report.document.builder import build
from tests.analysis.steps import analysis_of
from tests.report.sample import make_analysis, with_facts, without_tar

EMPTY = Path("/nonexistent")


def former(analysis: Analysis, name: str = "last.json") -> Former:
    return Former(name, analysis.facts)


def judge(
    now: Analysis, before: Analysis | None, rule: str = "max_growth", **rules: object
) -> RuleResult:
    past = Former("last.json", None) if before is None else former(before)
    budget = load_budget(None, rules, directory=EMPTY)
    verdict = evaluate(budget, now.facts, baseline=past, anchor=past)
    (result,) = verdict.rules
    assert result.rule == rule
    return result


def sized(size: int) -> Analysis:
    return make_analysis([("ADD a /", 1000), ("RUN b", size - 1000)])


@pytest.mark.parametrize("rule", ["max_growth", "max_drift"])
@pytest.mark.parametrize(
    ("limit", "size", "passed"),
    [
        (100, 2099, True),
        (100, 2100, True),
        (100, 2101, False),
        ("0.1kB", 2100, True),
        (0, 2000, True),
        (0, 2001, False),
        (0, 1500, True),
        ("5%", 2100, True),
        ("5%", 2101, False),
        ("0%", 2000, True),
        ("0%", 2001, False),
        ("0.05%", 2001, True),
        ("200 %", 6000, True),
    ],
)
def test_growth_up_to_the_limit_passes(rule: str, limit: object, size: int, passed: bool) -> None:
    result = judge(sized(size), sized(2000), rule, **{rule: limit})
    assert result.passed is passed
    assert "since last.json" in result.message
    if isinstance(limit, str) and limit.endswith("%"):
        assert result.unit == "percent"
        assert result.actual == pytest.approx(100 * (size - 2000) / 2000)
    else:
        assert (result.unit, result.actual) == ("bytes", size - 2000)
    if not passed:
        assert "by instruction 1, RUN b" in result.message


@pytest.mark.parametrize(
    ("least", "passed"), [("99", False), ("100", False), ("101", True), ("1kB", True)]
)
def test_growth_below_min_change_does_not_count(least: str, passed: bool) -> None:
    result = judge(sized(2100), sized(2000), max_growth=0, min_change=least)
    assert (result.passed, result.actual) == (passed, 100)
    assert ("less than min_change" in result.message) is passed


def test_min_change_does_not_apply_to_drift() -> None:
    assert not judge(sized(2100), sized(2000), "max_drift", max_drift=0, min_change="1GB").passed


def test_many_small_steps_exceed_the_drift() -> None:
    """Each step is within the growth limit, but together they exceed the drift limit."""
    sizes = [2000 + 90 * step for step in range(6)]
    for before, now in itertools.pairwise(sizes):
        assert judge(sized(now), sized(before), max_growth="5%").passed
    assert judge(sized(sizes[2]), sized(sizes[0]), "max_drift", max_drift="10%").passed
    assert not judge(sized(sizes[5]), sized(sizes[0]), "max_drift", max_drift="10%").passed


def test_a_rule_without_a_baseline_is_skipped() -> None:
    result = judge(sized(2000), None, max_growth=0)
    assert (result.skipped, result.passed, result.broken, result.actual) == (
        True,
        False,
        False,
        None,
    )
    assert result.message == "not checked: there is no last.json yet"


def test_an_unknown_size_breaks_the_rule() -> None:
    result = judge(sized(2000), without_tar(sized(2000), 1), max_growth=10)
    assert (result.passed, result.actual) == (False, None)
    result = judge(without_tar(sized(2000), 1), sized(2000), max_growth=10)
    assert (result.passed, result.actual) == (False, None)
    assert "layer 1" in result.message
    nothing = make_analysis([("CMD a", 0)])
    result = judge(sized(2000), nothing, max_growth="10%")
    assert (result.passed, result.actual) == (False, None)
    assert judge(nothing, nothing, max_growth="0%").passed
    assert judge(sized(2000), nothing, max_growth=2000).passed


def test_images_for_different_platforms_are_not_compared() -> None:
    other = sized(2000)
    other = with_facts(other, platform=Platform("linux", "arm64"))
    with pytest.raises(UsageError, match=r"last.json is for linux/arm64"):
        check_platform(sized(2000).facts, former(other))
    check_platform(sized(2000).facts, former(sized(1)))
    check_platform(sized(2000).facts, Former("none", None))


def test_instructions_that_grew_are_listed_largest_first() -> None:
    before = make_analysis([("ADD a /", 1000), ("RUN b", 500), ("COPY c /c", 100)])
    now = make_analysis(
        [("ADD a /", 1000), ("RUN b", 700), ("RUN other --thing", 900), ("COPY c /c", 101)]
    )
    grown = grown_instructions(now.facts, before.facts)
    assert [(row.instruction, row.bytes, row.before) for row in grown] == [
        (2, 900, 0),
        (1, 700, 500),
        (3, 101, 100),
    ]
    assert len(grown_instructions(now.facts, before.facts, 200)) == 2
    document = build(now, baseline=former(before), min_change=200)
    assert document["baseline"]["reference"] == "last.json"
    assert document["baseline"]["sizes"]["content"] == 1600
    assert document["baseline"]["grown"] == [
        {"before": 0, "bytes": 900, "instruction": 2},
        {"before": 500, "bytes": 700, "instruction": 1},
    ]
    assert "baseline" not in build(now, baseline=Former("none", None))


def own(analysis: Analysis, layers: int | None, limit: object) -> RuleResult:
    base = None if layers is None else Base(layers=layers, name="b:1@sha256:0", evidence="image")
    analysis = with_facts(analysis, base=base)
    (result,) = evaluate(
        load_budget(None, {"max_own_size": limit}, directory=EMPTY), analysis.facts
    ).rules
    return result


@pytest.mark.parametrize(("limit", "passed"), [(999, False), (1000, True), (1001, True)])
def test_own_size_leaves_out_the_base_layers(limit: int, passed: bool) -> None:
    result = own(sized(2000), 1, limit)
    assert (result.actual, result.passed) == (1000, passed)
    assert "without 1 layer of b:1" in result.message
    assert "sha256" not in result.message


def test_own_size_is_unknown_without_a_base() -> None:
    result = own(sized(2000), None, "1GB")
    assert (result.actual, result.passed) == (None, False)
    for remedy in ("--base", "--dockerfile", "provenance"):
        assert remedy in result.message


def test_a_missing_base_layer_does_not_matter_for_own_size() -> None:
    assert own(without_tar(sized(2000), 0), 1, 1000).passed
    assert own(without_tar(sized(2000), 1), 1, 1000).actual is None


def image_of(folder: Path, *contents: bytes, tag: str = "a:1") -> Image:
    steps = [("COPY x /", {f"f{n}": data}) for n, data in enumerate(contents)]
    return analysis_of(folder, list(steps), tag).image


def test_a_base_must_have_the_lowest_layers_in_order(tmp_path: Path) -> None:
    image = image_of(tmp_path, b"1", b"2", b"3")
    base = on_base(image, image_of(tmp_path, b"1", b"2", tag="b:1")).base
    assert base is not None
    assert (base.layers, base.evidence) == (2, "image")
    whole = on_base(image, image).base
    assert whole is not None
    assert whole.layers == 3
    with pytest.raises(UsageError, match=r"is not the base of .*: layer 1 is sha256:.*, not sha"):
        on_base(image, image_of(tmp_path, b"1", b"x", tag="b:2"))
    with pytest.raises(UsageError, match="it has 4 layers, but the image only 3"):
        on_base(image, image_of(tmp_path, b"1", b"2", b"3", b"4", tag="b:3"))
