"""The largest live files."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from operator import attrgetter
from typing import Final

from layerscope.analysis.model import Analysis, LiveFile
from layerscope.filesystem.entry import Entry, PlacedLayer
from layerscope.filesystem.tree import FileTree
from layerscope.layers.entry import METADATA, VISIBLE

LARGEST: Final = 100
"""The number of files that an analysis lists."""


def largest_files(analysis: Analysis) -> tuple[LiveFile, ...]:
    """The `LARGEST` largest files of the final filesystem, largest first. Content with several names is listed once."""
    owners = [layer.instruction for layer in analysis.layers]
    largest: list[Entry] = []
    for layer in analysis.tree.layers:
        least = largest[-1].size if len(largest) == LARGEST else 1
        largest += [layer.entry(position) for position in _largest_in(layer, least)]
        largest = heapq.nlargest(LARGEST, largest, key=attrgetter("size"))
    contents = sorted(largest, key=lambda entry: (-entry.size, entry.path))
    aliases = visible_aliases(analysis.tree, contents)
    return tuple(
        LiveFile(
            path=aliases.get(id(entry), entry.path),
            bytes=entry.size,
            layer=entry.layer,
            written_by=owners[entry.layer],
            compressed=entry.compressed,
        )
        for entry in contents
    )


def _largest_in(layer: PlacedLayer, floor: int) -> list[int]:
    """The positions of the largest live files of one layer, of `floor` bytes or more. In a tie, the first ones win."""
    sizes = layer.columns.sizes.tolist()
    records = layer.records
    ordered = sorted([size for size in sizes if size >= floor], reverse=True)
    count = LARGEST
    while True:
        least = ordered[count - 1] if count <= len(ordered) else floor
        found = []
        for position in [at for at, size in enumerate(sizes) if size >= least]:
            record = records[position]
            if record is None or record.names > 0:
                found.append(position)
        if len(found) >= LARGEST or least == floor:
            found.sort(key=sizes.__getitem__, reverse=True)
            return found[:LARGEST]
        count *= 4


def visible_aliases(tree: FileTree, contents: Iterable[Entry]) -> dict[int, bytes]:
    """For content whose original name is gone, a hard link that keeps it live."""
    wanted = {id(entry) for entry in contents if entry.ended != VISIBLE or entry.kind == METADATA}
    aliases: dict[int, bytes] = {}
    if not wanted:
        return aliases
    for entry in tree.hard_links():
        if (
            entry.ended == VISIBLE
            and id(entry.content) in wanted
            and id(entry.content) not in aliases
        ):
            aliases[id(entry.content)] = entry.path
    return aliases
