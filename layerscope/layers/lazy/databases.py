"""Fetches the package databases of a layer that is indexed by its table of contents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from layerscope.errors import DigestMismatch
from layerscope.layers.content_hash import digest
from layerscope.layers.documents import DocumentKeeper, candidates
from layerscope.layers.entry import FILE
from layerscope.layers.lazy.blob import TableBlob
from layerscope.layers.lazy.part import read_part
from layerscope.packages.databases import (
    ARCHIVE_ENDINGS,
    DEVELOPMENT,
    ZIP_ENDING,
    ZIPS,
    is_database_file,
    unit_of,
)
from layerscope.packages.documents import EXECUTE, LEAST_EXECUTABLE, MOST_BYTES
from layerscope.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from layerscope.image.blob import StoredBlob
    from layerscope.layers.budget import Budget
    from layerscope.layers.layer_index import Columns
    from layerscope.layers.lazy.table import Chunks
    from layerscope.limits import Limits
    from layerscope.packages.package import PackageType

MOST_REQUESTS: Final = 64
"""The most requests for the databases of one layer. To need fewer, bytes between two of them are fetched too."""
_NEAR: Final = 64 * 1024
"""Bytes between two databases that are fetched rather than asked around."""
_PROGRAMS: Final[tuple[PackageType, ...]] = ("golang", "cargo")
_ARCHIVES: Final[tuple[PackageType, ...]] = ("maven",)


@dataclass(slots=True)
class _Span:
    """The compressed bytes from `start` to `end` that some members of the index need."""

    start: int
    end: int
    positions: list[int]


def keep_databases(
    blob: StoredBlob,
    compression: str,
    columns: Columns,
    chunks: Chunks,
    *,
    limits: Limits,
    budget: Budget | None,
) -> frozenset[PackageType]:
    """Keep the package databases of a layer in `columns`. Returns the types of packages that it may have besides.

    Those inside programs and Java archives are not looked for, because that would fetch most of a program. If all
    databases together take more than `limits.database_bytes` of the blob, none is fetched. Raises `NoPartsError`,
    `SourceUnavailable`, `FormatError` or `DigestMismatch` if a database isn't what the table says, and `LimitExceeded`.
    """
    wanted, unread = _wanted(columns)
    spans = _joined(_spans(columns, chunks, wanted), 0)
    near = _NEAR
    while len(spans) > MOST_REQUESTS or near == _NEAR:
        spans = _joined(spans, near)
        near *= 2
    if sum(span.end - span.start for span in spans) > limits.database_bytes:
        return frozenset(unread | _types(columns, wanted))
    keeper = DocumentKeeper(columns, budget)
    for span in spans:
        contents = TableBlob(_Fetched(blob, span), compression, chunks, limits)
        for position in span.positions:
            start, size = columns.data[position], columns.sizes[position]
            data = contents.read_at(start, size)
            expected = columns.fingerprint(position)
            if expected is not None and digest(data) != expected:
                raise _other_content(blob, columns.path(position))
            if expected is not None or _is_checked(chunks, start, size):
                keeper.keep(start, data)
            else:
                unread.update(_types(columns, (position,)))
    return frozenset(unread)


def _wanted(columns: Columns) -> tuple[list[int], set[PackageType]]:
    """The positions of the databases, and the types of packages that other files may list."""
    wanted: list[int] = []
    unread: set[PackageType] = set()
    for position in candidates(columns):
        if columns.kinds[position] != FILE or not 0 < columns.sizes[position] <= MOST_BYTES:
            continue
        path = columns.path(position)
        if is_database_file(path) or path.endswith(DEVELOPMENT):
            wanted.append(position)
            continue
        if path.endswith(ARCHIVE_ENDINGS):
            unread.update(_ARCHIVES)
        elif path.endswith(ZIP_ENDING) and ZIPS.unit(path) is not None:
            unread.add("npm")
        mode = columns.owner_table[columns.owners[position]][0]
        if mode & EXECUTE and columns.sizes[position] >= LEAST_EXECUTABLE:
            unread.update(_PROGRAMS)
    return wanted, unread


def _types(columns: Columns, positions: Iterable[int]) -> set[PackageType]:
    """The types of packages that some database files list."""
    units = (unit_of(columns.path(position)) for position in positions)
    return {each for unit in units if unit is not None for each in unit[0].types}


def _is_checked(chunks: Chunks, start: int, size: int) -> bool:
    """Whether every chunk of a file has a digest that its bytes were compared with."""
    position = start
    while position < start + size:
        chunk = chunks.at(position)
        if chunk.digest is None:
            return False
        position = chunk.start + chunk.size
    return True


def _other_content(blob: StoredBlob, path: bytes) -> DigestMismatch:
    name = path[:200].decode("utf-8", "backslashreplace")
    return DigestMismatch(
        f"{blob.name}: /{name} has another digest than the table of contents says",
        hint="read the image without --lazy, or push it again",
    )


def _spans(columns: Columns, chunks: Chunks, positions: Sequence[int]) -> list[_Span]:
    found = []
    for position in positions:
        start, size = columns.data[position], columns.sizes[position]
        first, last = chunks.at(start), chunks.at(start + size - 1)
        low, high = min(first.offset, last.offset), max(first.end, last.end)
        found.append(_Span(low, high, [position]))
    return sorted(found, key=lambda span: (span.start, span.positions))


def _joined(spans: Sequence[_Span], near: int) -> list[_Span]:
    """The spans, with those at most `near` bytes apart made one."""
    joined: list[_Span] = []
    for span in spans:
        last = joined[-1] if joined else None
        if last is not None and span.start - last.end <= near:
            last.end = max(last.end, span.end)
            last.positions.extend(span.positions)
        else:
            joined.append(_Span(span.start, span.end, list(span.positions)))
    return joined


class _Fetched:
    """A blob of which one span is in memory. Other bytes are fetched as they are asked for."""

    def __init__(self, blob: StoredBlob, span: _Span) -> None:
        self.name = blob.name
        self.size = blob.size
        self._blob = blob
        self._start = span.start
        self._data = read_part(blob, span.start, span.end - span.start)

    @property
    def key(self) -> tuple[int, int, int]:
        return self._blob.key

    @property
    def closed(self) -> bool:
        return self._blob.closed

    def check_unchanged(self) -> None:
        self._blob.check_unchanged()

    def read_at(self, position: int, count: int) -> bytes:
        """Exactly `count` bytes. Raises `NoPartsError` and `FormatError`."""
        at = position - self._start
        if at >= 0 and at + count <= len(self._data):
            return self._data[at : at + count]
        return read_part(self._blob, position, count)
