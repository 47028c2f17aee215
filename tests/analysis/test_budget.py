from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from layerscope.analysis.budgets.budget import load_budget
from layerscope.analysis.budgets.judge import evaluate
from layerscope.analysis.budgets.rules import RULES
from layerscope.analysis.budgets.verdict import Verdict
from layerscope.analysis.duplicates import Duplicates
from layerscope.analysis.model import Analysis
from layerscope.analysis.origin import origin_of
from layerscope.analysis.weight.facts import DeadWeight
from layerscope.errors import ConfigError
from layerscope.image.image import Base
from tests.report.sample import make_analysis, python_app, wasted, with_facts, without_tar

EMPTY = Path("/nonexistent")
"""A folder without a configuration file."""


def judge(analysis: Analysis, **rules: object) -> Verdict:
    return evaluate(load_budget(None, rules, directory=EMPTY), analysis.facts)


def limits_of(folder: Path, options: Mapping[str, object] | None = None) -> dict[str, object]:
    return dict(load_budget(None, options, directory=folder).limits)


def four_fifths() -> Analysis:
    """An image with content 1000, of which 200 are wasted, in layers of 600 and 400."""
    return make_analysis(
        [("COPY a /", 600), ("RUN b", 400)], [wasted("/x", 200, 0, 1)], compressed=300
    )


@pytest.mark.parametrize(
    ("rule", "just_under", "limit", "just_over"),
    [
        ("max_size", "999", "1kB", 1001),
        ("max_compressed_size", 299, "0.3kB", 301),
        ("max_tar_size", 20_999, 21_000, "21.001kB"),
        ("max_wasted", 199, 200, 201),
        ("max_wasted_percent", "19.99%", 20, 20.01),
        ("max_layers", 1, "2", 3),
        ("max_layer_size", 599, 600, 601),
    ],
)
def test_a_value_equal_to_its_limit_passes(
    rule: str, just_under: object, limit: object, just_over: object
) -> None:
    analysis = four_fifths()
    assert not judge(analysis, **{rule: just_under}).passed
    assert judge(analysis, **{rule: limit}).passed
    assert judge(analysis, **{rule: just_over}).passed


@pytest.mark.parametrize(
    ("limit", "passed"), [("80%", True), (0.8, True), ("0.8001", False), (0.79, True)]
)
def test_efficiency_must_be_at_least_its_limit(limit: object, passed: bool) -> None:
    assert judge(four_fifths(), min_efficiency=limit).passed is passed


def test_shares_are_compared_exactly() -> None:
    third = make_analysis([("COPY a /", 3), ("RUN b", 0)], [wasted("/x", 1, 0, 1)])
    assert not judge(third, max_wasted_percent="33.3333333333333333").passed
    assert judge(third, max_wasted_percent="33.3333333333333334").passed


def test_an_empty_image_passes_every_rule() -> None:
    empty = make_analysis([("CMD a", 0)], compressed=0)
    empty = with_facts(
        empty,
        base=Base(layers=0, name=None, evidence="x"),
        duplicates=Duplicates(least=4096, groups=()),
        weight=DeadWeight(bytes=0, files=0, compressed=0, kinds=(), base=None),
    )
    empty = with_facts(empty, origin=origin_of(empty.facts, set()))
    verdict = judge(empty, **dict.fromkeys(RULES, 0) | {"min_efficiency": 1})
    assert verdict.passed
    assert len(verdict.rules) == len(RULES)


def test_a_result_names_rule_numbers_and_cause() -> None:
    verdict = judge(python_app(), max_wasted="10MB", max_layers=20)
    broken, kept = verdict.rules
    assert (broken.rule, broken.limit, broken.passed) == ("max_wasted", 10_000_000, False)
    assert broken.actual == python_app().sizes.wasted
    assert "RUN chown -R app /app" in broken.message
    assert (kept.rule, kept.actual, kept.passed) == ("max_layers", 6, True)
    assert verdict.broken == 1


def test_an_unknown_value_breaks_its_rule_and_says_why() -> None:
    verdict = judge(
        with_facts(four_fifths(), sizes=replace(four_fifths().sizes, compressed=None)),
        max_compressed_size="1GB",
    )
    (result,) = verdict.rules
    assert (result.actual, result.passed) == (None, False)
    assert "oci-archive:" in result.message


KNOWN_WITHOUT_LAYERS = {
    "max_compressed_drift",
    "max_compressed_growth",
    "max_compressed_size",
    "max_layers",
}


@pytest.mark.parametrize("rule", sorted(RULES.keys() - KNOWN_WITHOUT_LAYERS))
def test_sizes_are_unknown_when_a_layer_is_missing(rule: str) -> None:
    analysis = without_tar(four_fifths(), 1)
    based = with_facts(analysis, base=Base(layers=1, name="a", evidence="image"))
    (result,) = judge(based, **{rule: 0}).rules
    assert (result.actual, result.passed) == (None, False)
    assert "layer 1" in result.message


