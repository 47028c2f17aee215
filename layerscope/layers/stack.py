"""Indexing all layers of an image: compressed ones in a few threads, each blob once."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import field, replace
from functools import partial

from layerscope.errors import LimitExceeded
from layerscope.image.blob import Blob, DeferredBlob, StoredBlob
from layerscope.image.image import Layer
from layerscope.image.media_type import is_tar_layer
from layerscope.layers.budget import Budget, extra_budget
from layerscope.layers.compression import sniff
from layerscope.layers.known import KnownLayer, KnownLayers
from layerscope.layers.reader import (
    StoredLayer,
    Verify,
    can_seek,
    compare_names,
    index_layer,
    reads_headers_alone,
)
from layerscope.layers.secret_search import is_searched
from layerscope.layers.split_blob import SplitBlob
from layerscope.limits import Limits
from layerscope.notes import Note
from layerscope.options import SecretScope
from layerscope.progress import CancelledCallback, Progress, ProgressCallback, stop_if
from layerscope.records import dataclass

MAX_THREADS = 4
"""The most threads. There is one for each processor, and one more if the bytes come from a registry."""

BlobKey = tuple[int, int, int]
Job = Callable[[bool], StoredLayer]
"""Indexes a layer. Pass True to decompress it in a separate thread."""


def index_stack(
    layers: tuple[Layer, ...],
    *,
    verify: Verify,
    limits: Limits,
    known: KnownLayers | None = None,
    lazy: bool = False,
    packages: bool = True,
    documents: bool = True,
    secrets: SecretScope = "known",
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> tuple[StoredLayer | None, ...]:
    """The index of each layer, in layer order; None for a layer whose bytes are missing or that is not a tar.

    A blob that appears several times is read once, and one that `known` has isn't read at all. Decompression and hashing
    release the interpreter lock, so several threads read compressed layers, the largest first. The last one would
    leave a processor idle, so an extra thread hashes its tar. The result doesn't depend on which thread is first.
    With `lazy`, a layer that has a table of contents is indexed by it alone, and with `packages` its package databases
    are fetched. `documents` and `secrets` say what is looked for in files; a layer that is kept for others is looked into
    in any case.
    """
    firsts = _first_places(layers)
    budget = extra_budget(limits.extra_bytes)
    # A table of contents says less than a full reading, and a report must not depend on what was read before.
    found = {} if lazy else _known(firsts, known, verify, limits, budget, secrets)
    unread = {key: layer for key, layer in firsts.items() if key not in found}
    reading = _Reading(
        verify=verify,
        limits=limits,
        proves=known is not None and known.proves,
        lazy=lazy,
        packages=packages,
        documents=documents,
        secrets=secrets,
        budget=budget,
        meter=_Meter(unread, progress, cancelled),
    )
    found.update(reading.all(unread))
    placed = _placed(layers, reading.with_remarks(found), limits)
    if known is not None:
        for key, cost in reading.spent.items():
            known.keep(unread[key], KnownLayer(found[key], cost), limits=limits)
    return placed


def _first_places(layers: tuple[Layer, ...]) -> dict[BlobKey, Layer]:
    """The first layer with each blob that can be indexed."""
    firsts: dict[BlobKey, Layer] = {}
    for layer in layers:
        if layer.blob is not None and is_tar_layer(layer.media_type):
            firsts.setdefault(_key(layer.blob), layer)
    return firsts


@dataclass(slots=True, kw_only=True)
class _Reading:
    """How to read each layer, and what is learned besides its index. Several threads use it."""

    verify: Verify
    limits: Limits
    proves: bool
    lazy: bool
    packages: bool
    documents: bool
    secrets: SecretScope
    budget: Budget
    meter: _Meter
    spent: dict[BlobKey, int] = field(default_factory=dict)
    """What each layer that was read and looked into in full took from the budget."""
    remarks: dict[BlobKey, Note] = field(default_factory=dict)
    """Why a layer was read in full despite `lazy`."""

    def is_quick(self, blob: StoredBlob) -> bool:
        """Whether only the headers are read."""
        return can_seek(blob) and reads_headers_alone(blob, sniff(blob), self.verify)

    def all(self, layers: Mapping[BlobKey, Layer]) -> dict[BlobKey, StoredLayer]:
        """Index the layers: those whose headers are enough here, the others in threads."""
        found: dict[BlobKey, StoredLayer] = {}
        streamed: list[tuple[BlobKey, Job]] = []
        for key, layer in layers.items():
            blob = layer.blob
            assert blob is not None
            if self.is_quick(blob):
                found[key] = self.index(layer, blob, False)
            else:
                streamed.append((key, partial(self.index, layer, blob)))
        streamed.sort(key=lambda job: -job[0][2])
        waits = not all(can_seek(layer.blob) for layer in layers.values() if layer.blob)
        return {**found, **_in_threads(streamed, (os.cpu_count() or 1) + waits)}

    def index(self, layer: Layer, blob: StoredBlob, ahead: bool) -> StoredLayer:
        found = self._early(layer, blob)
        if found is None and self.lazy and not self.is_quick(blob):
            found = self._by_table(layer, blob)
        if found is None:
            own = self.budget.part()
            # An engine vouches for the layer, so that its index is kept although it was read by seeking.
            serves = layer.vouched_by is not None
            secrets: SecretScope = "known" if serves and self.secrets == "off" else self.secrets
            found = index_layer(
                blob,
                digest=layer.digest,
                diff_id=layer.diff_id,
                verify=self.verify,
                limits=self.limits,
                proves=self.proves,
                budget=own,
                ahead=ahead,
                documents=self.documents or serves,
                secrets=secrets,
                advanced=self.meter.advance,
            )
            if serves or not self.is_quick(blob):
                self.spent[_key(blob)] = own.spent
        self.meter.finish_layer()
        return found

    def _early(self, layer: Layer, blob: StoredBlob) -> StoredLayer | None:
        """The layer as reading it now would give it, if it was read while its archive arrived."""
        early: object = None
        if isinstance(blob, Blob):
            early = blob.file.read_early.get((blob.offset, blob.size))
        elif isinstance(blob, DeferredBlob | SplitBlob):
            early = blob.early
        if not isinstance(early, KnownLayer) or not is_searched(
            early.stored.index, self.limits, everything=self.secrets == "all"
        ):
            return None
        if self.is_quick(blob):
            if self.verify != "off":
                compare_names(blob, layer.digest, layer.diff_id)
        elif (
            early.stored.proven != (layer.digest,)
            or self.lazy
            or self.proves
            or self.verify != "auto"
        ):
            return None
        with _naming(blob):
            self.budget.spend(early.spent)
        self.spent[_key(blob)] = early.spent
        self.meter.advance(_key(blob)[2])
        index = replace(early.stored.index, diff_id=layer.diff_id)
        return replace(early.stored, blob=blob, index=index)

    def _by_table(self, layer: Layer, blob: StoredBlob) -> StoredLayer | None:
        """The layer from its table of contents, or None and a remark."""
        from layerscope.layers.lazy.reader import lazily

        found = lazily(layer, blob, limits=self.limits, budget=self.budget, packages=self.packages)
        if isinstance(found, StoredLayer):
            self.meter.advance(blob.size)
            return found
        self.remarks[_key(blob)] = found
        return None

    def with_remarks(self, found: Mapping[BlobKey, StoredLayer]) -> dict[BlobKey, StoredLayer]:
        """The layers with their remarks as notes. A kept index says nothing about how it was read."""
        remarked = {
            key: replace(found[key], own_notes=(*found[key].own_notes, note))
            for key, note in self.remarks.items()
        }
        return {**found, **remarked}


def _known(
    firsts: Mapping[BlobKey, Layer],
    known: KnownLayers | None,
    verify: Verify,
    limits: Limits,
    budget: Budget,
    secrets: SecretScope,
) -> dict[BlobKey, StoredLayer]:
    """The layers that need not be read. `--verify` reads them all."""
    found: dict[BlobKey, StoredLayer] = {}
    if known is None or verify == "full":
        return found
    for key, layer in firsts.items():
        one = known.find(layer, verify=verify, limits=limits, all_secrets=secrets == "all")
        if one is None:
            continue
        with _naming(one.stored.blob):
            budget.spend(one.spent)
        found[key] = one.stored
    return found


@contextmanager
def _naming(blob: StoredBlob) -> Iterator[None]:
    """Put the blob's name before the message of a limit."""
    try:
        yield
    except LimitExceeded as error:
        raise LimitExceeded(f"{blob.name}: {error.message}", hint=error.hint) from None


