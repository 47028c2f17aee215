"""From an image to its analysis: index the layers, replay them, and find out what became of every stored byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from layerscope.analysis.model import (
    Analysis,
    Changes,
    Facts,
    FileCounts,
    Files,
    InstructionSummary,
    LayerSummary,
    Sizes,
    sum_of,
)
from layerscope.analysis.ownership import own
from layerscope.analysis.packages import package_facts
from layerscope.analysis.waste import settle_rewrites, settle_waste, total_by_kind
from layerscope.errors import UsageError
from layerscope.filesystem.entry import PlacedLayer
from layerscope.filesystem.tree import FileTree
from layerscope.image.image import Image, Layer
from layerscope.image.instruction import Instruction
from layerscope.layers.entry import (
    ADDED,
    BLOCK,
    CHARACTER,
    DIRECTORY,
    FIFO,
    FILE,
    HARDLINK,
    METADATA,
    MODIFIED,
    OPAQUE,
    OTHER,
    SYMLINK,
    WHITEOUT,
)
from layerscope.layers.known import KnownLayers
from layerscope.layers.layer_index import values
from layerscope.layers.reader import StoredLayer, Verify
from layerscope.layers.stack import index_stack
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.notes import Notes
from layerscope.progress import CancelledCallback, ProgressCallback, stop_if

REPEATED: Final = (
    "the layer appears in the image more than once: it is unpacked each time, but transferred once"
)


def analyze(
    image: Image,
    *,
    verify: Verify = "auto",
    lazy: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    known: KnownLayers | None = None,
    packages: bool = True,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> Analysis:
    """Find out where the bytes of an opened image come from, and which are wasted.

    `verify` says when to check digests: if the bytes are read in full anyway (`auto`), always (`full`), or never (`off`).
    Layers that `known` has aren't read.
    `lazy` indexes layers by their tables of contents, where they have one, without reading their contents.
    `packages` also tells which packages the files belong to.
    Raises `FormatError` for malformed layers, `UsageError` for an image that is closed, and `Cancelled`.
    """
    if any(layer.blob is not None and layer.blob.closed for layer in image.layers):
        raise UsageError(f"{image.reference} is closed", hint="analyze it before it is closed")
    indexes = index_stack(
        image.layers,
        verify=verify,
        limits=limits,
        known=known,
        lazy=lazy,
        progress=progress,
        cancelled=cancelled,
    )
    notes = Notes()
    notes.extend(image.notes)
    tree = FileTree(notes, limits)
    noted: set[int] = set()
    for layer, stored in zip(image.layers, indexes, strict=True):
        stop_if(cancelled)
        if stored is not None and id(stored) not in noted:
            noted.add(id(stored))
            notes.extend(replace(note, layer=layer.index) for note in stored.notes)
        tree.apply(None if stored is None else stored.index)
    owners = [layer.instruction for layer in image.layers]
    settle_rewrites(tree.rewrites, indexes)
    waste = settle_waste(tree.losses, indexes, owners)
    _note_the_stack(image, indexes, verify, notes)
    ownership = own(tree, notes) if packages and not lazy else None

    wasted = [0] * len(image.layers)
    for row in waste:
        wasted[row.layer] += row.bytes
    unseen: list[Counter[int]] = [Counter() for _ in image.layers]
    for entry in tree.never_seen:
        unseen[entry.layer][entry.change] += 1
    layers = tuple(
        _summary(layer, stored, placed, wasted[layer.index], tree, unseen[layer.index])
        for layer, stored, placed in zip(image.layers, indexes, tree.layers, strict=True)
    )
    facts = Facts(
        reference=image.reference,
        source=image.source,
        tags=image.tags,
        platform=image.platform,
        created=image.config.created,
        manifest_digest=None if image.manifest_digest is None else str(image.manifest_digest),
        config_digest=str(image.config_digest),
        saved=False,
        config=image.config,
        base=image.base,
        sizes=total_sizes(layers, image.layers),
        counts=_counts(tree.layers),
        wasted_by_kind=total_by_kind(waste),
        layers=layers,
        instructions=tuple(sizes_by_instruction(image.instructions, layers)),
        waste=waste,
        notes=tuple(notes),
        files=Files(tree=tree, indexes=indexes),
        packages=None if ownership is None else package_facts(ownership, owners),
    )
    return Analysis(facts=facts, image=image, tree=tree, indexes=indexes, ownership=ownership)


def _summary(
    layer: Layer,
    stored: StoredLayer | None,
    placed: PlacedLayer,
    wasted: int,
    tree: FileTree,
    unseen: Counter[int],
) -> LayerSummary:
    content = sum(values(placed.columns.sizes))
    changes = Counter({ADDED: placed.records.count(None)})
    for entry in filter(None, placed.records):
        changes[entry.change] += 1
        if entry.kind == METADATA and entry.content is None:
            content -= entry.size
    changes -= unseen
    return LayerSummary(
        index=layer.index,
        diff_id=layer.diff_id,
        digest=layer.digest,
        media_type=layer.media_type,
        compression=stored.compression if stored is not None else "unknown",
        verified=stored is not None and stored.verified,
        instruction=layer.instruction,
        indexed=stored is not None,
        sizes=Sizes(
            compressed=stored.compressed_size if stored is not None else layer.size,
            tar=stored.tar_size if stored is not None else 0,
            content=content,
            live=content - wasted,
        ),
        changes=Changes(
            added=changes[ADDED], modified=changes[MODIFIED], deleted=tree.deleted[layer.index]
        ),
    )


def total_sizes(summaries: Sequence[LayerSummary], layers: Sequence[Layer]) -> Sizes:
    """The image's totals. A blob that appears several times is transferred once."""
    blobs: dict[object, int | None] = {}
    for summary, layer in zip(summaries, layers, strict=True):
        blobs[layer.digest or layer.diff_id or layer.index] = summary.sizes.compressed
    known = [size for size in blobs.values() if size is not None]
    return Sizes(
        compressed=sum(known) if len(known) == len(blobs) else None,
        tar=sum_of(summary.sizes.tar for summary in summaries),
        content=sum(summary.sizes.content for summary in summaries),
        live=sum(summary.sizes.live for summary in summaries),
    )


def sizes_by_instruction(
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
                    tar=sum_of(sizes.tar for sizes in own),
                    content=sum(sizes.content for sizes in own),
                    live=sum(sizes.live for sizes in own),
                ),
            )
        )
    return rows


def _counts(layers: Sequence[PlacedLayer]) -> FileCounts:
    kinds: Counter[int] = Counter()
    for layer in layers:
        kinds.update(layer.columns.kinds)
    return FileCounts(
        regular=kinds[FILE],
        directories=kinds[DIRECTORY],
        symlinks=kinds[SYMLINK],
        hardlinks=kinds[HARDLINK],
        others=sum(kinds[kind] for kind in (CHARACTER, BLOCK, FIFO, OTHER, METADATA)),
        whiteouts=kinds[WHITEOUT] + kinds[OPAQUE],
    )


def _note_the_stack(
    image: Image, indexes: Sequence[StoredLayer | None], verify: Verify, notes: Notes
) -> None:
    seen: set[object] = set()
    for layer in image.layers:
        key = layer.digest or layer.diff_id
        stored = indexes[layer.index]
        if key is not None and key in seen and stored is not None and len(stored.index):
            notes.add(
                "layer-repeated",
                REPEATED,
                layer=layer.index,
            )
        seen.add(key)
    if verify == "off" and any(index is not None for index in indexes):
        notes.add("unverified", "the bytes were not checked against their digests (--no-verify)")
