"""Files that nothing touched after they were added: most of an image. Two of them are compared without an `Entry` for either."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from layerscope.filesystem.entry import PlacedLayer
from layerscope.filesystem.node import Below, Node
from layerscope.layers.entry import FILE
from layerscope.layers.layer_index import LayerIndex


class Equal(NamedTuple):
    """Two equal files: their size, and what each takes compressed."""

    size: int
    a_cost: int
    b_cost: int


class Untouched:
    """The layers of a tree, by the numbers of their entries. `stores` has a number for each layer, which layers with the same bytes share."""

    def __init__(self, layers: Sequence[PlacedLayer], stores: Sequence[int]) -> None:
        self._layers = layers
        self._stores = stores
        self._firsts = [layer.first for layer in layers]
        self._low = self._high = self.store = 0
        self._layer: PlacedLayer
        self.columns: LayerIndex

    def find(self, number: int) -> int | None:
        """The position of an entry in `columns`, which are now those of its layer; None if it has an `Entry`."""
        if not self._low <= number < self._high:
            at = bisect_right(self._firsts, number) - 1
            self._layer = layer = self._layers[at]
            self._low, self._high = layer.first, layer.first + len(layer)
            self.columns, self.store = layer.columns, self._stores[at]
        position = number - self._low
        return position if self._layer.records[position] is None else None

    def is_visible(self, number: int) -> bool:
        """Whether the entry is known to be visible without a look at it."""
        return self.find(number) is not None


def equal_files(a: Untouched, number_a: int, b: Untouched, number_b: int) -> Equal | None:
    """What two files have in common if they are known to be equal; None for all else."""
    at, on = a.find(number_a), b.find(number_b)
    if at is None or on is None:
        return None
    one, other = a.columns, b.columns
    size = one.sizes[at]
    if one.kinds[at] != FILE or other.kinds[on] != FILE or other.sizes[on] != size:
        return None
    if not (size and a.store == b.store and one.data[at] == other.data[on] >= 0):
        if one.mtimes[at] != other.mtimes[on] or one.owner(at) != other.owner(on):
            return None
        if at in one.extras or on in other.extras:
            return None
        if size:
            mark = one.fingerprint(at)
            if mark is None or mark != other.fingerprint(on):
                return None
    if not size:
        return _EMPTY
    costs, more = one.compressed, other.compressed
    return Equal(size, costs[at] if costs else 0, more[on] if more else 0)


_EMPTY = Equal(0, 0, 0)


def names_below(node: Node | None) -> Below:
    """The names directly below a node, with the numbers of entries that nobody has needed yet."""
    if node is None:
        return {}
    if node.gone:
        return dict(node.children or {})
    return node.below or {}
