"""First budgets, and raising limits in a file."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.analysis.budgets.budget import load_budget
from layerscope.analysis.budgets.headroom import (
    first_budget,
    limit_for,
    update_budget,
    with_headroom,
    write_size,
)
from layerscope.analysis.budgets.judge import evaluate
from layerscope.analysis.budgets.rules import RULES
from layerscope.errors import ConfigError
from layerscope.image.image import Base
from layerscope.units import parse_size
from tests.report.sample import make_analysis, python_app, wasted, with_facts


@given(st.integers(0, 10**15))
def test_a_written_size_is_rounded_up_slightly(size: int) -> None:
    written = parse_size(write_size(size))
    assert size <= written <= size * 1.011 + 1


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1kB"),
        (1001, "1.01kB"),
        (186_400_001, "187MB"),
        (10**9, "1GB"),
    ],
)
def test_sizes_have_three_digits(size: int, text: str) -> None:
    assert write_size(size) == text


def test_headroom_is_rounded_up() -> None:
    assert [with_headroom(size, 10) for size in (0, 1, 100)] == [0, 2, 110]
    assert limit_for("min_efficiency", Fraction(1, 2), 10) == 0.45
    assert limit_for("min_efficiency", Fraction(1), 10) == 1.0
    assert limit_for("max_wasted_percent", Fraction(95), 10) == 100.0
    assert limit_for("max_wasted_percent", Fraction(1, 3), 0) == 0.4
    assert limit_for("max_layers", Fraction(13), 10) == 15


@given(
    st.lists(st.integers(0, 10**10), min_size=1, max_size=5),
    st.integers(0, 100),
    st.booleans(),
    st.none() | st.integers(0, 10**9),
)
def test_an_image_passes_its_first_budget(
    sizes: list[int], percent: int, based: bool, compressed: int | None
) -> None:
    analysis = make_analysis(
        [(f"RUN {n}", size) for n, size in enumerate(sizes)],
        [wasted("/a", sizes[0] // 3, 0, 0)],
        compressed=compressed,
    )
    if based:
        base = Base(layers=0, name="b", evidence="image")
        analysis = with_facts(analysis, base=base)
    text = first_budget(analysis.facts, percent)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "layerscope.toml").write_text(text, encoding="utf-8")
        budget = load_budget(None, {}, directory=folder)
    verdict = evaluate(budget, analysis.facts)
    assert verdict.passed
    assert ("max_own_size" in budget.limits) is based
    assert ("max_compressed_size" in budget.limits) is (compressed is not None)
    assert set(budget.limits) >= {"max_size", "max_wasted", "min_efficiency", "max_layers"}


def test_the_examples_in_a_first_budget_are_valid(tmp_path: Path) -> None:
    """The comments are a valid budget once the comment signs are removed."""
    lines = first_budget(python_app().facts).split("\n# Growth since", 1)[1].splitlines()
    rules = [line.removeprefix("# ") for line in lines if "=" in line or line.startswith("# [[")]
    (tmp_path / "layerscope.toml").write_text("[budget]\n" + "\n".join(rules))
    budget = load_budget(None, {}, directory=tmp_path)
    assert set(budget.limits) == {"max_growth", "max_drift"}
    assert (len(budget.instructions), len(budget.paths), len(budget.allows)) == (1, 2, 1)


def test_an_image_name_cannot_end_its_comment() -> None:
    analysis = make_analysis([("RUN a", 5)], reference="evil\n[budget]\r\x1b[0m\u2028max_size=1é")
    text = first_budget(analysis.facts)
    assert text.splitlines()[0].startswith("# The budget of evil [budget] ?[0m")
    assert text.count("\n[budget]\n") == 1


FILE = """# the budget
[budget]
max_size = "1MB"   # why
max_layers = 20
max_wasted_percent = { limit = 1.5, reason = "small" }

[[budget.path]]
glob = "/a/**"
max = "1kB"  # doc
"""


def updated(text: str, *names: str, place: tuple[str, ...] = (), percent: int = 10) -> str:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "pyproject.toml" if place else "layerscope.toml")
        path.write_text(text, encoding="utf-8")
        verdict = evaluate(load_budget(path), python_app().facts)
    return update_budget(text, place, names, verdict, percent)[0]


def test_only_named_limits_are_raised() -> None:
    changed = updated(FILE, "max_size")
    assert changed == FILE.replace('"1MB"', '"234MB"')
    changed = updated(FILE, "max-wasted-percent", percent=0)
    assert changed == FILE.replace("1.5", "20.6")


def test_a_limit_that_passes_is_not_raised() -> None:
    text = FILE
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "layerscope.toml")
        path.write_text(text, encoding="utf-8")
        verdict = evaluate(load_budget(path), python_app().facts)
    verdict_text, updates = update_budget(text, (), ["max_layers", "path:/a/**"], verdict, 10)
    assert verdict_text == text
    assert [(each.rule, each.after) for each in updates] == [
        ("max_layers", None),
        ("path:/a/**", None),
    ]


def test_pyproject_is_updated_too() -> None:
    text = "[project]\nname = 'a'\n\n[tool.layerscope]\nmax_size = 5 # five\n"
    assert updated(text, "max_size", place=("tool", "layerscope")) == text.replace(
        "5 #", '"234MB" #'
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "max_wasted",
            "the file has no such rule; it has max_size, max_wasted_percent, max_layers",
        ),
        ("path:/b/**", "the file has no such rule"),
        ("instruction:RUN *", "the file has no such rule"),
        ("nonsense", "the file has no such rule"),
        ("max_growth", "the file has no such rule"),
    ],
)
def test_a_rule_that_is_not_in_the_file_cannot_be_raised(name: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        updated(FILE, name)
    assert words in str(caught.value)


def test_growth_and_unknown_sizes_are_not_raised() -> None:
    with pytest.raises(ConfigError, match="is not a size of the image"):
        updated("max_growth = 0", "max_growth")
    with pytest.raises(ConfigError, match="a limit needs a number"):
        updated("max_own_size = 0", "max_own_size")


def test_every_rule_of_a_first_budget_is_a_rule() -> None:
    from layerscope.analysis.budgets import headroom

    assert set(headroom._FIRST) <= RULES.keys()
