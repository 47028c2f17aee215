"""What live files hold, as hashes: known where a layer was read in full, read here where it was only seeked through."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

import xxhash

from layerscope.errors import SourceUnavailable
from layerscope.layers.entry import Entry
from layerscope.layers.index import LayerIndex
from layerscope.layers.window import fingerprint_at
from layerscope.progress import CancelledCallback, Progress, ProgressCallback, stop_if

WHOLE = 1 << 18
"""Bytes that are read at once."""
WORTH_A_THREAD = 8 << 20
"""Bytes from which on it takes less time to start a thread than to do without."""
GAP = 2048
"""Bytes between two contents that are rather read than jumped over: padding and headers."""
HASH_BYTES = 16
"""Length of a content hash."""

_PLACE = attrgetter("layer", "data")

Indexes = Sequence[LayerIndex | None]


def live_contents(indexes: Indexes) -> Iterator[Entry]:
    """The entries whose stored bytes the final filesystem reaches, in the order they are stored."""
    for index in indexes:
        if index is not None:
            for entry in index.entries:
                if entry.names > 0:
                    yield entry


def content_hash(content: Entry) -> bytes | None:
    """16 bytes that are equal for equal contents (XXH3-128; holes of sparse files included); None when not read."""
    mark = content.fingerprint
    extra = content.extra
    if mark is None or extra is None or not (extra.extents or extra.logical_size is not None):
        return mark
    return xxhash.xxh3_128_digest(mark + repr((extra.logical_size, extra.extents)).encode())


def read_contents(
    contents: Iterable[Entry],
    indexes: Indexes,
    *,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> None:
    """Hash the contents that no hash is known of, in the order they are stored.

    The image has to be open: raises `SourceUnavailable` when it is closed or its file changed, and `Cancelled`. What no
    index holds (a saved report) stays unknown.
    """
    read_all(((contents, indexes),), progress=progress, cancelled=cancelled)


def read_all(
    images: Iterable[tuple[Iterable[Entry], Indexes]],
    *,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> None:
    """As `read_contents`, for several images at once: large ones in threads, as reading releases the interpreter lock."""
    jobs = [(_unread(contents, indexes), indexes) for contents, indexes in images]
    jobs = [job for job in jobs if job[0]]
    total = sum(entry.size for unread, _ in jobs for entry in unread)
    meter = _Meter(total, progress, cancelled)
    if len(jobs) < 2 or total < WORTH_A_THREAD:
        for unread, indexes in jobs:
            _read(unread, indexes, meter)
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(len(jobs)) as pool:
        for future in [pool.submit(_read, unread, indexes, meter) for unread, indexes in jobs]:
            future.result()


def _unread(contents: Iterable[Entry], indexes: Indexes) -> list[Entry]:
    unread = [
        entry
        for entry in contents
        if entry.fingerprint is None and entry.data >= 0 and indexes[entry.layer] is not None
    ]
    unread.sort(key=_PLACE)
    return unread


class _Meter:
    """Tells how far the reading is, from any thread, and hears that it should stop."""

    def __init__(
        self, total: int, progress: ProgressCallback | None, cancelled: CancelledCallback | None
    ) -> None:
        self._total = total
        self._progress = progress
        self._cancelled = cancelled
        self._lock = threading.Lock()
        self._done = 0

    def advance(self, count: int) -> None:
        stop_if(self._cancelled)
        if self._progress is not None:
            with self._lock:
                self._done += count
                self._progress(Progress("compare", self._done, self._total))


def _read(unread: Sequence[Entry], indexes: Indexes, meter: _Meter) -> None:
    buffer = memoryview(bytearray(WHOLE))
    for run in _runs(unread):
        index = indexes[run[0].layer]
        assert index is not None
        _hash(index, run, buffer)
        meter.advance(sum(entry.size for entry in run))
    for index in {id(each): each for each in indexes if each is not None}.values():
        index.blob.file.check_unchanged()


def _runs(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Contents that stand so close together, with headers alone between them, that one read takes them all."""
    run: list[Entry] = []
    start = end = 0
    for entry in entries:
        if (
            run
            and entry.layer == run[0].layer
            and entry.data - end <= GAP
            and entry.data + entry.size - start <= WHOLE
        ):
            run.append(entry)
        else:
            if run:
                yield run
            run = [entry]
            start = entry.data
        end = entry.data + entry.size
    if run:
        yield run


def _hash(index: LayerIndex, run: Sequence[Entry], buffer: memoryview) -> None:
    blob = index.blob
    if blob.file.closed:
        raise SourceUnavailable(
            f"{blob.name} is closed and its files were not all read",
            hint="compare while the image is open",
        )
    start, last = run[0].data, run[-1]
    size = last.data + last.size - start
    inside = size <= WHOLE and start + size <= blob.size
    if not inside or os.preadv(blob.file.fd, [buffer[:size]], blob.offset + start) < size:
        for entry in run:
            entry.fingerprint = fingerprint_at(blob, entry.data, entry.size)
        return
    digest = xxhash.xxh3_128_digest
    for entry in run:
        offset = entry.data - start
        entry.fingerprint = digest(buffer[offset : offset + entry.size])
