"""dive's rules: how they are read, and when they fail."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from layerscope.analysis.budgets.budget import load_budget
from layerscope.analysis.budgets.dive import DiveNumbers
from layerscope.analysis.budgets.dive_rules import DiveRules, dive_rules, judge_dive
from layerscope.analysis.budgets.judge import evaluate
from layerscope.errors import ConfigError
from tests.report.sample import make_analysis, python_app, wasted


def rules_of(folder: Path, text: str, **options: str) -> DiveRules:
    (folder / ".dive-ci").write_text(text)
    rules = dive_rules(folder / ".dive-ci", options)
    assert rules is not None
    return rules


def test_the_file_in_dives_readme_is_read(tmp_path: Path) -> None:
    text = """
# comment
rules:
  lowestEfficiency: 0.95
  highestWastedBytes: 20MB
  highestUserWastedPercent: 0.20
"""
    assert rules_of(tmp_path, text) == DiveRules(
        lowest_efficiency=Decimal("0.95"),
        highest_wasted_bytes=20_000_000,
        highest_user_wasted_percent=Decimal("0.20"),
    )


@pytest.mark.parametrize(
    ("written", "size"),
    [("20MB", 20_000_000), ("20 MiB", 20 << 20), ("20Mi", 20 << 20), ("1,000", 1000), ("5k", 5000)],
)
def test_sizes_are_read_as_dive_reads_them(tmp_path: Path, written: str, size: int) -> None:
    rules = rules_of(tmp_path, f"rules:\n  highestWastedBytes: '{written}'")
    assert rules.highest_wasted_bytes == size


def test_a_missing_rule_keeps_dives_default(tmp_path: Path) -> None:
    for text in ("", "rules:\n", "rules:\n  lowestEfficiency:\n", "other: 1"):
        rules = rules_of(tmp_path, text)
        assert rules.lowest_efficiency == Decimal("0.9")
        assert rules.highest_wasted_bytes is None
        assert rules.highest_user_wasted_percent == Decimal("0.1")
        assert len(rules.defaults) == 3


def test_rules_can_be_disabled_and_options_override_the_file(tmp_path: Path) -> None:
    text = "rules:\n  LOWESTefficiency: disabled\n  highestUserWastedPercent: 0.5\n"
    rules = rules_of(tmp_path, text, highestUserWastedPercent="0.25", highestWastedBytes="1kB")
    assert rules.lowest_efficiency is None
    assert rules.highest_user_wasted_percent == Decimal("0.25")
    assert rules.highest_wasted_bytes == 1000
    assert rules.defaults == frozenset()
    assert dive_rules(None, {}) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules: [", "not valid YAML"),
        ("- a\n- b", "has no rules table"),
        ("rules: 3", "has no rules table"),
        ("rules:\n  lowestEfficiency: 95", "rules.lowestEfficiency: '95' is not between 0 and 1"),
        ("rules:\n  lowestEfficiency: .nan", "is not between 0 and 1"),
        ("rules:\n  lowestEfficiency: [1]", "rules.lowestEfficiency is not a value"),
        ("rules:\n  highestWastedBytes: much", "rules.highestWastedBytes: 'much' is not a size"),
        ("rules: !!python/object/apply:os.system [echo hi]", "has no rules table"),
        ("[" * 3000, "not valid YAML"),
    ],
)
def test_an_invalid_rule_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rules_of(tmp_path, text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_or_one_that_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"rules: \xff")
    with pytest.raises(ConfigError, match="not valid YAML"):
        dive_rules(tmp_path / "a", {})
    with pytest.raises(ConfigError, match="does not exist"):
        dive_rules(tmp_path / "b", {})


def passed(rules: DiveRules, numbers: DiveNumbers | None) -> dict[str, bool]:
    return {each.rule: each.passed for each in judge_dive(rules, numbers, make_analysis([]).facts)}


def numbers(score: float, wasted_bytes: int, percent: float | None) -> DiveNumbers:
    return DiveNumbers(
        size_bytes=1000,
        inefficient_bytes=wasted_bytes,
        efficiency_score=score,
        user_wasted_percent=percent,
    )


RULES = DiveRules(
    lowest_efficiency=Decimal("0.95"),
    highest_wasted_bytes=100,
    highest_user_wasted_percent=Decimal("0.1"),
)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (numbers(0.95, 100, 0.1), (True, True, True)),
        (numbers(0.9499999999999999, 101, 0.10000000000000002), (False, False, False)),
        (numbers(1.0, 0, None), (True, True, True)),
        (numbers(1.0, 1, None), (True, True, False)),
        (None, (False, False, False)),
    ],
)
def test_a_value_equal_to_its_limit_passes(
    found: DiveNumbers | None, expected: tuple[bool, bool, bool]
) -> None:
    assert tuple(passed(RULES, found).values()) == expected


def test_the_message_has_the_true_number() -> None:
    analysis = make_analysis([("COPY a /", 1000)], [wasted("/a", 250, 0, 0)])
    messages = [each.message for each in judge_dive(RULES, numbers(1.0, 0, None), analysis.facts)]
    assert messages[0] == "actually 75.0 % are live"
    assert messages[1] == "actually 250 B are wasted"
    assert "dive divides by zero" in messages[2]


def test_dives_file_is_found_only_if_nothing_else_has_rules(tmp_path: Path) -> None:
    (tmp_path / ".dive-ci").write_text("rules:\n  lowestEfficiency: 0.5\n")
    assert load_budget(None, {}, directory=tmp_path).dive is None
    assert load_budget(None, {}, directory=tmp_path, find_dive=True).dive is not None
    both = load_budget(None, {"max_size": 1}, directory=tmp_path, find_dive=True)
    assert both.dive is not None
    assert len(evaluate(both, python_app().facts).rules) == 3
    (tmp_path / "layerscope.toml").write_text("max_layers = 5")
    assert load_budget(None, {}, directory=tmp_path, find_dive=True).dive is None
