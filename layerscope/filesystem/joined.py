"""The columns of all layers of a tree as one."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate, chain
from typing import TYPE_CHECKING

from layerscope.layers.layer_index import values

if TYPE_CHECKING:
    from layerscope.filesystem.entry import Entry, PlacedLayer


class JoinedColumns:
    """The columns of all layers, one layer after the other. A tree keeps an entry that was never touched as its number there.

    `records` are the entries that exist as objects, and None for the others, for which the columns are enough. `layers`
    are the numbers of the layers, and `starts` is where each one starts, with the end of the last. `costs` are zeros
    unless they are known for all layers.
    """

    __slots__ = ("costs", "costs_known", "kinds", "layers", "records", "sizes", "starts")

    def __init__(self, layers: Sequence[PlacedLayer]) -> None:
        columns = [layer.columns for layer in layers]
        self.records: list[Entry | None] = list(
            chain.from_iterable(each.records for each in layers)
        )
        self.kinds = b"".join(each.kinds for each in columns)
        self.sizes = array("q")
        self.layers = array("i")
        for number, each in enumerate(columns):
            self.sizes.extend(values(each.sizes))
            self.layers += array("i", [number]) * len(each)
        self.costs_known = all(each.compressed is not None for each in columns if len(each))
        self.costs: Sequence[int] = bytes(len(self.sizes))
        if self.costs_known:
            known = (each.compressed for each in columns if each.compressed is not None)
            self.costs = array("q", chain.from_iterable(map(values, known)))
        self.starts = [0, *accumulate(map(len, columns))]
