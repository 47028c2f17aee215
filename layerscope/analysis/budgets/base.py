"""Where the base image ends, according to the base image itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from layerscope.errors import UsageError
from layerscope.image.image import Base, Image
from layerscope.units import count

if TYPE_CHECKING:
    from layerscope.image.image import Layer


def on_base(image: Image, base: Image) -> Image:
    """The image with its base image set. The layers of `base` must be the image's lowest ones, by diff_id.

    Raises `UsageError` if they are not.
    """
    mine, its = _keys(image.layers), _keys(base.layers)
    for number, (one, other) in enumerate(zip(mine, its, strict=False)):
        if one is None or one != other:
            raise UsageError(
                f"{base.reference} is not the base of {image.reference}: "
                f"layer {number} is {one or 'unknown'}, not {other or 'unknown'}",
                hint="name the exact image that it was built FROM, for the same platform",
            )
    if len(its) > len(mine):
        raise UsageError(
            f"{base.reference} is not the base of {image.reference}: "
            f"it has {count(len(its), 'layer')}, but the image only {len(mine)}",
            hint="name the image that it was built FROM",
        )
    return replace(image, base=Base(layers=len(its), name=base.reference, evidence="image"))


def _keys(layers: Sequence[Layer]) -> list[str | None]:
    return [None if layer.diff_id is None else str(layer.diff_id) for layer in layers]
