"""From an image to its analysis: index the layers, replay them, and find out what became of every stored byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from layerscope.analysis.model import (
    NO_COUNTS,
    Analysis,
    Changes,
    Facts,
    FileCounts,
    Files,
    InstructionSummary,
    LayerSummary,
    Sizes,
    WastedFile,
    sum_of,
)
from layerscope.analysis.origin import origin_of
from layerscope.analysis.waste import settle_rewrites, settle_waste, total_by_kind
from layerscope.errors import UsageError
from layerscope.filesystem.entry import PlacedLayer
from layerscope.filesystem.tree import FileTree
from layerscope.image.image import Image, Layer
from layerscope.image.instruction import Instruction
from layerscope.image.media_type import compression_of
from layerscope.layers.entry import (
    ADDED,
    BLOCK,
    CHARACTER,
    DIRECTORY,
    FIFO,
    FILE,
    HARDLINK,
    KIND_NAMES,
    METADATA,
    MODIFIED,
    OPAQUE,
    OTHER,
    SYMLINK,
    WHITEOUT,
)
from layerscope.layers.known import KnownLayers
from layerscope.layers.layer_index import LayerIndex, values
from layerscope.layers.reader import StoredLayer, Verify
from layerscope.layers.stack import index_stack
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.notes import Note, Notes
from layerscope.options import MIN_DUPLICATE, SecretScope
from layerscope.progress import CancelledCallback, ProgressCallback, stop_if

if TYPE_CHECKING:
    from layerscope.analysis.duplicates import Duplicates
    from layerscope.analysis.ownership import Ownership
    from layerscope.analysis.weight.weigh import Weighed

# The modules of a subject, such as duplicates, are loaded only if a report has it.

_CHANGE: Final = attrgetter("change")
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
    dead_weight: bool = True,
    duplicates: bool = True,
    min_duplicate: int = MIN_DUPLICATE,
    secrets: SecretScope = "known",
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> Analysis:
    """Find out where the bytes of an opened image come from, and which are wasted.

    `verify` says when to check digests: if the bytes are read in full anyway (`auto`), always (`full`), or never (`off`).
    Layers that `known` has aren't read. `lazy` indexes layers by their tables of contents, where they have one.
    `packages` also tells which packages the files belong to, `dead_weight` which of them a container hardly needs, and
    `duplicates` which contents of at least `min_duplicate` bytes are stored more than once. `secrets` says where to look.
    Raises `FormatError` for malformed layers, `UsageError` for an image that is closed, and `Cancelled`.
    """
    _check_open(image)
    indexes = index_stack(
        image.layers,
        verify=verify,
        limits=limits,
        known=known,
        lazy=lazy,
        packages=packages,
        documents=packages or dead_weight,
        secrets=secrets,
        progress=progress,
        cancelled=cancelled,
    )
    notes = Notes()
    tree = _replay(image, indexes, limits, notes, cancelled)
    _note_the_stack(image, indexes, verify, secrets, notes)
    ownership = _owned(tree, indexes, notes) if packages else None
    weighed = _weighed(image, tree, indexes, ownership) if dead_weight else None
    copies = None
    if duplicates:
        copies = _copies(image, tree, indexes, notes, min_duplicate, limits, progress, cancelled)
    facts = replace(_facts(image, indexes, tree, notes), duplicates=copies)
    whole = Analysis(
        facts=facts, image=image, tree=tree, indexes=indexes, ownership=ownership, weighed=weighed
    )
    return replace(whole, facts=_with_subjects(whole, secrets))


def _copies(
    image: Image,
    tree: FileTree,
    indexes: Sequence[StoredLayer | None],
    notes: Notes,
    least: int,
    limits: Limits,
    progress: ProgressCallback | None,
    cancelled: CancelledCallback | None,
) -> Duplicates:
    """The contents that are stored more than once."""
    from layerscope.analysis.duplicates import find_duplicates

    return find_duplicates(
        tree,
        indexes,
        notes,
        least=least,
        most_read=limits.duplicate_bytes,
        sampled=not keeps_hashes(image),
        progress=progress,
        cancelled=cancelled,
    )


def _weighed(
    image: Image,
    tree: FileTree,
    indexes: Sequence[StoredLayer | None],
    ownership: Ownership | None,
) -> Weighed:
    """The dead weight. A layer that was indexed by its table says nothing about the contents of its files."""
    from layerscope.analysis.weight.contents import depends_on_contents
    from layerscope.analysis.weight.weigh import weigh

    by_table = [index.index for index in indexes if index is not None and index.by_table]
    blind = ownership is None or any(depends_on_contents(each) for each in by_table)
    read = not (by_table and blind)
    return weigh(tree, image.config, ownership, read=read)


def _owned(tree: FileTree, indexes: Sequence[StoredLayer | None], notes: Notes) -> Ownership:
    """The packages. Types that a layer may have without anyone having looked count as unreadable."""
    from layerscope.analysis.ownership import own

    ownership = own(tree, notes)
    for index in filter(None, indexes):
        ownership.unreadable |= index.unread
    return ownership


def _facts(
    image: Image,
    indexes: tuple[StoredLayer | None, ...],
    tree: FileTree,
    notes: Notes,
) -> Facts:
    """The facts about layers and waste."""
    owners = [layer.instruction for layer in image.layers]
    settle_rewrites(tree.rewrites, indexes)
    waste = settle_waste(tree.losses, indexes, owners)
    return image_facts(
        image,
        _summaries(image.layers, indexes, tree, waste),
        counts=_counts(tree.layers),
        waste=waste,
        notes=notes,
        files=Files(tree=tree, indexes=indexes),
    )


def _with_subjects(analysis: Analysis, secrets: SecretScope) -> Facts:
    """The facts with the parts that were asked for."""
    owners = [layer.instruction for layer in analysis.image.layers]
    ownership, weighed = analysis.ownership, analysis.weighed
    facts = analysis.facts
    if ownership is not None:
        from layerscope.analysis.packages import package_facts

        facts = replace(facts, packages=package_facts(ownership, owners))
    if facts.duplicates is not None and facts.packages is not None:
        from layerscope.analysis.duplicates import duplicate_packages

        twice = duplicate_packages(facts.packages.rows)
        facts = replace(facts, duplicates=replace(facts.duplicates, packages=twice))
    if weighed is not None:
        from layerscope.analysis.weight.weigh import weight_facts

        weight = weight_facts(weighed, analysis.tree, owners, analysis.image.base)
        facts = replace(facts, weight=weight)
    if secrets != "off":
        from layerscope.analysis.secrets.find import find_secrets

        found = find_secrets(analysis, everything=secrets == "all")
        facts = replace(facts, secrets=found)
    return replace(facts, origin=origin_of(facts, last_places(facts.layers)))


def keeps_hashes(image: Image) -> bool:
    """Whether content hashes that are read later are added to the cache, because an engine vouches for a layer."""
    return any(layer.vouched_by is not None for layer in image.layers)


def _check_open(image: Image) -> None:
    if any(layer.blob is not None and layer.blob.closed for layer in image.layers):
        raise UsageError(f"{image.reference} is closed", hint="analyze it before it is closed")


def _replay(
    image: Image,
    indexes: Sequence[StoredLayer | None],
    limits: Limits,
    notes: Notes,
    cancelled: CancelledCallback | None,
) -> FileTree:
    """The filesystem that the layers make. An index that several layers share adds its notes once."""
    notes.extend(image.notes)
    layers = image.layers
    tree = FileTree(notes, limits)
    noted: set[int] = set()
    charged = last_places(layers)
    for layer, stored in zip(layers, indexes, strict=True):
        stop_if(cancelled)
        if stored is not None and id(stored) not in noted:
            noted.add(id(stored))
            notes.extend(replace(note, layer=layer.index) for note in stored.notes)
        if stored is None:
            tree.apply(None)
        else:
            counts = layer.index in charged
            tree.apply(stored.index if counts else stored.index.without_costs())
    return tree


def image_facts(
    image: Image,
    layers: tuple[LayerSummary, ...],
    *,
    notes: Iterable[Note],
    counts: FileCounts = NO_COUNTS,
    waste: tuple[WastedFile, ...] = (),
    files: Files | None = None,
) -> Facts:
    """The facts about an opened image. Without `files`, no layer was read."""
    return Facts(
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
        sizes=total_sizes(layers),
        counts=counts,
        wasted_by_kind={} if files is None else total_by_kind(waste),
        layers=layers,
        instructions=tuple(sizes_by_instruction(image.instructions, layers)),
        waste=waste,
        notes=tuple(notes),
        files=files,
        head=files is None,
    )


def _summaries(
    layers: Sequence[Layer],
    indexes: Sequence[StoredLayer | None],
    tree: FileTree,
    waste: Sequence[WastedFile],
) -> tuple[LayerSummary, ...]:
    wasted = [(0, 0)] * len(layers)
    for row in waste:
        size, cost = wasted[row.layer]
        wasted[row.layer] = (size + row.bytes, cost + (row.compressed or 0))
    unseen: list[Counter[int]] = [Counter() for _ in layers]
    for entry in tree.never_seen:
        unseen[entry.layer][entry.change] += 1
    return tuple(
        _summary(layer, stored, placed, wasted[layer.index], tree, unseen[layer.index])
        for layer, stored, placed in zip(layers, indexes, tree.layers, strict=True)
    )


def _summary(
    layer: Layer,
    stored: StoredLayer | None,
    placed: PlacedLayer,
    wasted: tuple[int, int],
    tree: FileTree,
    unseen: Counter[int],
) -> LayerSummary:
    content = sum(values(placed.columns.sizes))
    cost = _content_cost(placed.columns)
    touched = list(filter(None, placed.records))
    changes = Counter(map(_CHANGE, touched))
    changes[ADDED] += placed.records.count(None)
    for entry in touched:
        if entry.kind == METADATA and entry.content is None:
            content -= entry.size
            cost = None if cost is None else cost - (entry.compressed or 0 if entry.size else 0)
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
            live=content - wasted[0],
            compressed_live=None if cost is None else cost - wasted[1],
            compressed_wasted=None if cost is None else wasted[1],
        ),
        changes=Changes(
            added=changes[ADDED], modified=changes[MODIFIED], deleted=tree.deleted[layer.index]
        ),
    )


def _content_cost(index: LayerIndex) -> int | None:
    """The compressed bytes of all members with content."""
    if index.compressed is None:
        return None
    columns = zip(values(index.compressed), values(index.sizes), strict=True)
    return sum(cost for cost, size in columns if size)


def last_places(layers: Sequence[Layer | LayerSummary]) -> set[int]:
    """The layers that count toward what a pull transfers: for a blob that is listed several times, its last place.

    There its files are live, unless nothing of the blob is needed.
    """
    places = {layer.digest or layer.diff_id or layer.index: layer.index for layer in layers}
    return set(places.values())


def total_sizes(summaries: Sequence[LayerSummary]) -> Sizes:
    """The image's totals. A blob that appears several times is transferred once."""
    return _sum_of(summaries, last_places(summaries))


