"""From an image to its analysis: index the layers, replay them, and settle what every stored byte became."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from layerscope.analysis.model import (
    Analysis,
    Changes,
    FileCounts,
    InstructionSummary,
    LayerSummary,
    LiveFile,
    Sizes,
    WastedFile,
)
from layerscope.analysis.waste import settle_rewrites, settle_waste, total_by_kind
from layerscope.filesystem.tree import FileTree
from layerscope.image.image import Image, Layer
from layerscope.image.instruction import Instruction
from layerscope.layers.entry import (
    ADDED,
    DIRECTORY,
    FILE,
    HARDLINK,
    METADATA,
    MODIFIED,
    OPAQUE,
    SYMLINK,
    VISIBLE,
    WHITEOUT,
    Entry,
)
from layerscope.layers.index import LayerIndex, Verify
from layerscope.layers.stack import index_stack
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.notes import Notes
from layerscope.progress import CancelledCallback, ProgressCallback, stop_if

LARGEST = 100
"""How many of the largest live files an analysis lists."""


def analyze(
    image: Image,
    *,
    verify: Verify = "auto",
    limits: Limits = DEFAULT_LIMITS,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> Analysis:
    """Where the bytes of an opened image come from, and which of them are wasted.

    `verify` compares digests where the bytes are read in full anyway (`auto`), always (`full`) or never (`off`).
    Raises `FormatError` for malformed layers and `Cancelled`.
    """
    indexes = index_stack(
        image.layers, verify=verify, limits=limits, progress=progress, cancelled=cancelled
    )
    notes = Notes()
    notes.extend(image.notes)
    tree = FileTree(notes)
    for layer, index in zip(image.layers, indexes, strict=True):
        stop_if(cancelled)
        if index is not None:
            notes.extend(index.notes)
        tree.apply(layer.index, index.entries if index is not None else ())
    owners = [layer.instruction for layer in image.layers]
    settle_rewrites(tree.rewrites, indexes)
    waste = settle_waste(tree.losses, indexes, owners)
    _note_the_stack(image, indexes, verify, notes)

    wasted = [0] * len(image.layers)
    for row in waste:
        wasted[row.layer] += row.bytes
    layers = tuple(
        _summary(layer, index, wasted[layer.index], tree.deleted[layer.index])
        for layer, index in zip(image.layers, indexes, strict=True)
    )
    present = [index for index in indexes if index is not None]
    return Analysis(
        image=image,
        sizes=_total(layers, image.layers),
        files=_counts(present),
        wasted_by_kind=total_by_kind(waste),
        layers=layers,
        instructions=tuple(_by_instruction(image.instructions, layers)),
        waste=waste,
        largest=_largest(present, owners),
        notes=tuple(notes),
        tree=tree,
        indexes=indexes,
    )


def _summary(layer: Layer, index: LayerIndex | None, wasted: int, deleted: int) -> LayerSummary:
    entries: Sequence[Entry] = index.entries if index is not None else ()
    content = added = modified = 0
    for entry in entries:
        if entry.kind == FILE or (entry.kind == METADATA and entry.content is not None):
            content += entry.size
        if entry.kind < WHITEOUT and entry.ended != entry.layer:
            if entry.change == ADDED:
                added += 1
            elif entry.change == MODIFIED:
                modified += 1
    if index is None:
        compressed: int | None = layer.size
    else:
        compressed = index.compressed_size
    return LayerSummary(
        index=layer.index,
        diff_id=layer.diff_id,
        digest=layer.digest,
        media_type=layer.media_type,
        compression=index.compression if index is not None else "unknown",
        verified=index is not None and index.verified,
        instruction=layer.instruction,
        indexed=index is not None,
        sizes=Sizes(
            compressed=compressed,
            tar=index.tar_size if index is not None else 0,
            content=content,
            live=content - wasted,
        ),
        changes=Changes(added=added, modified=modified, deleted=deleted),
    )


def _total(summaries: Sequence[LayerSummary], layers: Sequence[Layer]) -> Sizes:
    """The sums of the image; a blob that stands at several places is transferred once."""
    blobs: dict[object, int | None] = {}
    for summary, layer in zip(summaries, layers, strict=True):
        blobs[layer.digest or layer.diff_id or layer.index] = summary.sizes.compressed
    known = [size for size in blobs.values() if size is not None]
    return Sizes(
        compressed=sum(known) if len(known) == len(blobs) else None,
        tar=sum(summary.sizes.tar for summary in summaries),
        content=sum(summary.sizes.content for summary in summaries),
        live=sum(summary.sizes.live for summary in summaries),
    )


def _by_instruction(
    instructions: Sequence[Instruction], layers: Sequence[LayerSummary]
) -> list[InstructionSummary]:
    rows = []
    for instruction in instructions:
        own = [layers[index].sizes for index in instruction.layers]
        known = [sizes.compressed for sizes in own if sizes.compressed is not None]
        rows.append(
            InstructionSummary(
                instruction=instruction,
                sizes=Sizes(
                    compressed=sum(known) if len(known) == len(own) else None,
                    tar=sum(sizes.tar for sizes in own),
                    content=sum(sizes.content for sizes in own),
                    live=sum(sizes.live for sizes in own),
                ),
            )
        )
    return rows


def _counts(indexes: Sequence[LayerIndex]) -> FileCounts:
    by_kind = [0] * (METADATA + 1)
    for index in indexes:
        for entry in index.entries:
            by_kind[entry.kind] += 1
    return FileCounts(
        regular=by_kind[FILE],
        directories=by_kind[DIRECTORY],
        symlinks=by_kind[SYMLINK],
        hardlinks=by_kind[HARDLINK],
        others=sum(by_kind[HARDLINK + 1 : WHITEOUT]) + by_kind[METADATA],
        whiteouts=by_kind[WHITEOUT] + by_kind[OPAQUE],
    )


def _largest(indexes: Sequence[LayerIndex], owners: Sequence[int]) -> tuple[LiveFile, ...]:
    found: list[tuple[int, bytes, Entry]] = []
    floor = 0
    for index in indexes:
        for entry in index.entries:
            if entry.size > floor and entry.names > 0:
                found.append((-entry.size, entry.path, entry))
                if len(found) >= 20 * LARGEST:
                    found = heapq.nsmallest(LARGEST, found, key=lambda row: row[:2])
                    floor = -found[-1][0] - 1
    rows = heapq.nsmallest(LARGEST, found, key=lambda row: row[:2])
    aliases = _visible_aliases(indexes, [entry for _, _, entry in rows])
    return tuple(
        LiveFile(
            path=aliases.get(id(entry), entry.path),
            bytes=entry.size,
            layer=entry.layer,
            written_by=owners[entry.layer],
        )
        for _, _, entry in rows
    )


def _visible_aliases(indexes: Sequence[LayerIndex], contents: list[Entry]) -> dict[int, bytes]:
    """For content whose first name is gone, a hard link under which it still lives."""
    wanted = {id(entry) for entry in contents if entry.ended != VISIBLE or entry.kind == METADATA}
    aliases: dict[int, bytes] = {}
    if not wanted:
        return aliases
    for index in indexes:
        for entry in index.entries:
            if (
                entry.kind == HARDLINK
                and entry.ended == VISIBLE
                and id(entry.content) in wanted
                and id(entry.content) not in aliases
            ):
                aliases[id(entry.content)] = entry.path
    return aliases


def _note_the_stack(
    image: Image, indexes: Sequence[LayerIndex | None], verify: Verify, notes: Notes
) -> None:
    seen: set[object] = set()
    for layer in image.layers:
        key = layer.digest or layer.diff_id
        index = indexes[layer.index]
        if key is not None and key in seen and index is not None and index.entries:
            notes.add(
                "layer-repeated",
                "the layer stands in the image more than once: unpacked at each place, transferred once",
                layer=layer.index,
            )
        seen.add(key)
    if verify == "off" and any(index is not None for index in indexes):
        notes.add("unverified", "digests were not compared with the bytes (--no-verify)")
