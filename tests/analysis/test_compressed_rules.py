"""Rules about what a pull transfers: by instruction, by path, and how much it grew."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from layerscope.analysis.budgets.budget import load_budget
from layerscope.analysis.budgets.growth import Former
from layerscope.analysis.budgets.judge import evaluate
from layerscope.analysis.budgets.verdict import RuleResult
from layerscope.analysis.model import Analysis
from layerscope.errors import ConfigError
from tests.analysis.images import analysed, image_of
from tests.analysis.test_ownership import RELEASE, debian

NOISE = random.Random(6).randbytes(40_000)
"""Content that doesn't compress."""


def analysis(form: str = "oci-archive", compression: str = "gzip", extra: int = 0) -> Analysis:
    image = image_of(
        {"opt/noise": NOISE + NOISE[:extra], "opt/text": b"text " * 20_000},
        {"srv/text": b"x" * 90_000},
    )
    return analysed(image, form, compression)


def judged(
    path: Path, text: str, found: Analysis, former: Analysis | None = None
) -> list[RuleResult]:
    file = path / "layerscope.toml"
    file.write_text(text)
    baseline = Former("old.json", None if former is None else former.facts)
    verdict = evaluate(load_budget(file), found.facts, baseline=baseline, anchor=baseline)
    return list(verdict.rules)


def test_a_path_is_limited_by_its_compressed_bytes(tmp_path: Path) -> None:
    text = """
    [[budget.path]]
    glob = "/opt/noise"
    max_compressed = "30kB"
    [[budget.path]]
    glob = "**/text"
    max = "1MB"
    max_compressed = "5kB"
    """
    noise, content, compressed = judged(tmp_path, text, analysis())
    assert (noise.rule, noise.passed) == ("max_path_compressed_size", False)
    assert noise.actual == pytest.approx(40_000, rel=0.05)
    assert (content.rule, content.passed, content.actual) == ("max_path_size", True, 190_000)
    assert (compressed.rule, compressed.passed) == ("max_path_compressed_size", True)
    assert compressed.actual is not None
    assert 0 < compressed.actual < 5000


def test_a_limit_of_no_compressed_bytes_is_a_limit_and_forbids_no_name(tmp_path: Path) -> None:
    text = '[[budget.path]]\nglob = "/nothing"\nmax_compressed = 0\n'
    (rule,) = judged(tmp_path, text, analysis())
    assert (rule.rule, rule.passed, rule.actual) == ("max_path_compressed_size", True, 0)


def test_an_instruction_is_limited_by_its_compressed_bytes(tmp_path: Path) -> None:
    found = analysis()
    text = '[[budget.instruction]]\nmatch = "*"\nmax_compressed = "30kB"\n'
    (rule,) = judged(tmp_path, text, found)
    assert (rule.rule, rule.passed) == ("max_instruction_compressed_size", False)
    assert rule.actual == max(each.sizes.compressed or 0 for each in found.instructions)
    assert rule.instructions == (0,)


@pytest.mark.parametrize("scope", ['path]]\nglob = "/opt/*"', 'instruction]]\nmatch = "*"'])
def test_an_unknown_cost_breaks_the_rule(tmp_path: Path, scope: str) -> None:
    found = analysis("docker-legacy", "none")
    (rule,) = judged(tmp_path, f"[[budget.{scope}\nmax_compressed = '1GB'\n", found)
    assert (rule.passed, rule.actual) == (False, None)
    assert "only uncompressed layers" in rule.message


@pytest.mark.parametrize("name", ["max_compressed_growth", "max_compressed_drift"])
def test_growth_of_a_pull_is_measured_from_the_former_image(tmp_path: Path, name: str) -> None:
    before, after = analysis(), analysis(extra=4000)
    assert before.sizes.compressed is not None
    assert after.sizes.compressed is not None
    grown = after.sizes.compressed - before.sizes.compressed
    assert grown > 0
    (rule,) = judged(tmp_path, f'[budget]\n{name} = "{grown}B"\n', after, before)
    assert (rule.passed, rule.actual) == (True, grown)
    (rule,) = judged(tmp_path, f'[budget]\n{name} = "{grown - 1}B"\n', after, before)
    assert (rule.passed, rule.actual, rule.instructions) == (False, grown, (0,))
    plain = analysis("docker-legacy", "none")
    for a, b in ((plain, before), (after, plain)):
        (rule,) = judged(tmp_path, f'[budget]\n{name} = "1GB"\n', a, b)
        assert (rule.passed, rule.actual) == (False, None)
        assert "only uncompressed layers" in rule.message
    (rule,) = judged(tmp_path, f'[budget]\n{name} = "1%"\n', after)
    assert rule.skipped


def test_a_part_without_any_limit_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="max is missing"):
        judged(tmp_path, '[[budget.path]]\nglob = "/a"\n', analysis())


GROWING = ("path", "instruction")


def part(kind: str) -> str:
    return 'path]]\nglob = "/opt/**"' if kind == "path" else 'instruction]]\nmatch = "RUN*"'