def sizes_by_instruction(
    instructions: Sequence[Instruction], layers: Sequence[LayerSummary]
) -> list[InstructionSummary]:
    """What each instruction stores. Each blob is transferred for one of them, so that they sum to the image."""
    charged = last_places(layers)
    return [
        InstructionSummary(
            instruction=each, sizes=_sum_of([layers[index] for index in each.layers], charged)
        )
        for each in instructions
    ]


def _sum_of(layers: Sequence[LayerSummary], charged: set[int]) -> Sizes:
    blobs = [
        layer.sizes for layer in layers if layer.index in charged or layer.sizes.compressed is None
    ]
    return Sizes(
        compressed=sum_of(sizes.compressed for sizes in blobs),
        tar=sum_of(layer.sizes.tar for layer in layers),
        content=sum(layer.sizes.content for layer in layers),
        live=sum(layer.sizes.live for layer in layers),
        compressed_live=sum_of(sizes.compressed_live for sizes in blobs),
        compressed_wasted=sum_of(sizes.compressed_wasted for sizes in blobs),
    )


def _counts(layers: Sequence[PlacedLayer]) -> FileCounts:
    kinds = [
        sum(layer.columns.kinds.count(kind) for layer in layers) for kind in range(len(KIND_NAMES))
    ]
    return FileCounts(
        regular=kinds[FILE],
        directories=kinds[DIRECTORY],
        symlinks=kinds[SYMLINK],
        hardlinks=kinds[HARDLINK],
        others=sum(kinds[kind] for kind in (CHARACTER, BLOCK, FIFO, OTHER, METADATA)),
        whiteouts=kinds[WHITEOUT] + kinds[OPAQUE],
    )


