"""Whether the layers that a document names are those of the config's diff_ids, in their order."""

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


def matched(
    place: str, layers: Sequence[StoredLayer], diff_ids: Sequence[Digest]
) -> list[Digest | None]:
    """The diff_id of each layer; None for one that is not a tar and that the config does not list.

    Raises `FormatError` where the number differs, or where a plain layer, whose digest is its diff_id, is at the wrong
    place. What a compressed layer holds is only known when it is read, and so is a layer that is not on this machine.
    """
    if len(layers) == len(diff_ids):
        found: list[Digest | None] = list(diff_ids)
    else:
        tars = [is_tar_layer(layer.media_type) for layer in layers]
        if sum(tars) != len(diff_ids):
            raise FormatError(
                f"{place} names {len(layers)} layers, and its config has {len(diff_ids)} diff_ids"
            )
        rest = iter(diff_ids)
        found = [next(rest) if is_tar else None for is_tar in tars]
    for index, (layer, diff_id) in enumerate(zip(layers, found, strict=True)):
        if _is_misplaced(layer, diff_id):
            if layer.digest in diff_ids:
                what = "in another order than the diff_ids of its config"
            else:
                what = "that its config does not list"
            raise FormatError(
                f"{place} names layers {what}: layer {index} is {layer.digest}, not {diff_id}",
                hint="engines refuse it too: save the image again with a current engine",
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
    """Whether the first layer that differs from `others` has the content that its diff_id promises."""
    for layer, other, diff_id in zip(layers, others, diff_ids, strict=True):
        if layer.blob is None or layer.blob == other.blob:
            continue
        hasher = diff_id.hasher()
        for piece in Decompression(layer.blob, sniff(layer.blob), limits):
            stop_if(cancelled)
            hasher.update(piece)
        return hasher.hexdigest() == diff_id.hex
    return True