def test_without_files_or_options_there_are_no_rules() -> None:
    assert not load_budget(None, {}, directory=EMPTY)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("layerscope.toml", "[budget]\nmax_size = '1kB'\nmax_layers = 3"),
        ("layerscope.toml", "max_size = 1000\n[budget]\nmax_layers = 3"),
        ("pyproject.toml", "[tool.layerscope.budget]\nmax_size = '1kB'\nmax_layers = 3"),
        ("pyproject.toml", "[tool.layerscope]\nmax_size = '1kB'\nmax_layers = 3"),
    ],
)
def test_rules_live_in_either_file(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert limits_of(tmp_path) == {"max_size": 1000, "max_layers": 3}
    assert dict(load_budget(tmp_path / name).limits) == limits_of(tmp_path)


def test_an_option_overrides_the_same_rule_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "layerscope.toml").write_text("[budget]\nmax_size = 1\nmax_layers = 3")
    assert limits_of(tmp_path, {"max_size": "2kB"}) == {"max_size": 2000, "max_layers": 3}


def test_tables_of_other_tools_in_pyproject_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nmax_size = 1")
    assert limits_of(tmp_path) == {}


@pytest.mark.parametrize("text", ["[keys]\n'tree.sort' = 'o'", "[browser]\ntheme = 'nord'"])
def test_a_file_with_only_browser_settings_has_no_rules(tmp_path: Path, text: str) -> None:
    own = tmp_path / "layerscope.toml"
    own.write_text(text)
    assert limits_of(tmp_path) == {}
    (tmp_path / "pyproject.toml").write_text("[tool.layerscope]\nmax_layers = 1")
    budget = load_budget(directory=tmp_path)
    assert budget.limits == {"max_layers": 1}
    assert budget.file == tmp_path / "pyproject.toml"
    own.write_text(text + "\n[budget]\nmax_size = 1")
    with pytest.raises(ConfigError, match=r"both layerscope\.toml and pyproject\.toml"):
        limits_of(tmp_path)


def test_rules_in_both_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "layerscope.toml").write_text("[budget]\nmax_size = 1")
    (tmp_path / "pyproject.toml").write_text("[tool.layerscope]\nmax_layers = 1")
    with pytest.raises(ConfigError, match=r"both layerscope\.toml and pyproject\.toml"):
        limits_of(tmp_path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[budget]\nmax_sise = 1", "unknown key budget.max_sise; did you mean max_size"),
        ("[budgets]\nmax_size = 1", "unknown key budgets"),
        ("max_size = 1\n[budget]\nmax_size = 2", "max_size is set twice"),
        ("[budget]\nmax_size = true", "budget.max_size: a boolean is not a size"),
        ("[budget]\nmax_size = 1.5", "'1.5' is not a size"),
        ("[budget]\nmax_size = -1", "size -1 is negative"),
        ("[budget]\nmax_size = []", "an array is not a size"),
        ("[budget]\nmax_layers = 2.5", "not a number of layers"),
        ("[budget]\nmax_layers = '2MB'", "not a number of layers"),
        ("[budget]\nmax_wasted_percent = 101", "101 is not a percentage"),
        ("[budget]\nmax_wasted_percent = nan", "'NaN' is not a percentage"),
        ("[budget]\nmin_efficiency = 95", "95 is not an efficiency"),
        ("[budget]\nmin_efficiency = inf", "is not an efficiency"),
        ("budget = 3", "budget is not a table"),
        ("[budget\nmax_size = 1", "not valid TOML"),
        ("a = " + "[" * 5000, "cannot be read: it is nested too deeply"),
        ("a = " + "9" * 5000, "cannot be read"),
    ],
)
def test_an_invalid_budget_is_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "layerscope.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        limits_of(tmp_path)
    assert words in str(caught.value)
    assert "layerscope.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_named_file_must_exist_and_have_rules(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load_budget(tmp_path / "no.toml")
    with pytest.raises(ConfigError, match="not a regular file"):
        load_budget(tmp_path)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(ConfigError, match="not a regular file"):
        load_budget(fifo)
    (tmp_path / "pyproject.toml").write_text("[tool.other]\nx = 1")
    with pytest.raises(ConfigError, match="has no rules"):
        load_budget(tmp_path / "pyproject.toml")


def test_a_file_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    (tmp_path / "layerscope.toml").write_bytes(b"[budget]\n# \xff")
    with pytest.raises(ConfigError, match="not UTF-8 at byte 11"):
        limits_of(tmp_path)
    (tmp_path / "layerscope.toml").write_bytes(b"#" * (1024 * 1024 + 1))
    with pytest.raises(ConfigError, match="more than 1048576 bytes"):
        limits_of(tmp_path)


@pytest.mark.parametrize("name", [*RULES, "min_change"])
@pytest.mark.parametrize(
    "value",
    [
        "1e9999999999999999999",
        "1e-9999999999999999999",
        "1e999999",
        "1e-999999999",
        "9" * 4000,
        "9" * 5000,
        "'1e-999999999'",
        "'1e-999999999%'",
        f"'{'9' * 300}'",
        "-1e99",
        "1e18",
    ],
)
def test_an_absurd_number_is_refused_in_one_short_line(
    tmp_path: Path, name: str, value: str
) -> None:
    (tmp_path / "layerscope.toml").write_text(f"{name} = {value}")
    with pytest.raises(ConfigError) as caught:
        load_budget(directory=tmp_path)
    assert len(str(caught.value).removeprefix(str(tmp_path))) < 300
    assert "\n" not in str(caught.value)
