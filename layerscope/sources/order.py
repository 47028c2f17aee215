"""Checks that the layers a document names are the ones in the config's diff_ids, in the same order."""

from __future__ import annotations

from collections.abc import Sequence

from layerscope.errors import FormatError
from layerscope.image.blob import Blob
from layerscope.image.digest import Digest
from layerscope.image.media_type import is_tar_layer
from layerscope.layers.compression import Decompression, sniff
from layerscope.limits import Limits
from layerscope.progress import CancelledCallback, stop_if
from layerscope.sources.stored import StoredLayer
from layerscope.units import count


def matched(
    place: str, layers: Sequence[StoredLayer], diff_ids: Sequence[Digest]
) -> list[Digest | None]:
    """The diff_id of each layer, or None for a layer that isn't a tar and that the config doesn't list.

    Raises `FormatError` if the counts differ, or if an uncompressed layer, whose digest is its diff_id, is in the wrong
    place. A layer that is compressed, or not on this machine, can only be checked when it's read.
    """
    if len(layers) == len(diff_ids):
        found: list[Digest | None] = list(diff_ids)
    else:
        tars = [is_tar_layer(layer.media_type) for layer in layers]
        if sum(tars) != len(diff_ids):
            raise FormatError(
                f"{place} names {count(len(layers), 'layer')}, but its config has"
                f" {count(len(diff_ids), 'diff_id')}"
            )
        rest = iter(diff_ids)
        found = [next(rest) if is_tar else None for is_tar in tars]
    for index, (layer, diff_id) in enumerate(zip(layers, found, strict=True)):
        if _is_misplaced(layer, diff_id):
            if layer.digest in diff_ids:
                what = "in a different order than its config's diff_ids"
            else:
                what = "that its config does not list"
            raise FormatError(
                f"{place} names layers {what}: layer {index} is {layer.digest}, not {diff_id}",
                hint="engines refuse it too; save the image again with a current engine",
            )
    return found


def _is_misplaced(layer: StoredLayer, diff_id: Digest | None) -> bool:
    return (
        diff_id is not None
        and layer.digest is not None
        and isinstance(layer.blob, Blob)
        and layer.digest != diff_id
        and layer.digest.algorithm == diff_id.algorithm
        and is_tar_layer(layer.media_type)
        and sniff(layer.blob) == "none"
    )


def is_in_order(
    layers: Sequence[StoredLayer],
    others: Sequence[StoredLayer],
    diff_ids: Sequence[Digest],
    limits: Limits,
    cancelled: CancelledCallback | None,
) -> bool:
    """Whether the first layer that differs from `others` has the content that matches its diff_id."""
    for layer, other, diff_id in zip(layers, others, diff_ids, strict=True):
        if layer.blob is None or layer.blob == other.blob:
            continue
        hasher = diff_id.hasher()
        for piece in Decompression(layer.blob, sniff(layer.blob), limits):
            stop_if(cancelled)
            hasher.update(piece)
        return hasher.hexdigest() == diff_id.hex
    return True
