"""Replaying an image from the indexes of its layers, on a worker: the same facts as a report, without reading a blob."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from layerscope.analysis.analyze import analyze
from layerscope.analysis.masked import masked, masks_of
from layerscope.cache.kept import Kept
from layerscope.errors import FormatError, LayerscopeError
from layerscope.fleet.heads import unpacked_image
from layerscope.fleet.index_store import IndexStore, layer_key, unpack
from layerscope.fleet.values import Failed, Missing, Replayed, ReplayJob
from layerscope.layers.known import KnownLayer
from layerscope.layers.reader import StoredLayer, Verify, is_verified
from layerscope.limits import Limits

if TYPE_CHECKING:
    from layerscope.image.image import Layer


class ReadLayers:
    """The layers of one image as they were read before; see `layerscope.layers.known.KnownLayers`."""

    proves = False

    def __init__(self, kept: Mapping[str, Kept]) -> None:
        self._kept = kept

    def find(
        self, layer: Layer, *, verify: Verify, limits: Limits, all_secrets: bool = False
    ) -> KnownLayer | None:
        """The layer, which is always known. Raises `FormatError` if it isn't, because there is no blob to read."""
        kept = self._kept.get(_key(layer))
        blob = layer.blob
        if kept is None or blob is None:
            raise FormatError(f"the layer {layer.digest or layer.diff_id} has not been read")
        stored = StoredLayer(
            blob=blob,
            index=replace(kept.index, diff_id=layer.diff_id),
            compression=kept.compression,
            compressed_size=None if kept.compression == "none" else kept.size,
            verified=is_verified(blob, kept.compression, (layer.digest, layer.diff_id), verify),
            own_notes=kept.notes,
            hashed=kept.hashed,
        )
        return KnownLayer(stored, kept.spent)

    def keep(self, layer: Layer, known: KnownLayer, *, limits: Limits) -> None:
        """Nothing is read, so there is nothing to keep."""


def replay(job: ReplayJob) -> Replayed | Missing | Failed:
    """The rows of an image. An image that can't be replayed is a failure, not an error."""
    try:
        found = _indexes(job)
        if isinstance(found, Missing):
            return found
        return _replayed(job, found)
    except (LayerscopeError, OSError, MemoryError, RecursionError) as error:
        return Failed.of(error, job.wanted, "image")
    except Exception as error:  # noqa: BLE001 - a bug in one image must not end the scan
        return Failed.of(error, job.wanted, "image")


def _indexes(job: ReplayJob) -> dict[str, Kept] | Missing:
    store = IndexStore(job.folder)
    kept: dict[str, Kept] = {}
    missing = []
    for place in job.layers:
        if not place.readable or place.key in kept:
            continue
        data = store.read(place.key) if job.shipped is None else job.shipped.get(place.key)
        found = None if data is None else unpack(place.key, data)
        if found is None:
            missing.append(place.key)
        else:
            kept[place.key] = found
    return Missing(tuple(missing)) if missing else kept


def _replayed(job: ReplayJob, kept: Mapping[str, Kept]) -> Replayed:
    from layerscope.fleet.image_rows import image_columns, image_tables

    image = replace(unpacked_image(job.packed), reference=job.wanted.reference)
    analysis = analyze(image, limits=job.reading.limits, known=ReadLayers(kept))
    shown = masked(analysis, masks_of(analysis))
    return Replayed(
        image=image_columns(shown),
        rows=image_tables(shown, job.image, job.layers, owns=frozenset(job.owns)),
    )


def _key(layer: Layer) -> str:
    return layer_key(
        None if layer.digest is None else str(layer.digest),
        None if layer.diff_id is None else str(layer.diff_id),
    )