@pytest.mark.parametrize("kind", GROWING)
@pytest.mark.parametrize("compressed", [False, True])
def test_the_growth_of_a_part_is_measured_from_the_baseline(
    tmp_path: Path, kind: str, compressed: bool
) -> None:
    before, after = analysis(), analysis(extra=4000)
    key = "max_compressed_growth" if compressed else "max_growth"
    rule_name = f"max_{kind}_compressed_growth" if compressed else f"max_{kind}_growth"
    text = f"[[budget.{part(kind)}\n{key} = "
    (rule,) = judged(tmp_path, text + '"1GB"', after, before)
    grown = rule.actual
    assert grown is not None
    assert rule.passed
    if not compressed:
        assert grown == 4000
    elif kind == "instruction":
        sizes = [side.sizes.compressed or 0 for side in (before, after)]
        assert grown == sizes[1] - sizes[0]
    assert 0 < grown < 4500
    assert (rule.rule, rule.unit) == (rule_name, "bytes")
    (rule,) = judged(tmp_path, text + str(grown), after, before)
    assert rule.passed
    (rule,) = judged(tmp_path, text + str(int(grown) - 1), after, before)
    assert (rule.passed, rule.actual, rule.instructions[0]) == (False, grown, 0)
    (rule,) = judged(tmp_path, text + '"0.1%"', after, before)
    assert (rule.passed, rule.unit) == (False, "percent")
    (rule,) = judged(tmp_path, text + "0", before, after)
    assert (rule.passed, rule.actual) == (True, -grown)
    (rule,) = judged(tmp_path, text + "0", after)
    assert rule.skipped
    (rule,) = judged(tmp_path, '[budget]\nmin_change = "5kB"\n' + text + "0", after, before)
    assert rule.passed
    assert "less than min_change" in rule.message


@pytest.mark.parametrize("kind", GROWING)
def test_growth_of_unknown_compressed_bytes_breaks_the_rule(tmp_path: Path, kind: str) -> None:
    known, plain = analysis(), analysis("docker-legacy", "none")
    text = f"[[budget.{part(kind)}\nmax_compressed_growth = '1GB'\n"
    for now, before in ((plain, known), (known, plain)):
        (rule,) = judged(tmp_path, text, now, before)
        assert (rule.passed, rule.skipped, rule.actual) == (False, False, None)
        assert "only uncompressed layers" in rule.message


def test_an_exception_exempts_paths_from_growth_in_both_images(tmp_path: Path) -> None:
    text = (
        "[[budget.path]]\nglob = '/opt/**'\nmax_growth = 0\n"
        "[[budget.allow]]\nglob = '/opt/noise'\nreason = 'noise'\n"
    )
    (rule,) = judged(tmp_path, text, analysis(extra=4000), analysis())
    assert (rule.passed, rule.actual) == (True, 0)


def test_one_table_may_have_all_four_limits(tmp_path: Path) -> None:
    text = (
        "[[budget.path]]\nglob = '/opt/**'\nmax = '1MB'\nmax_compressed = '1MB'\n"
        "max_growth = '10%'\nmax_compressed_growth = '10%'\n"
    )
    rules = judged(tmp_path, text, analysis(), analysis())
    assert [rule.rule for rule in rules] == [
        "max_path_size",
        "max_path_compressed_size",
        "max_path_growth",
        "max_path_compressed_growth",
    ]
    assert all(rule.passed for rule in rules)


def packaged(form: str, compression: str, extra: int = 0) -> Analysis:
    files = {**RELEASE, **debian(("noise", "1", ("usr/noise",)), ("text", "1", ("usr/text",)))}
    files |= {"usr/noise": NOISE + NOISE[:extra], "usr/text": b"text " * 20_000}
    return analysed(image_of(files), form, compression)


def test_packages_are_limited_by_compressed_bytes_and_their_growth(tmp_path: Path) -> None:
    before, after = packaged("oci-archive", "gzip"), packaged("oci-archive", "gzip", extra=4000)
    text = (
        "[[budget.package]]\nmatch = 'deb:*'\nmax_compressed = '44kB'\nmax_compressed_growth = 0\n"
    )
    size, grown = judged(tmp_path, text, after, before)
    assert after.facts.packages is not None
    assert (size.rule, size.passed) == ("max_package_compressed_size", False)
    assert size.actual == after.facts.packages.owned.compressed
    assert (grown.rule, grown.passed) == ("max_package_compressed_growth", False)
    assert grown.actual is not None
    assert 0 < grown.actual < 4500
    text = "[[budget.package]]\nmatch = 'deb:text'\nmax_compressed = '5kB'\n"
    (rule,) = judged(tmp_path, text, after)
    assert rule.passed
    (rule,) = judged(tmp_path, text, packaged("docker-legacy", "none"))
    assert (rule.passed, rule.actual) == (False, None)
    assert "only uncompressed layers" in rule.message
