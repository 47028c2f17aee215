"""The compressed bytes that each member of a layer takes, measured while its blob is decompressed."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST: Final = 1 << 19
"""The most checkpoints to keep. Beyond that, every second one is dropped."""


class Checkpoints:
    """Pairs of corresponding offsets, uncompressed and compressed, in ascending order.

    A checkpoint less than `step` uncompressed bytes after the last one is left out. The step doubles when there are too
    many checkpoints, so memory stays bounded for any blob.
    """

    __slots__ = ("_most", "_next", "_step", "stored", "unpacked")

    def __init__(self, most: int = MOST) -> None:
        self.unpacked = array("q", (0,))
        self.stored = array("q", (0,))
        self._most = most
        self._step = self._next = 1

    def add(self, unpacked: int, stored: int) -> None:
        """Record that the first `stored` bytes of the blob make the first `unpacked` bytes of the tar."""
        if unpacked < self._next:
            return
        self.unpacked.append(unpacked)
        self.stored.append(stored)
        if len(self.unpacked) > self._most:
            self.unpacked = self.unpacked[::2]
            self.stored = self.stored[::2]
            self._step *= 2
        self._next = self.unpacked[-1] + self._step

    def end(self, unpacked: int, stored: int) -> None:
        """Record the end of a member or frame that made some bytes. Its trailer counts too."""
        if unpacked == self.unpacked[-1]:
            self.stored[-1] = stored
        else:
            self.add(unpacked, stored)

    def finish(self, unpacked: int, stored: int) -> None:
        """Record where the last member or frame ends. This checkpoint is never left out."""
        if unpacked > self.unpacked[-1]:
            self.unpacked.append(unpacked)
            self.stored.append(stored)


def member_costs(
    data: Sequence[int],
    sizes: Sequence[int],
    checkpoints: Checkpoints,
    skipped: Sequence[int] = (),
) -> array[int]:
    """The compressed bytes of each member, from the start of its first header to the end of its padding.

    `data` and `sizes` are columns of a layer index. Bytes between two checkpoints are prorated. A stretch with the end of
    one file and the start of another is divided by how well its neighbors compress. Each member gets the difference of
    two rounded positions, so all sums are exact. The bytes after the last member (the end marker, a table of contents,
    trailing bytes) belong to no member, nor do those that `skipped` names as `Columns.skipped` does.
    """
    if skipped:
        return _without_skipped(data, sizes, checkpoints, skipped)
    costs = array("q")
    add = costs.append
    unpacked, stored = checkpoints.unpacked, checkpoints.stored
    tar_size = unpacked[-1]
    low = low_stored = high = rise = number = latest = 0
    left = right = 1
    for start, size in zip(data, sizes, strict=True):
        end = start + (size + 511 & -512)
        if end > high:
            end = min(end, tar_size)
            number = bisect_left(unpacked, end, number)
            low, low_stored = unpacked[number - 1], stored[number - 1]
            high, rise = unpacked[number], stored[number] - low_stored
            left, right = _densities(checkpoints, number)
        before = (end - low) * left
        position = low_stored + rise * before // (before + (high - end) * right or 1)
        if position > latest:
            add(position - latest)
            latest = position
        else:
            add(0)
    return costs


def _without_skipped(
    data: Sequence[int], sizes: Sequence[int], checkpoints: Checkpoints, skipped: Sequence[int]
) -> array[int]:
    """The costs where some bytes between members belong to none of them: they are members here that are dropped again."""
    all_data, all_sizes, rows = array("q"), array("q"), array("q")
    start = 0
    for row, end in zip(skipped[::2], skipped[1::2], strict=True):
        all_data.extend(data[start:row])
        all_sizes.extend(sizes[start:row])
        start = max(start, row)
        rows.append(len(all_data))
        all_data.append(end)
        all_sizes.append(0)
    all_data.extend(data[start:])
    all_sizes.extend(sizes[start:])
    costs = member_costs(all_data, all_sizes, checkpoints)
    kept = array("q")
    start = 0
    for row in rows:
        kept.extend(costs[start:row])
        start = row + 1
    kept.extend(costs[start:])
    return kept


def _densities(checkpoints: Checkpoints, number: int) -> tuple[int, int]:
    """The stored bytes of the stretches before and after the one that ends at a checkpoint, in a common unit."""
    unpacked, stored = checkpoints.unpacked, checkpoints.stored
    if not 2 <= number < len(unpacked) - 1:
        return 1, 1
    before = stored[number - 1] - stored[number - 2]
    after = stored[number + 1] - stored[number]
    left = before * (unpacked[number + 1] - unpacked[number])
    right = after * (unpacked[number - 1] - unpacked[number - 2])
    return max(left, 1), max(right, 1)
