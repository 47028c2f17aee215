"""The parts of a blob that some of its files are in, so that few requests fetch them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from layerscope.errors import DigestMismatch
from layerscope.image.wrapped_blob import WrappedBlob
from layerscope.layers.content_hash import digest
from layerscope.layers.lazy.blob import TableBlob
from layerscope.layers.lazy.part import read_part
from layerscope.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from layerscope.image.blob import StoredBlob
    from layerscope.layers.layer_index import Columns
    from layerscope.layers.lazy.table import Chunks
    from layerscope.limits import Limits

MOST_REQUESTS: Final = 64
"""The most requests for the files of one kind in a layer. To need fewer, bytes between two files are fetched too."""
NEAR: Final = 64 * 1024
"""Bytes between two files that are fetched rather than asked around."""


@dataclass(slots=True)
class Span:
    """The compressed bytes from `start` to `end` that some members of the index need."""

    start: int
    end: int
    positions: list[int]


def few_spans(columns: Columns, chunks: Chunks, positions: Sequence[int]) -> list[Span]:
    """At most `MOST_REQUESTS` parts of the blob, with all of these files in them."""
    spans = joined(spans_of(columns, chunks, positions), 0)
    near = NEAR
    while len(spans) > MOST_REQUESTS or near == NEAR:
        spans = joined(spans, near)
        near *= 2
    return spans


def contents_of(
    blob: StoredBlob,
    compression: str,
    columns: Columns,
    chunks: Chunks,
    spans: Sequence[Span],
    limits: Limits,
) -> Iterator[tuple[int, bytes | None]]:
    """The content of each file in these spans; None if the table has no digest to check it with.

    Raises `NoPartsError`, `SourceUnavailable`, `FormatError`, and `DigestMismatch`.
    """
    for span in spans:
        contents = TableBlob(Fetched(blob, span), compression, chunks, limits)
        for position in span.positions:
            start, size = columns.data[position], columns.sizes[position]
            data = contents.read_at(start, size)
            expected = columns.fingerprint(position)
            if expected is not None and digest(data) != expected:
                raise other_content(blob, columns.path(position))
            is_known = expected is not None or is_checked(chunks, start, size)
            yield position, data if is_known else None


def is_sparse(columns: Columns, position: int) -> bool:
    extra = columns.extras.get(position)
    return extra is not None and extra.logical_size is not None


def is_checked(chunks: Chunks, start: int, size: int) -> bool:
    """Whether every chunk of a file has a digest that its bytes were compared with."""
    position = start
    while position < start + size:
        chunk = chunks.at(position)
        if chunk.digest is None:
            return False
        position = chunk.start + chunk.size
    return True


def other_content(blob: StoredBlob, path: bytes) -> DigestMismatch:
    name = path[:200].decode("utf-8", "backslashreplace")
    return DigestMismatch(
        f"{blob.name}: /{name} has another digest than the table of contents says",
        hint="read the image without --lazy, or push it again",
    )


def spans_of(columns: Columns, chunks: Chunks, positions: Sequence[int]) -> list[Span]:
    found = []
    for position in positions:
        start, size = columns.data[position], columns.sizes[position]
        first, last = chunks.at(start), chunks.at(start + size - 1)
        low, high = min(first.offset, last.offset), max(first.end, last.end)
        found.append(Span(low, high, [position]))
    return sorted(found, key=lambda span: (span.start, span.positions))


def joined(spans: Sequence[Span], near: int) -> list[Span]:
    """The spans, with those at most `near` bytes apart made one."""
    joined: list[Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last is not None and span.start - last.end <= near:
            last.end = max(last.end, span.end)
            last.positions.extend(span.positions)
        else:
            joined.append(Span(span.start, span.end, list(span.positions)))
    return joined


class Fetched(WrappedBlob):
    """A blob of which one span is in memory. Other bytes are fetched as they are asked for."""

    def __init__(self, blob: StoredBlob, span: Span) -> None:
        super().__init__(blob)
        self._start = span.start
        self._data = read_part(blob, span.start, span.end - span.start)

    def read_at(self, position: int, count: int) -> bytes:
        """Exactly `count` bytes. Raises `NoPartsError` and `FormatError`."""
        at = position - self._start
        if at >= 0 and at + count <= len(self._data):
            return self._data[at : at + count]
        return read_part(self.blob, position, count)
