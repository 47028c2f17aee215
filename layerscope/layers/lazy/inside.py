"""Fetches what programs and archives say about packages, from the parts of them that say it.

A program says it in a section, and an archive in its directory and in small members. A small file is fetched whole,
together with its neighbors. Of a large one, only the chunks that are looked at are fetched, one after the other.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from layerscope.image.wrapped_blob import WrappedBlob
from layerscope.layers.lazy.blob import TableBlob
from layerscope.layers.lazy.part import read_part
from layerscope.layers.lazy.spans import contents_of, few_spans, is_checked
from layerscope.limits import MIB
from layerscope.packages.databases import ARCHIVE_ENDINGS, ZIP_ENDING, ZIPS
from layerscope.packages.documents import EXECUTE, LEAST_EXECUTABLE, about_packages, document
from layerscope.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from layerscope.image.blob import StoredBlob
    from layerscope.layers.documents import DocumentKeeper
    from layerscope.layers.layer_index import Columns
    from layerscope.layers.lazy.table import Chunks
    from layerscope.limits import Limits
    from layerscope.packages.package import PackageType

MOST_REQUESTS: Final = 128
"""The most requests for the large files of one layer."""
LEAST_SHARE: Final = 16 * MIB
"""So many bytes are fetched of any blob, and otherwise at most half of it: more would not be lazy."""
_SMALL: Final = MIB
_SMALL_UNPACKED: Final = 16 * MIB
_MOST_CHUNK: Final = 16 * MIB
"""A larger chunk isn't fetched for a few of its bytes."""


class _NotReadError(Exception):
    """A file can't be looked into, or that would take more bytes or requests than allowed."""


@dataclass(slots=True)
class Inside:
    """The files of a layer that may have packages inside, by the types of these packages."""

    positions: dict[tuple[PackageType, ...], list[int]] = field(default_factory=dict)

    @property
    def types(self) -> frozenset[PackageType]:
        return frozenset(each for types in self.positions for each in types)

    def add(self, position: int, path: bytes, mode: int, size: int) -> None:
        """Take a file in, if its name, mode, and size say that it may have packages inside."""
        types: tuple[PackageType, ...] = ()
        if path.endswith(ARCHIVE_ENDINGS):
            types = ("maven",)
        elif path.endswith(ZIP_ENDING) and ZIPS.unit(path) is not None:
            types = ("npm",)
        if mode & EXECUTE and size >= LEAST_EXECUTABLE:
            types += ("golang", "cargo")
        if types:
            self.positions.setdefault(types, []).append(position)


def look_inside(
    blob: StoredBlob,
    compression: str,
    columns: Columns,
    chunks: Chunks,
    inside: Inside,
    keeper: DocumentKeeper,
    *,
    limits: Limits,
    taken: int,
) -> frozenset[PackageType]:
    """Keep what files say about the packages inside them. Returns the types of packages that not all files were asked for.

    Either all files of a kind are looked into or none. `taken` bytes of the blob were fetched before. Raises what
    `contents_of` raises.
    """
    most = min(limits.database_bytes - taken, max(LEAST_SHARE, blob.size // 2))
    counted = _Counted(blob, most)
    unread: set[PackageType] = set()
    for types, positions in sorted(inside.positions.items(), key=lambda item: len(item[1])):
        reading = _Reading(counted, compression, columns, chunks, limits)
        try:
            found = reading.documents(positions)
        except _NotReadError:
            unread.update(types)
            continue
        for offset, data in found.items():
            keeper.keep(offset, data)
    return frozenset(unread)


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads the files of one kind."""

    blob: _Counted
    compression: str
    columns: Columns
    chunks: Chunks
    limits: Limits

    def documents(self, positions: Sequence[int]) -> dict[int, bytes]:
        """What the files say, by their offsets. Raises `_NotReadError` if one of them can't be looked into."""
        small = [position for position in positions if self._is_small(position)]
        large = sorted(set(positions).difference(small))
        if 2 * len(large) > MOST_REQUESTS:
            raise _NotReadError
        spans = few_spans(self.columns, self.chunks, small) if small else []
        self.blob.reserve(sum(span.end - span.start for span in spans))
        found: dict[int, bytes] = {}
        each = contents_of(
            self.blob.blob, self.compression, self.columns, self.chunks, spans, self.limits
        )
        for position, data in each:
            if data is None:
                raise _NotReadError
            self._keep(found, position, _of(data))
        contents = TableBlob(self.blob, self.compression, self.chunks, self.limits)
        for position in large:
            self._keep(found, position, self._of_large(contents, position))
        return found

    def _is_small(self, position: int) -> bool:
        columns, chunks = self.columns, self.chunks
        start, size = columns.data[position], columns.sizes[position]
        first, last = chunks.at(start), chunks.at(start + size - 1)
        return size <= _SMALL_UNPACKED and 0 <= last.end - first.offset <= _SMALL

    def _of_large(self, contents: TableBlob, position: int) -> Callable[[int, int], bytes]:
        start, size = self.columns.data[position], self.columns.sizes[position]
        if not is_checked(self.chunks, start, size):
            raise _NotReadError

        def read_at(at: int, count: int) -> bytes:
            count = min(count, size - at)
            if count <= 0 or at < 0:
                return b""
            self._check_chunks(start + at, count)
            return contents.read_at(start + at, count)

        return read_at

    def _check_chunks(self, position: int, count: int) -> None:
        end = position + count
        while position < end:
            chunk = self.chunks.at(position)
            if not chunk.zeros and max(chunk.end - chunk.offset, chunk.size) > _MOST_CHUNK:
                raise _NotReadError
            position = chunk.start + chunk.size

    def _keep(
        self, found: dict[int, bytes], position: int, read_at: Callable[[int, int], bytes]
    ) -> None:
        columns = self.columns
        mode = columns.owner_table[columns.owners[position]][0]
        path, size = columns.path(position), columns.sizes[position]
        data = document(path, size, mode, read_at)
        if (data is not None and (data := about_packages(data))) or path.endswith(ZIP_ENDING):
            found[columns.data[position]] = data or b""


def _of(data: bytes) -> Callable[[int, int], bytes]:
    return lambda at, count: data[at : at + count]


class _Counted(WrappedBlob):
    """A blob of which at most so many bytes are fetched, with at most `MOST_REQUESTS` requests."""

    def __init__(self, blob: StoredBlob, most: int) -> None:
        super().__init__(blob)
        self._left = most
        self._requests = MOST_REQUESTS

    def reserve(self, count: int) -> None:
        """Take so many bytes from what is allowed. Raises `_NotReadError`, and takes nothing, if that is too much."""
        if count > self._left:
            raise _NotReadError
        self._left -= count

    def read_at(self, position: int, count: int) -> bytes:
        """Exactly `count` bytes. Raises `_NotReadError`, `NoPartsError`, and `FormatError`."""
        if not self._requests:
            raise _NotReadError
        self.reserve(count)
        self._requests -= 1
        return read_part(self.blob, position, count)
