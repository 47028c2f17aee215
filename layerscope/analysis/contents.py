"""What live files hold, as hashes: known where a layer was read in full, read here where it was only seeked through."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence

import xxhash

from layerscope.errors import SourceUnavailable
from layerscope.layers.entry import Entry
from layerscope.layers.index import LayerIndex
from layerscope.layers.window import fingerprint_at
from layerscope.progress import CancelledCallback, Progress, ProgressCallback, stop_if

WHOLE = 1 << 20
"""Contents up to this many bytes are read at once."""
HASH_BYTES = 16
STEP = 256
"""Contents read between two looks at `cancelled`."""

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
    unread = [
        entry
        for entry in contents
        if entry.fingerprint is None and entry.data >= 0 and indexes[entry.layer] is not None
    ]
    unread.sort(key=lambda entry: (entry.layer, entry.data))
    total = sum(entry.size for entry in unread)
    done = 0
    for number, entry in enumerate(unread):
        if number % STEP == 0:
            stop_if(cancelled)
            if progress is not None:
                progress(Progress("compare", done, total))
        index = indexes[entry.layer]
        assert index is not None
        entry.fingerprint = _hash(index, entry)
        done += entry.size
    if unread:
        for index in {id(each): each for each in indexes if each is not None}.values():
            index.blob.file.check_unchanged()


def _hash(index: LayerIndex, entry: Entry) -> bytes:
    blob = index.blob
    if blob.file.closed:
        raise SourceUnavailable(
            f"{blob.name} is closed and its files were not all read",
            hint="compare while the image is open",
        )
    if entry.size > WHOLE:
        return fingerprint_at(blob, entry.data, entry.size)
    data = os.pread(blob.file.fd, entry.size, blob.offset + entry.data)
    if len(data) == entry.size:
        return xxhash.xxh3_128_digest(data)
    return fingerprint_at(blob, entry.data, entry.size)
