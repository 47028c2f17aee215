"""Which instructions belong to the base image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from layerscope.image import builders

if TYPE_CHECKING:
    from layerscope.analysis.model import Facts


class Step(NamedTuple):
    """What tells whether an instruction belongs to the base image."""

    number: int
    located: bool
    created_by: str
    comment: str
    span: tuple[int, int] | None


def own_steps(steps: Iterable[Step], owners: Iterable[int], evidence: str) -> list[int]:
    """Instructions that don't belong to the base image, the first one among them if it is known.

    `owners` are the instructions of the base image's layers. If the history has the `evidence`, buildah named the image
    below in the first or the last step of the build, or the steps of ko or Jib are on top.
    """
    steps = list(steps)
    located = [step.number for step in steps if step.located]
    if located or evidence != "history":
        return located
    end = max(owners, default=-1) + 1
    above = [step for step in steps if step.number >= end]
    named = [step.number for step in above if _names_base(step.comment)][-1:]
    named += [step.span[0] for step in above if step.span and named and step.span[0] >= end]
    return named or [step.number for step in above if builders.adds_application(step.created_by)]


def _names_base(comment: str) -> bool:
    parent = builders.parent_of_comment(comment)
    return parent is not None and not builders.is_image_id(parent)


def base_range(owners: Iterable[int], located: Iterable[int]) -> range:
    """All instructions before the Dockerfile's own first one.

    `owners` are the instructions of the base image's layers, `located` those whose lines are known.
    """
    end = max(owners, default=-1) + 1
    return range(min((index for index in located if index >= end), default=end))


def base_instructions(facts: Facts) -> range:
    """The base image's instructions; none if the base image is unknown."""
    if facts.base is None:
        return range(0)
    owners = [layer.instruction for layer in facts.layers[: facts.base.layers]]
    steps = (
        Step(each.index, each.location is not None, each.created_by, each.comment, each.range)
        for each in (summary.instruction for summary in facts.instructions)
    )
    return base_range(owners, own_steps(steps, owners, facts.base.evidence))
