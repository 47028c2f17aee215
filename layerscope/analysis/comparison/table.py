"""Several images on one host: the size of each, what it shares with the others, and what all take together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from layerscope.analysis.comparison.side import Side, layer_key
from layerscope.analysis.model import LayerSummary, sum_of
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """The sizes of some layers, each once; None if the size of one is unknown."""

    layers: int
    compressed: int | None
    tar: int | None
    content: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRow:
    """One image. `shared` are the layers that another image has too, `unique` those that no other has."""

    side: Side
    shared: Weight
    unique: Weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Images side by side. `total` counts each distinct layer once."""

    rows: tuple[ImageRow, ...]
    total: Weight


def tabulate(sides: Sequence[Side]) -> Table:
    """Compare the sizes of several images. Layers with the same diff_id are the same."""
    own = [_once(number, side) for number, side in enumerate(sides)]
    holders = Counter(key for layers in own for key in layers)
    everything: dict[object, LayerSummary] = {}
    for layers in own:
        for key, layer in layers.items():
            known = everything.setdefault(key, layer)
            if known.sizes.compressed is None and layer.sizes.compressed is not None:
                everything[key] = layer
    return Table(
        rows=tuple(
            ImageRow(
                side=side,
                shared=_weigh(layer for key, layer in layers.items() if holders[key] > 1),
                unique=_weigh(layer for key, layer in layers.items() if holders[key] == 1),
            )
            for side, layers in zip(sides, own, strict=True)
        ),
        total=_weigh(everything.values()),
    )


def _once(number: int, side: Side) -> dict[object, LayerSummary]:
    found: dict[object, LayerSummary] = {}
    for layer in side.layers:
        found.setdefault(layer_key(layer) or (number, layer.index), layer)
    return found


def _weigh(layers: Iterable[LayerSummary]) -> Weight:
    listed = list(layers)
    compressed = [layer.sizes.compressed for layer in listed]
    known = [size for size in compressed if size is not None]
    indexed = all(layer.indexed for layer in listed)
    return Weight(
        layers=len(listed),
        compressed=sum(known) if len(known) == len(listed) else None,
        tar=sum_of(layer.sizes.tar for layer in listed) if indexed else None,
        content=sum(layer.sizes.content for layer in listed) if indexed else None,
    )
