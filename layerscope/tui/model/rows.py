"""The rows that a tree shows: opened and closed by splicing, sorted, filtered, and searched from hit to hit.

Nothing here needs a terminal, and nothing recurses.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Final, Literal, Protocol

from layerscope.tui.model.flags import either
from layerscope.tui.model.outline import LARGE, ROOT, Outline

Sort = Literal["size", "name", "files"]
SORTS: Final[tuple[Sort, ...]] = ("size", "name", "files")

MOST_ROWS: Final = 10_000
"""The most rows that one key opens; the rest stays closed."""
MOST_OPENED: Final = 1_000
"""A filter opens the directories of up to this many hits."""


class Ranking(Protocol):
    """What rows are sorted by, such as a view's totals."""

    @property
    def files(self) -> Sequence[int]: ...
    def weights(self, numbers: range) -> Sequence[int]: ...


class TreeRows:
    """The visible rows: `numbers` of the outline and their `depths`, in screen order.

    Open directories stay open when the view changes. A filter shows only its hits, the directories above them, and
    everything below a directory that is a hit.
    """

    def __init__(self, outline: Outline, ranking: Ranking, shown: bytearray) -> None:
        self.outline = outline
        self.sort: Sort = "size"
        self.numbers = array("i")
        self.depths = array("i")
        self.hits: bytearray | None = None
        self.hit_count = 0
        self._ranking = ranking
        self._base = shown
        self._shown = shown
        self._leading = shown
        self._open = {ROOT}
        self._kept_open: set[int] | None = None
        self._sorted: dict[int, list[int]] = {}
        self._orders: dict[tuple[Sort, int], list[int]] = {}
        self._rebuild()

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def shown(self) -> bytearray:
        """What the view would show without a filter."""
        return self._base

    def is_open(self, number: int) -> bool:
        return number in self._open

    def is_shown(self, number: int) -> bool:
        return bool(self._shown[number]) or number == ROOT

    def can_open(self, number: int) -> bool:
        """Whether there is anything to show below it."""
        first = self.outline.first[number]
        return self._shown.find(1, first, first + self.outline.count[number]) >= 0

    def row_of(self, number: int) -> int | None:
        """The row that shows a number, if any."""
        try:
            return self.numbers.index(number)
        except ValueError:
            return None

    def parent_row(self, row: int) -> int:
        depth = self.depths[row]
        while row and self.depths[row] >= depth:
            row -= 1
        return row

    # Showing

    def show(self, ranking: Ranking, shown: bytearray) -> None:
        """Show another view of the same outline, without a filter."""
        self._ranking = ranking
        self._base = shown
        self._orders.clear()
        self.clear_filter()

    def sort_by(self, sort: Sort) -> None:
        self.sort = sort
        self._sorted.clear()
        self._rebuild()

    def set_filter(self, hits: bytearray, leading: bytearray, shown: bytearray) -> None:
        """Show the result of `spread`. Open directories come back when the filter is cleared."""
        if self._kept_open is None:
            self._kept_open = set(self._open)
        self.hits = hits
        self.hit_count = hits.count(1)
        self._leading = leading
        self._shown = shown
        self._open = {ROOT} | self._above_hits() if self.hit_count <= MOST_OPENED else {ROOT}
        self._sorted.clear()
        self._rebuild()

    def clear_filter(self) -> None:
        self.hits = None
        self.hit_count = 0
        self._shown = self._base
        self._leading = self._base
        if self._kept_open is not None:
            self._open = self._kept_open
            self._kept_open = None
        self._sorted.clear()
        self._rebuild()

    def _above_hits(self) -> set[int]:
        assert self.hits is not None
        above: set[int] = set()
        parent = self.outline.parent
        number = self.hits.find(1)
        while number >= 0:
            current = parent[number]
            while current > ROOT and current not in above:
                above.add(current)
                current = parent[current]
            number = self.hits.find(1, number + 1)
        return above

    # Opening and closing

    def open(self, row: int) -> int:
        """Open a row's directory; returns how many rows that adds."""
        number = self.numbers[row]
        if number in self._open or not self.can_open(number):
            return 0
        self._open.add(number)
        numbers, depths = self._below(number, self.depths[row])
        self.numbers[row + 1 : row + 1] = numbers
        self.depths[row + 1 : row + 1] = depths
        return len(numbers)

    def close(self, row: int) -> int:
        """Close a row's directory; returns how many rows that removes."""
        number = self.numbers[row]
        if number not in self._open:
            return 0
        self._open.discard(number)
        end = self._end(row)
        del self.numbers[row + 1 : end]
        del self.depths[row + 1 : end]
        return end - row - 1

    def toggle(self, row: int) -> None:
        if self.numbers[row] in self._open:
            self.close(row)
        else:
            self.open(row)

    def open_all(self, row: int) -> bool:
        """Open everything below a row, level by level; False if `MOST_ROWS` left some closed."""
        room = MOST_ROWS
        level = [self.numbers[row]]
        while level:
            deeper = []
            for number in level:
                children = self._children(number)
                if not children:
                    continue
                room -= len(children)
                if room < 0:
                    self._rebuild()
                    return False
                self._open.add(number)
                deeper += [child for child in children if self.outline.count[child]]
            level = deeper
        self._rebuild()
        return True

    def close_all(self) -> None:
        self._open = {ROOT}
        self._rebuild()

    def reveal(self, number: int) -> int | None:
        """Open the directories above a number; returns its row, or None if the view doesn't have it."""
        if not self.is_shown(number):
            return None
        above = []
        current = self.outline.parent[number] if number else -1
        while current >= ROOT:
            above.append(current)
            current = self.outline.parent[current]
        row = 0
        for current in reversed(above):
            place = self._find_from(row, current)
            if place is None:
                return None
            row = place
            self.open(row)
        return self._find_from(row, number)

    def _find_from(self, row: int, number: int) -> int | None:
        try:
            return self.numbers.index(number, row)
        except ValueError:
            return None

    # Stepping through the hits

    def next_hit(self, row: int) -> int | None:
        """Open what hides the next hit, and return its row; None after the last."""
        if self.hits is None:
            return None
        self._open_towards_hits(row)
        row += 1
        while row < len(self.numbers):
            if self.hits[self.numbers[row]]:
                return row
            self._open_towards_hits(row)
            row += 1
        return None

    def previous_hit(self, row: int) -> int | None:
        """Open what hides the previous hit, and return its row; None before the first."""
        if self.hits is None:
            return None
        row -= 1
        while row >= 0:
            row += self._open_towards_hits(row)
            if self.hits[self.numbers[row]]:
                return row
            row -= 1
        return None

    def _open_towards_hits(self, row: int) -> int:
        number = self.numbers[row]
        first = self.outline.first[number]
        end = first + self.outline.count[number]
        if number not in self._open and self._leading.find(1, first, end) >= 0:
            return self.open(row)
        return 0

    def walk(self) -> Iterator[int]:
        """Every number that is shown, open or not, in the order of the outline."""
        number = self._shown.find(1)
        while number >= 0:
            yield number
            number = self._shown.find(1, number + 1)

    # Rows

    def _rebuild(self) -> None:
        numbers, depths = self._below(ROOT, 0)
        self.numbers = array("i", [ROOT])
        self.depths = array("i", [0])
        self.numbers.extend(numbers)
        self.depths.extend(depths)

    def _below(self, number: int, depth: int) -> tuple[array[int], array[int]]:
        """The rows below a directory, open as last time."""
        numbers, depths = array("i"), array("i")
        if number not in self._open:
            return numbers, depths
        children = self._children(number)
        opened = self._open
        if len(children) > len(opened) and opened.isdisjoint(children):
            numbers.extend(children)
            depths.extend([depth + 1] * len(children))
            return numbers, depths
        waiting = [(child, depth + 1) for child in reversed(children)]
        while waiting:
            current, level = waiting.pop()
            numbers.append(current)
            depths.append(level)
            if current in opened:
                waiting += [(child, level + 1) for child in reversed(self._children(current))]
        return numbers, depths

    def _end(self, row: int) -> int:
        depth = self.depths[row]
        depths = self.depths
        end = row + 1
        count = len(depths)
        while end < count and depths[end] > depth:
            end += 1
        return end

    def _children(self, number: int) -> list[int]:
        children = self._sorted.get(number)
        if children is None:
            first = self.outline.first[number]
            shown = self._shown[first : first + self.outline.count[number]]
            places = self._order(number)
            if 0 in shown:
                places = [place for place in places if shown[place]]
            children = self._sorted[number] = list(map(first.__add__, places))
        return children

    def _order(self, number: int) -> Sequence[int]:
        """The sorted positions of all children, shown or not; cached for large directories."""
        by_name = self.outline.by_name(number)
        if self.sort == "name":
            return by_name
        places = self._orders.get((self.sort, number))
        if places is None:
            numbers = self.outline.children(number)
            files = self._ranking.files
            values = (
                self._ranking.weights(numbers)
                if self.sort == "size"
                else list(files[numbers.start : numbers.stop])
            )
            places = sorted(by_name, key=values.__getitem__, reverse=True)
            if len(places) >= LARGE:
                self._orders[self.sort, number] = places
        return places


def lead_to(outline: Outline, flags: bytearray) -> bytearray:
    """The flags, with every directory above a set one set too."""
    leading = bytearray(flags)
    first, count = outline.first, outline.count
    for number in reversed(outline.directories):
        if not leading[number]:
            start = first[number]
            if leading.find(1, start, start + count[number]) >= 0:
                leading[number] = 1
    return leading


def spread(
    outline: Outline, hits: bytearray, shown: bytearray
) -> tuple[bytearray, bytearray, bytearray]:
    """What a filter shows: the hits, the directories above them, and everything below a directory that is a hit."""
    leading = lead_to(outline, hits)
    within = bytearray(hits)
    first, count = outline.first, outline.count
    for number in outline.directories:
        if within[number]:
            start = first[number]
            end = start + count[number]
            within[start:end] = shown[start:end]
    return hits, leading, either(leading, within)
