"""Why an image is big: causes that share no byte, own ones first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from layerscope.analysis.causes import causes_of
from layerscope.analysis.model import Analysis
from layerscope.image.image import Base
from tests.analysis.images import analysed, analysis_of, image_of
from tests.analysis.test_ownership import debian
from tests.builder import File, Hardlink, Whiteout
from tests.builder.nodes import Member
from tests.builder.random_stacks import image_of as random_image
from tests.builder.random_stacks import stacks
from tests.packages.test_inside_files import elf


def named(analysis: Analysis) -> list[tuple[str, str, int, bool]]:
    """The causes, after a check that they add up to the content."""
    found = causes_of(analysis)
    assert sum(each.bytes for each in found) == analysis.sizes.content
    if analysis.sizes.compressed_live is not None:
        costs = [each.compressed for each in found]
        assert None not in costs
        whole = analysis.sizes.compressed_live + (analysis.sizes.compressed_wasted or 0)
        assert sum(cost or 0 for cost in costs) == whole
    return [
        (
            each.kind,
            each.name if isinstance(each.name, str) else "/" + each.name.decode(),
            each.bytes,
            each.base,
        )
        for each in found
    ]


def on_base(analysis: Analysis, layers: int) -> Analysis:
    """The same image with its lowest layers as the base image."""
    base = Base(layers=layers, name="base", evidence="x")
    image = replace(analysis.image, base=base)
    return replace(analysis, image=image, facts=replace(analysis.facts, base=base))


DATABASE = debian(
    ("big", "1", ("usr/big",)), ("one", "1", ("usr/one",)), ("two", "1", ("usr/two",))
)


@pytest.mark.parametrize(
    ("form", "compression"), [("docker-legacy", "none"), ("oci-archive", "gzip")]
)
def test_each_byte_has_one_cause(form: str, compression: str) -> None:
    image = image_of(
        {
            **DATABASE,
            "usr/big": b"b" * 60_000,
            "usr/one": b"1" * 3_000,
            "usr/two": b"2" * 4_000,
            "usr/share/doc/one/README": b"d" * 20_000,
            "srv/app/a/data": b"a" * 50_000,
            "srv/app/b/data": b"a" * 40_000,
            "gone": b"g" * 30_000,
        },
        {"gone": Whiteout()},
    )
    found = named(analysed(image, form, compression))
    assert found[:5] == [
        ("directory", "/srv/app", 90_000, False),
        ("package", "deb big 1", 60_000, False),
        ("waste", "deleted", 30_000, False),
        ("dead_weight", "docs", 20_000, False),
        ("packages", "deb", 7_000, False),
    ]


def test_symbols_are_dead_weight_and_the_rest_of_the_file_is_not() -> None:
    program = elf({b".text": b"c" * 60_000, b".debug_info": b"d" * 50_000})
    found = named(analysis_of({"srv/app": File(program, mode=0o755)}))
    assert ("dead_weight", "debug_symbols", 50_000, False) in found
    assert ("directory", "/srv", len(program) - 50_000, False) in found


def test_the_base_image_is_apart_and_last_even_if_it_is_larger() -> None:
    analysis = analysis_of(
        {"usr/share/doc/a": b"d" * 90_000, "srv/old": b"o" * 50_000},
        {"srv/old": Whiteout(), "srv/new": b"n" * 3_000},
    )
    assert named(on_base(analysis, 1)) == [
        ("waste", "deleted", 50_000, False),
        ("directory", "/srv", 3_000, False),
        ("dead_weight", "docs", 90_000, True),
    ]


def test_a_cause_names_the_instruction_that_most_of_it_comes_from() -> None:
    analysis = analysis_of(
        {"var/log/a": b"l" * 100}, {"var/log/b": b"l" * 300}, {"var/log/c": b"l" * 200}
    )
    (logs,) = causes_of(analysis)
    assert (logs.instruction, logs.files, logs.bytes) == (1, 3, 600)


def test_hard_links_and_an_image_without_content_add_up() -> None:
    assert named(analysis_of({"srv/a": b"a" * 500, "usr/b": Hardlink("srv/a")})) == [
        ("directory", "/srv", 500, False)
    ]
    assert named(analysis_of({})) == []


def test_causes_add_up_without_packages_and_dead_weight() -> None:
    analysis = analysis_of({**DATABASE, "usr/big": b"b" * 60_000, "var/log/a": b"l" * 500})
    blind = replace(analysis, ownership=None, weighed=None)
    assert {kind for kind, _, _, _ in named(blind)} == {"directory"}


@given(stacks())
def test_causes_of_any_stack_add_up(stack: list[list[Member]]) -> None:
    named(analysed(random_image(stack)))
