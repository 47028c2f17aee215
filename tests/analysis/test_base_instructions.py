"""Which instructions belong to the base image."""

from __future__ import annotations

from layerscope.analysis.base_instructions import base_instructions, base_range
from layerscope.image.image import Base
from tests.report.sample import python_app, with_facts


def test_steps_without_a_layer_before_the_dockerfile_belong_to_the_base_image() -> None:
    assert base_range(owners=[0, 2], located=[5, 6]) == range(5)


def test_the_base_image_ends_with_its_layers_if_no_line_is_known() -> None:
    assert base_range(owners=[0, 2], located=[]) == range(3)


def test_a_line_known_within_the_base_image_does_not_end_it() -> None:
    assert base_range(owners=[0, 2], located=[1, 4]) == range(4)


def test_a_base_image_without_layers_ends_where_the_dockerfile_begins() -> None:
    assert base_range(owners=[], located=[2, 3]) == range(2)


def test_no_instruction_belongs_to_an_unknown_base_image() -> None:
    facts = python_app().facts
    assert base_instructions(with_facts(python_app(), base=None).facts) == range(0)
    known = with_facts(python_app(), base=Base(layers=1, name=None, evidence="image")).facts
    first = next(
        each.instruction.index
        for each in facts.instructions[facts.layers[0].instruction + 1 :]
        if each.instruction.location is not None
    )
    assert base_instructions(known) == range(first)
