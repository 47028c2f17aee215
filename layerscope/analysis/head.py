"""What is known about an image without reading any layer: its manifest, its config, and the index."""

from __future__ import annotations

from layerscope.analysis.analyze import REPEATED, image_facts, repeated_layers
from layerscope.analysis.model import Analysis, Changes, LayerSummary, Sizes
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
    for layer in repeated_layers(image.layers):
        notes.add("layer-repeated", REPEATED, layer=layer.index)
    if image.layers:
        notes.add(
            NOT_READ, "no layer was read (--head), so everything that depends on files is unknown"
        )
    layers = tuple(map(_summary, image.layers))
    facts = image_facts(image, layers, notes=notes)
    return Analysis(facts=facts, image=image, tree=tree, indexes=(None,) * len(layers))


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
