"""Live contents that may be copies of each other, found without reading any of them whole.

Copies have the same size. If the hashes of all contents are known, they also have the same hash. Otherwise they have the
same bytes in the middle, and looking at those costs far less than reading and hashing everything of equal size.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterator
from itertools import chain
from typing import Final

from layerscope.filesystem.entry import Entry, PlacedLayer
from layerscope.filesystem.tree import FileTree
from layerscope.image.blob import Blob
from layerscope.layers.file_content import Indexes
from layerscope.layers.layer_index import MARK_BYTES, values
from layerscope.progress import CancelledCallback, stop_if

SAMPLE: Final = 256
"""Bytes in the middle of a content that are compared."""

_Look = Callable[[int, int], Hashable]
"""Gives what copies have in common besides the size, for the position of a content in its layer and its size."""


def likely_copies(
    tree: FileTree,
    indexes: Indexes,
    least: int,
    *,
    sampled: bool,
    cancelled: CancelledCallback | None = None,
) -> list[list[Entry]]:
    """Groups of live contents of at least `least` bytes that may be the same, each in stored order.

    With `sampled`, contents that are stored uncompressed in a file are told apart by some of their bytes. Raises
    `SourceUnavailable` if that file changed, and `Cancelled`.
    """
    sizes = Counter(chain.from_iterable(values(layer.columns.sizes) for layer in tree.layers))
    repeated = {size for size, times in sizes.items() if times > 1 and size >= least}
    if not repeated:
        return []
    begin = _way(tree, indexes, sampled=sampled)
    groups: defaultdict[tuple[int, Hashable], list[int]] = defaultdict(list)
    for layer in tree.layers:
        stop_if(cancelled)
        look, first = begin(layer), layer.first
        for position, size in _live(layer, repeated):
            groups[size, look(position, size)].append(first + position)
    for index in filter(None, indexes):
        index.blob.check_unchanged()
    return [list(tree.numbered(numbers)) for numbers in groups.values() if len(numbers) > 1]


def _live(layer: PlacedLayer, sizes: set[int]) -> Iterator[tuple[int, int]]:
    """The positions of the live contents that have one of these sizes."""
    rows = zip(values(layer.columns.sizes), layer.records, strict=True)
    for position, (size, record) in enumerate(rows):
        if size in sizes and (record is None or record.names > 0):
            yield position, size


def _way(tree: FileTree, indexes: Indexes, *, sampled: bool) -> Callable[[PlacedLayer], _Look]:
    """How to look at the contents of a layer. All layers must be looked at in the same way."""
    stored = [indexes[layer.number] for layer in tree.layers if len(layer)]
    if all(each is not None and each.hashed for each in stored):
        return _by_hash
    plain = all(
        each is not None and each.compression == "none" and isinstance(each.blob, Blob)
        for each in stored
    )
    if sampled and plain:
        return lambda layer: _by_sample(layer, indexes)
    return lambda _: lambda _position, _size: None


def _by_hash(layer: PlacedLayer) -> _Look:
    marks = layer.columns.marks
    return lambda position, _: marks[position * MARK_BYTES : (position + 1) * MARK_BYTES]


def _by_sample(layer: PlacedLayer, indexes: Indexes) -> _Look:
    stored = indexes[layer.number]
    data = layer.columns.data

    def sample(position: int, size: int) -> int:
        assert stored is not None
        middle = size // 2
        # Contents that differ may have the same number, and then they are hashed.
        return hash(stored.blob.read_at(data[position] + middle, min(SAMPLE, size - middle)))

    return sample
