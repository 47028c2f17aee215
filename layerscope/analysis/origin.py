"""What comes from the base image, and what the image's own instructions add to it.

Content counts where it is stored. Waste counts where it is caused: what an own instruction deletes or overwrites of the base
image is own waste, because only the own Dockerfile can change that.
"""

from __future__ import annotations

from collections.abc import Sequence

from layerscope.analysis.base_instructions import base_instructions
from layerscope.analysis.model import Facts, LayerSummary, sum_of
from layerscope.analysis.packages import Held, PackageFacts
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldPackages(Held):
    """The packages that one part installs first, and their content in all layers."""

    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The base image or the own part of an image. `wasted` is what it makes waste.

    `packages` and `dead_weight` (bytes) are None if they are unknown.
    """

    layers: int
    instructions: int
    content: int
    live: int
    wasted: int
    compressed: int | None
    packages: HeldPackages | None = None
    dead_weight: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Both parts, which add up to the image. `base_wasted_by_own` is what own instructions waste of the base image.

    It is part of `own.wasted`, so `base.content` is `base.live + base.wasted + base_wasted_by_own`.
    """

    base: Part
    own: Part
    base_wasted_by_own: int


def origin_of(facts: Facts, charged: set[int]) -> Origin | None:
    """The two parts; None if the base image is unknown. `charged` are the layers that count toward the download."""
    if facts.base is None:
        return None
    first = facts.base.layers
    below = base_instructions(facts)
    stored_below = sum(row.bytes for row in facts.waste if row.layer < first)
    wasted = [0, 0]
    for row in facts.waste:
        wasted[row.wasted_in >= first] += row.bytes
    packages = _packages(facts, first)
    weight = _dead_weight(facts)
    parts = []
    for own, layers in enumerate((facts.layers[:first], facts.layers[first:])):
        parts.append(
            Part(
                layers=len(layers),
                instructions=len(facts.instructions) - len(below) if own else len(below),
                content=sum(layer.sizes.content for layer in layers),
                live=sum(layer.sizes.live for layer in layers),
                wasted=wasted[own],
                compressed=_compressed(layers, charged),
                packages=packages[own],
                dead_weight=weight[own],
            )
        )
    return Origin(base=parts[0], own=parts[1], base_wasted_by_own=stored_below - wasted[0])


def _compressed(layers: Sequence[LayerSummary], charged: set[int]) -> int | None:
    return sum_of(
        layer.sizes.compressed
        for layer in layers
        if layer.index in charged or layer.sizes.compressed is None
    )


def _packages(facts: Facts, first: int) -> tuple[HeldPackages | None, HeldPackages | None]:
    packages = facts.packages
    if packages is None:
        return None, None
    below = [row for row in packages.rows if row.layer < first]
    above = [row for row in packages.rows if row.layer >= first]
    return _held(below), _held(above)


def _held(rows: Sequence[PackageFacts]) -> HeldPackages:
    return HeldPackages(
        count=len(rows),
        content=sum(row.content for row in rows),
        live=sum(row.live for row in rows),
        compressed=sum_of(row.compressed for row in rows),
    )


def _dead_weight(facts: Facts) -> tuple[int | None, int | None]:
    weight = facts.weight
    if weight is None or weight.base is None:
        return None, None
    return weight.base.bytes, weight.bytes - weight.base.bytes