def _key(blob: StoredBlob) -> BlobKey:
    return blob.key


def _in_threads(jobs: list[tuple[BlobKey, Job]], most: int) -> dict[BlobKey, StoredLayer]:
    threads = min(MAX_THREADS, len(jobs), most)
    if threads <= 1:
        return {key: job(True) for key, job in jobs}
    results: dict[BlobKey, StoredLayer] = {}
    failures: dict[int, BaseException] = {}
    waiting = iter(enumerate(jobs))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number, (key, job) = next(waiting, (-1, (None, None)))
                if key is None or job is None or failures:
                    return
            try:
                results[key] = job(number == len(jobs) - 1)
            except BaseException as error:  # noqa: BLE001  # raised by the thread that waits
                failures[number] = error

    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[min(failures)]
    return results


def _placed(
    layers: tuple[Layer, ...], found: dict[BlobKey, StoredLayer], limits: Limits
) -> tuple[StoredLayer | None, ...]:
    """Each layer with its index. Layers with the same blob share the index."""
    placed: list[StoredLayer | None] = []
    members = repeated = 0
    seen: set[int] = set()
    for layer in layers:
        stored = None if layer.blob is None else found.get(_key(layer.blob))
        placed.append(stored)
        if stored is None:
            continue
        members += len(stored.index)
        repeated += len(stored.index) if id(stored) in seen else 0
        seen.add(id(stored))
        if members > limits.members:
            raise LimitExceeded(
                f"more than {limits.members} members in all layers together",
                limit="members",
            )
        if repeated > limits.repeated_members:
            raise LimitExceeded(
                f"{repeated} members in layers that are named more than once, over the"
                f" {limits.repeated_members} allowed",
                limit="repeated_members",
            )
    return tuple(placed)


class _Meter:
    """Adds up what all threads have read, and reports it every megabyte, with the number of layers done."""

    def __init__(
        self,
        firsts: dict[BlobKey, Layer],
        progress: ProgressCallback | None,
        cancelled: CancelledCallback | None,
    ) -> None:
        self._total = sum(key[2] for key in firsts)
        self._progress = progress
        self._cancelled = cancelled
        self._lock = threading.Lock()
        self._done = 0
        self._told = 0
        self._layers = len(firsts)
        self._finished = 0

    def finish_layer(self) -> None:
        with self._lock:
            self._finished += 1

    def advance(self, count: int) -> None:
        stop_if(self._cancelled)
        if self._progress is None:
            return
        with self._lock:
            self._done += count
            if self._done - self._told < 1 << 20 and self._done != self._total:
                return
            self._told = self._done
            layer = min(self._finished + 1, self._layers)
            self._progress(Progress("read", self._done, self._total, layer, self._layers))
