"""What is known about an image without reading any layer: its manifest, its config, and the index."""

from __future__ import annotations

from layerscope.analysis.analyze import REPEATED, sizes_by_instruction, total_sizes
from layerscope.analysis.model import NO_COUNTS, Analysis, Changes, Facts, LayerSummary, Sizes
from layerscope.filesystem.tree import FileTree
from layerscope.image.blob import Blob, DeferredBlob
from layerscope.image.image import Image, Layer
from layerscope.image.media_type import compression_of, is_tar_layer
from layerscope.layers.compression import sniff
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.notes import Notes

NOT_READ = "layers-not-read"
"""The code of the note that says why sizes are unknown."""


def head_of(image: Image, *, limits: Limits = DEFAULT_LIMITS) -> Analysis:
    """The facts that don't need the layers. `compressed` is the only known size, and no registry blob is requested.

    The compression comes from a layer's first bytes if it is in a file, or else from its media type.
    """
    notes = Notes()
    notes.extend(image.notes)
    tree = FileTree(notes, limits)
    for _ in image.layers:
        tree.apply(None)
    _note_repeated(image.layers, notes)
    if image.layers:
        notes.add(
            NOT_READ, "no layer was read (--head), so everything that depends on files is unknown"
        )
    layers = tuple(map(_summary, image.layers))
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
        sizes=total_sizes(layers),
        counts=NO_COUNTS,
        wasted_by_kind={},
        layers=layers,
        instructions=tuple(sizes_by_instruction(image.instructions, layers)),
        waste=(),
        notes=tuple(notes),
        files=None,
        head=True,
    )
    return Analysis(facts=facts, image=image, tree=tree, indexes=(None,) * len(layers))


def _note_repeated(layers: tuple[Layer, ...], notes: Notes) -> None:
    seen = set()
    for layer in layers:
        key = layer.digest or layer.diff_id
        if key is not None and key in seen:
            notes.add("layer-repeated", REPEATED, layer=layer.index)
        seen.add(key)


def _summary(layer: Layer) -> LayerSummary:
    compression = _compression(layer)
    return LayerSummary(
        index=layer.index,
        diff_id=layer.diff_id,
        digest=layer.digest,
        media_type=layer.media_type,
        compression=compression,
        verified=False,
        instruction=layer.instruction,
        indexed=False,
        sizes=Sizes(
            compressed=None if compression == "none" else layer.size, tar=0, content=0, live=0
        ),
        changes=Changes(added=0, modified=0, deleted=0),
    )


def _compression(layer: Layer) -> str:
    if layer.blob is None or not is_tar_layer(layer.media_type):
        return "unknown"
    return (
        sniff(layer.blob)
        if isinstance(layer.blob, Blob | DeferredBlob)
        else compression_of(layer.media_type)
    )
