"""Which instructions belong to the base image."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layerscope.analysis.model import Facts


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
    return base_range(
        (layer.instruction for layer in facts.layers[: facts.base.layers]),
        (
            each.instruction.index
            for each in facts.instructions
            if each.instruction.location is not None
        ),
    )
