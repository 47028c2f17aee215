"""The base image and the own part: they add up to the image, and own waste in the base's files is own."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from layerscope.analysis.analyze import analyze
from layerscope.analysis.budgets.allow import Allow
from layerscope.analysis.budgets.budget import Budget
from layerscope.analysis.budgets.judge import evaluate
from layerscope.analysis.comparison.compare import compare
from layerscope.analysis.comparison.side import Side
from layerscope.analysis.model import Analysis, Facts
from layerscope.analysis.origin import Origin
from layerscope.errors import UsageError
from layerscope.image.image import Base
from layerscope.report.comparison.document import build as build_comparison
from layerscope.report.document.builder import build
from layerscope.report.document.serialize import dumps
from layerscope.report.saved.report import parse_saved
from layerscope.sources import open_image
from tests.analysis.images import image_of
from tests.analysis.test_ownership import RELEASE, debian
from tests.builder import FORMS, File, Whiteout

BASE = (
    {
        **RELEASE,
        **debian(("tool", "1", ("usr/bin/tool",))),
        "usr/bin/tool": b"t" * 5000,
        "var/cache": b"c" * 700,
        "tmp/build": b"b" * 300,
    },
    {"tmp/build": Whiteout()},
)
OWN = (
    {
        **debian(("tool", "1", ("usr/bin/tool",)), ("app", "2", ("usr/bin/app",))),
        "usr/bin/app": b"a" * 4000,
        "junk": b"j" * 60,
    },
    {"var/cache": Whiteout(), "junk": Whiteout(), "usr/bin/tool": File(b"t" * 5000, mode=0o755)},
)


@pytest.fixture(scope="module", params=["none", "gzip"])
def analysis(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    folder = tmp_path_factory.mktemp("origin")
    form = "docker-legacy" if request.param == "none" else "oci-archive"
    where = FORMS[form].write([image_of(*BASE, *OWN)], folder / "app", request.param)
    with open_image(where) as image:
        based = replace(image, base=Base(layers=2, name="debian:12", evidence="image"))
        return analyze(based)


def origin_of(facts: Facts) -> Origin:
    assert facts.origin is not None
    return facts.origin


def test_base_and_own_add_up_to_the_image_in_each_column(analysis: Analysis) -> None:
    facts = analysis.facts
    origin = origin_of(facts)
    parts = (origin.base, origin.own)
    for name in ("content", "live", "wasted"):
        assert sum(getattr(part, name) for part in parts) == getattr(facts.sizes, name)
    assert sum(part.layers for part in parts) == len(facts.layers)
    assert sum(part.instructions for part in parts) == len(facts.instructions)
    if facts.sizes.compressed is None:
        assert origin.base.compressed is origin.own.compressed is None
    else:
        assert sum(part.compressed or 0 for part in parts) == facts.sizes.compressed
    assert facts.packages is not None
    for name in ("content", "live", "wasted"):
        held = sum(getattr(part.packages, name) for part in parts)
        assert held == getattr(facts.packages.owned, name)
    assert sum(part.packages.count for part in parts if part.packages) == len(facts.packages.rows)
    assert facts.weight is not None
    assert sum(part.dead_weight or 0 for part in parts) == facts.weight.bytes


def test_what_own_instructions_waste_of_the_base_image_is_own_waste(analysis: Analysis) -> None:
    origin = origin_of(analysis.facts)
    status = len(BASE[0]["var/lib/dpkg/status"]) + len(BASE[0]["var/lib/dpkg/info/tool.list"])
    assert origin.base.wasted == 300
    assert origin.base_wasted_by_own == 5000 + 700 + status
    assert origin.own.wasted == origin.base_wasted_by_own + 60
    base = origin.base
    assert base.content == base.live + base.wasted + origin.base_wasted_by_own
    own = origin.own
    assert own.content == own.live + own.wasted - origin.base_wasted_by_own


def test_a_package_belongs_to_the_part_that_installs_it(analysis: Analysis) -> None:
    origin = origin_of(analysis.facts)
    assert origin.base.packages is not None
    assert origin.own.packages is not None
    assert (origin.base.packages.count, origin.own.packages.count) == (1, 1)
    assert origin.own.packages.live == 4000


def test_without_a_known_base_there_are_no_parts() -> None:
    from tests.analysis.images import analysis_of

    document = build(analysis_of({"a": b"x"}))
    assert "origin" not in document


@pytest.mark.parametrize("top", [0, None])
def test_a_saved_report_keeps_both_parts_even_without_its_waste(
    analysis: Analysis, top: int | None
) -> None:
    saved = parse_saved(dumps(build(analysis, top=top)).encode(), "saved")
    assert saved.facts.origin == analysis.facts.origin


@pytest.mark.parametrize(
    ("edit", "problem"),
    [
        (lambda d: d["own"].update(content=1), "says content is"),
        (lambda d: d["own"].update(layers=9), "does not have the 4 layers"),
        (lambda d: d.update(base_wasted_by_own=1), "does not add up"),
        (lambda d: d["base"]["packages"].update(wasted=9), "does not add up"),
    ],
)
def test_parts_that_do_not_add_up_are_refused(
    analysis: Analysis, edit: Callable[[Any], object], problem: str
) -> None:
    report = json.loads(dumps(build(analysis)))
    edit(report["origin"])
    with pytest.raises(UsageError, match=problem):
        parse_saved(json.dumps(report).encode(), "saved")


def test_a_budget_limits_own_waste_and_fails_without_a_base(analysis: Analysis) -> None:
    facts = analysis.facts
    wasted = origin_of(facts).own.wasted

    def judge(limit: int, case: Facts, *allows: Allow) -> tuple[bool, float | None]:
        budget = Budget(limits={"max_own_wasted": limit}, allows=allows)
        (rule,) = evaluate(budget, case).rules
        return rule.passed, rule.actual

    assert judge(wasted, facts) == (True, wasted)
    assert judge(wasted - 1, facts) == (False, wasted)
    cache = Allow(glob="/var/cache", reason="later")
    assert judge(wasted - 700, facts, cache) == (True, wasted - 700)
    other = Allow(glob="/tmp/**", reason="the base image's own waste doesn't count")
    assert judge(wasted, facts, other) == (True, wasted)
    assert judge(1 << 40, replace(facts, base=None, origin=None)) == (False, None)


def test_a_comparison_has_both_parts(analysis: Analysis) -> None:
    saved = parse_saved(dumps(build(analysis)).encode(), "saved").facts
    document = build_comparison(
        compare(
            Side.of_facts(replace(saved, base=None, origin=None)),
            Side.of_facts(saved),
        )
    )
    origin = origin_of(saved)
    own = document["origin"]["own"]
    assert own["content"] == {"a": None, "b": origin.own.content, "delta": None}
    same = build_comparison(compare(Side.of_facts(saved), Side.of_facts(saved)))
    assert same["origin"]["base"]["wasted"] == {"a": 300, "b": 300, "delta": 0}
