"""Which instructions belong to the base image."""

from __future__ import annotations

from layerscope.analysis.base_instructions import (
    Step,
    base_instructions,
    base_range,
    own_steps,
)
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


def named(*comments: str, span: tuple[int, int] | None = None) -> list[int]:
    """The own steps known from the comments of instructions 1, 2, … above a base image of one instruction."""
    last = len(comments)
    steps = [
        Step(n, False, "", comment, span if n == last else None)
        for n, comment in enumerate(comments, 1)
    ]
    return own_steps([Step(0, False, "", "", None), *steps], [0], "history")


def test_a_step_that_names_the_base_image_is_the_first_own_one() -> None:
    assert named("", "FROM base:1", "", "") == [2]
    assert named("FROM other", "FROM 8a9aa63bcb50", "FROM base:1", "") == [3]
    assert named("", "", "") == []


def test_a_last_step_that_names_the_base_image_stands_for_all_that_it_covers() -> None:
    assert min(named("", "", "", "FROM base:1", "", span=(2, 4))) == 2


def test_the_steps_of_ko_and_jib_are_on_top_of_the_base_image() -> None:
    made = ["umoci config", "ko build ko://app", "ko build ko://app"]
    steps = [Step(n, False, text, "", None) for n, text in enumerate(made, 1)]
    assert own_steps(steps, [0], "history") == [2, 3]
    assert own_steps(steps, [0], "image") == []


def test_known_lines_decide_before_the_history() -> None:
    steps = [Step(1, False, "", "FROM base:1", None), Step(2, True, "", "", None)]
    assert own_steps(steps, [0], "history") == [2]


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