_CLAIMED: Final = {"none": "a plain tar", "gzip": "gzip", "zstd": "zstd"}
"""The compressions for which there are media types."""


def _note_the_stack(
    image: Image,
    indexes: Sequence[StoredLayer | None],
    verify: Verify,
    secrets: SecretScope,
    notes: Notes,
) -> None:
    for layer in repeated_layers(image.layers):
        stored = indexes[layer.index]
        if stored is not None and len(stored.index):
            notes.add("layer-repeated", REPEATED, layer=layer.index)
    for layer, stored in zip(image.layers, indexes, strict=True):
        claimed = compression_of(layer.media_type)
        if (
            stored is not None
            and claimed != stored.compression
            and claimed in _CLAIMED
            and stored.compression in _CLAIMED
        ):
            notes.add(
                "compression-differs",
                f"the media type says {_CLAIMED[claimed]}, but the layer is {_CLAIMED[stored.compression]}",
                layer=layer.index,
            )
    if verify == "off" and any(index is not None for index in indexes):
        notes.add("unverified", "the bytes were not checked against their digests (--no-verify)")
    if secrets == "known":
        from layerscope.analysis.secrets.find import note_engine

        note_engine(notes)


def repeated_layers(layers: Sequence[Layer]) -> Iterator[Layer]:
    """The layers that are in the image already, further down."""
    seen: set[object] = set()
    for layer in layers:
        key = layer.digest or layer.diff_id
        if key is not None and key in seen:
            yield layer
        seen.add(key)
