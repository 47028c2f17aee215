"""The compressed bytes of each member, from the offsets in a layer's table of contents."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from layerscope.layers.lazy.table import Chunks

NOBODY: Final = -1
"""The row of bytes that belong to no member of the index: one that is left out, or the end of the tar."""
_FIRST_HEADER: Final = 80
_NEXT_HEADER: Final = 25
"""What a header takes about, compressed: alone, and after another one."""


class TableCosts:
    """Collects the members of a table in tar order, and then divides the blob among them.

    A chunk begins where the table says, so what a file takes is exact up to the header behind it, which its writer
    compressed together with the file (eStargz). zstd:chunked also says where a file ends.
    """

    def __init__(self) -> None:
        self._rows = array("q")
        self._firsts = array("q")
        self.shares = False
        """Whether several files are in one stretch, so that the table doesn't say what each of them takes."""

    def add(self, row: int, chunks: Chunks) -> None:
        """The next member of the table: its row in the index, or `NOBODY`. Its own chunks aren't in `chunks` yet."""
        self._rows.append(row)
        self._firsts.append(len(chunks))

    def compute(self, count: int, chunks: Chunks, end: int) -> array[int] | None:
        """The compressed bytes of all `count` rows; None if the table's chunks are not in the order of the blob.

        `end` is where the contents end. All rows together have at most that many bytes.
        """
        costs = array("q", bytes(8 * count))
        stretch = _Stretch(costs)
        spans = chunks.spans()
        last = len(self._rows) - 1
        for number, row in enumerate(self._rows):
            stretch.headers.append(row)
            after = len(chunks) if number == last else self._firsts[number + 1]
            for _ in range(after - self._firsts[number]):
                size, offset, until = next(spans)
                if not stretch.reach(offset):
                    return None
                self.shares |= bool(stretch.files) and stretch.files[-1][0] != row
                stretch.files.append((row, size))
                if until and not stretch.reach(until):
                    return None
        stretch.headers.append(NOBODY)
        return costs if stretch.reach(end) else None


class _Stretch:
    """A stretch of the blob in which the table names no offset: some files, and the headers around them."""

    def __init__(self, costs: array[int]) -> None:
        self._costs = costs
        self._start = 0
        self.files: list[tuple[int, int]] = []
        self.headers: list[int] = []

    def reach(self, offset: int) -> bool:
        """Divide the stretch that ends at this offset, unless it ends where it began. False if that is behind."""
        size = offset - self._start
        if size <= 0:
            return size == 0
        self._start = offset
        content = sum(each for _, each in self.files)
        share = _content_share(size, content, len(self.headers))
        for row, part in _divided(share, self.files):
            self._charge(row, part)
        for row, part in _divided(size - share, [(row, 1) for row in self.headers]):
            self._charge(row, part)
        self.files.clear()
        self.headers.clear()
        return True

    def _charge(self, row: int, size: int) -> None:
        if row != NOBODY:
            self._costs[row] += size


def _content_share(size: int, content: int, headers: int) -> int:
    """What the content takes of a stretch that it shares with headers.

    Headers take about the same everywhere. Content takes the rest, but can't take much more than its own size.
    """
    if not headers or not content:
        return size if content else 0
    about = _FIRST_HEADER + _NEXT_HEADER * (headers - 1)
    least = size * content // (content + 3 * about)
    most = content + content // 1000 + 20
    return min(size, most, max(least, size - about))


def _divided(size: int, parts: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The size divided among rows by their weights, so that the parts add up."""
    total = sum(weight for _, weight in parts)
    reached = given = 0
    for row, weight in parts:
        reached += weight
        now = size * reached // total
        yield row, now - given
        given = now
