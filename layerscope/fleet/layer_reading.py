"""Reading layers on a worker: every byte once, every content hashed, and every digest compared.

The index of a layer serves every image that has it, so unlike a report of one image, a fleet always compares the bytes
with both names that they go by: the blob's digest and the tar's diff_id.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from layerscope.cache.kept import Kept, to_value
from layerscope.errors import FormatError, LayerscopeError
from layerscope.fleet.heads import open_local, request_of
from layerscope.fleet.index_store import pack
from layerscope.fleet.values import Failed, LayerJob, LayerPlace, LayerRead
from layerscope.image.blob import StoredBlob
from layerscope.image.digest import Digest
from layerscope.image.wrapped_blob import WrappedBlob
from layerscope.layers.budget import extra_budget
from layerscope.layers.reader import index_layer
from layerscope.sources.registry.lent import lending

if TYPE_CHECKING:
    from layerscope.fleet.values import Reading


class PassingBlob(WrappedBlob):
    """A blob that is read from its first byte to its last, so that the contents of a plain tar are hashed, too."""


def read_layers(job: LayerJob) -> list[LayerRead | Failed]:
    """Read the layers of a job. A layer that can't be read is a failure, not an error."""
    found: list[LayerRead | Failed] = []
    with lending(job.lent), ExitStack() as stack:
        blobs: dict[str, StoredBlob] | None = None
        for place in job.layers:
            try:
                if job.wanted.reference.startswith("registry:"):
                    found.append(_fetched(job, place))
                    continue
                if blobs is None:
                    blobs = _local_blobs(job, stack)
                if place.key not in blobs:
                    raise FormatError(
                        f"{job.wanted.reference} changed while it was read", hint="scan it again"
                    )
                found.append(_layer(blobs[place.key], place, job.reading))
            except (LayerscopeError, OSError, MemoryError, RecursionError) as error:
                found.append(_failed(error, job, place))
            except Exception as error:  # noqa: BLE001 - a bug in one layer must not end the scan
                found.append(_failed(error, job, place))
    return found


def _failed(error: BaseException, job: LayerJob, place: LayerPlace) -> Failed:
    return Failed.of(error, job.wanted, "layer", place.digest or place.diff_id)


def _local_blobs(job: LayerJob, stack: ExitStack) -> dict[str, StoredBlob]:
    from layerscope.fleet.index_store import layer_key

    image = stack.enter_context(open_local(job.wanted, job.reading))
    return {
        layer_key(
            None if layer.digest is None else str(layer.digest),
            None if layer.diff_id is None else str(layer.diff_id),
        ): layer.blob
        for layer in image.layers
        if layer.blob is not None
    }


def _fetched(job: LayerJob, place: LayerPlace) -> LayerRead:
    from layerscope.sources.registry import opened_blob

    assert place.digest is not None
    target = job.wanted.reference.partition(":")[2]
    request = request_of(job.wanted, job.reading)
    with opened_blob(target, Digest.parse(place.digest), place.size, request) as blob:
        return _layer(blob, place, job.reading)


def _layer(blob: StoredBlob, place: LayerPlace, reading: Reading) -> LayerRead:
    from layerscope.fleet.layer_rows import layer_tables

    if place.diff_id is None:
        raise FormatError(f"{blob.name}: the image names no diff_id for it")
    diff_id = Digest.parse(place.diff_id)
    budget = extra_budget(reading.limits.extra_bytes)
    stored = index_layer(
        PassingBlob(blob),
        digest=None if place.digest is None else Digest.parse(place.digest),
        diff_id=diff_id,
        verify="auto",
        limits=reading.limits,
        proves=True,
        budget=budget,
        ahead=False,  # a worker has one processor, and another worker the next one
    )
    kept = Kept(
        index=replace(stored.index, diff_id=None),
        compression=stored.compression,
        size=blob.size,
        diff_id=diff_id,
        notes=stored.own_notes,
        hashed=True,
        spent=budget.spent,
        limits=reading.limits,
    )
    return LayerRead(
        key=place.key,
        data=pack(place.key, to_value(kept)),
        rows=layer_tables(kept, place.digest, place.diff_id),
    )
