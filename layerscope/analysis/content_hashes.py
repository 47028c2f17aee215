"""Content hashes of live files. If a layer was only seeked through, the contents are read here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from layerscope.errors import SourceUnavailable
from layerscope.filesystem.entry import Entry
from layerscope.filesystem.tree import FileTree
from layerscope.image.blob import Blob, DeferredBlob
from layerscope.layers.content_hash import digest
from layerscope.layers.file_content import Indexes
from layerscope.layers.reader import StoredLayer
from layerscope.layers.window import fingerprint_at
from layerscope.progress import CancelledCallback, Progress, ProgressCallback, stop_if
from layerscope.system.positions import preadv

WHOLE = 1 << 18
"""Bytes to read at once."""
GAP = 2048
"""The largest gap between two contents that is read along instead of skipped: padding and headers."""

_LAYER, _DATA = attrgetter("layer"), attrgetter("data")


def live_contents(tree: FileTree) -> Iterator[Entry]:
    """The entries whose stored bytes are live in the final filesystem, in stored order."""
    for layer in tree.layers:
        yield from map(layer.entry, layer.live())


def content_hash(content: Entry) -> bytes | None:
    """The hash of the content, sparse maps included; None if the content was not read.

    The hash in a saved report, whose content has no place in a tar, includes the sparse map already.
    """
    mark = content.fingerprint
    extra = content.extra
    if mark is None or extra is None or content.data < 0:
        return mark
    if not (extra.extents or extra.logical_size is not None):
        return mark
    return digest(mark + repr((extra.logical_size, extra.extents)).encode())


def read_contents(
    contents: Iterable[Entry],
    indexes: Indexes,
    *,
    stage: str = "compare",
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> None:
    """Hash all contents without a known hash, in stored order.

    The image must be open. Raises `SourceUnavailable` if it is closed or its file changed, and `Cancelled`. Contents
    that no index has, as in a saved report, stay unknown.
    """
    unread = [
        entry
        for entry in contents
        if entry.fingerprint is None and entry.data >= 0 and indexes[entry.layer] is not None
    ]
    if not unread:
        return
    unread.sort(key=_DATA)
    unread.sort(key=_LAYER)
    total = sum(entry.size for entry in unread)
    done = 0
    buffer = memoryview(bytearray(WHOLE))
    for run in _runs(unread):
        stop_if(cancelled)
        if progress is not None:
            progress(Progress(stage, done, total))
        index = indexes[run[0].layer]
        assert index is not None
        _hash(index, run, buffer)
        done += sum(entry.size for entry in run)
    for index in {id(each): each for each in indexes if each is not None}.values():
        index.blob.check_unchanged()


def _runs(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Groups of contents that are so close together, with only headers in between, that one read gets them all."""
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


def read_hashes(tree: FileTree) -> Iterator[tuple[int, dict[int, bytes]]]:
    """The hashes that were read after the layers were indexed: each layer's number, and its own by position."""
    for layer in tree.layers:
        found = {
            position: entry.read_hash
            for position, entry in enumerate(layer.records)
            if entry is not None and entry.read_hash is not None
        }
        if found:
            yield layer.number, found


def _hash(index: StoredLayer, run: Sequence[Entry], buffer: memoryview) -> None:
    blob = index.blob
    if isinstance(blob, DeferredBlob):
        blob = blob.blob
    if blob.closed:
        raise SourceUnavailable(
            f"{blob.name} is closed, but not all of its files were read",
            hint="compare while the image is open",
        )
    start, last = run[0].data, run[-1]
    size = last.data + last.size - start
    if (
        not isinstance(blob, Blob)
        or size > WHOLE
        or start + size > blob.size
        or preadv(blob.file.fd, [buffer[:size]], blob.offset + start) < size
    ):
        for entry in run:
            entry.fingerprint = fingerprint_at(blob, entry.data, entry.size)
        return
    for entry in run:
        offset = entry.data - start
        entry.fingerprint = digest(buffer[offset : offset + entry.size])
