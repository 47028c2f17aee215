"""Aligns two sequences of layers or instructions, like a diff: which one corresponds to which.

Layers in the longest common prefix (by diff_id) match each other. The rest is aligned in order so that the matches have
the most weight: the same content weighs most, then the same instruction, then a similar one.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from layerscope.records import dataclass

Pair = tuple[int | None, int | None]
"""Positions in A and B, None for the side that has no counterpart."""

SAME_CONTENT: Final = 3000
SAME_TEXT: Final = 2000
SIMILAR: Final = 1000
ENOUGH: Final = 0.5
"""Two instructions are similar if they share this part of their words, weighted by rarity."""
CELLS: Final = 1 << 20
"""The most cells of the alignment table. Beyond that, only equal steps are matched."""
SIMILAR_CELLS: Final = 1 << 16
"""The most cells for which similarity is considered."""
WORDS: Final = 2000

_COPYING: Final = frozenset({"ADD", "COPY"})
"""These are similar if they write to the same place, since builders spell the sources in different ways."""
_WORD: Final = re.compile(r"[^\s;&|()\"'=,]+")
_CHECKSUM: Final = re.compile(r"\b[0-9a-f]{12,128}\b…?")


@dataclass(frozen=True, slots=True)
class Step:
    """An element to align. `content` is equal for equal content (None if there is none), `text` for equal instructions.

    Texts can be similar only if their `keyword` is equal.
    """

    content: str | None
    text: str
    keyword: str


def normal_text(text: str) -> str:
    """An instruction without parts that depend on the content: file checksums, runs of spaces."""
    return " ".join(_CHECKSUM.sub("…", text).split())


def common_prefix(a: Sequence[object], b: Sequence[object]) -> int:
    """The length of the common prefix."""
    length = 0
    for one, other in zip(a, b, strict=False):
        if one != other:
            break
        length += 1
    return length


def align(a: Sequence[Step], b: Sequence[Step]) -> list[Pair]:
    """All positions of both sides, in an order that keeps both sequences. In a gap, A's come before B's.

    The matches don't depend on which side is A.
    """
    if _order(a) <= _order(b):
        matched = _match_ends(a, b)
    else:
        matched = [(i, j) for j, i in _match_ends(b, a)]
    return spread(matched, len(a), len(b))


def _order(steps: Sequence[Step]) -> tuple[int, list[tuple[str, str, str]]]:
    return len(steps), [(step.text, step.keyword, step.content or "") for step in steps]


def _match_ends(a: Sequence[Step], b: Sequence[Step]) -> list[tuple[int, int]]:
    start = common_prefix(a, b)
    end = common_prefix(a[start:][::-1], b[start:][::-1])
    inner_a, inner_b = a[start : len(a) - end], b[start : len(b) - end]
    matched = [(i, i) for i in range(start)]
    matched += [(start + i, start + j) for i, j in _match(inner_a, inner_b)]
    return matched + [(len(a) - end + i, len(b) - end + i) for i in range(end)]


def spread(matched: Iterable[tuple[int, int]], length_a: int, length_b: int) -> list[Pair]:
    """The matched positions, which must increase on both sides, with the unmatched ones in between."""
    pairs: list[Pair] = []
    next_a = next_b = 0
    for i, j in [*matched, (length_a, length_b)]:
        pairs += [(each, None) for each in range(next_a, i)]
        pairs += [(None, each) for each in range(next_b, j)]
        if i < length_a:
            pairs.append((i, j))
        next_a, next_b = i + 1, j + 1
    return pairs


def _match(a: Sequence[Step], b: Sequence[Step]) -> list[tuple[int, int]]:
    if not a or not b:
        return []
    if len(a) * len(b) > CELLS:
        return _match_unique(a, b)
    weight = _Similarity(a, b).weight if len(a) * len(b) <= SIMILAR_CELLS else _equality(a, b)
    return _heaviest(len(a), len(b), weight)


def _heaviest(rows: int, columns: int, weight: Callable[[int, int], int]) -> list[tuple[int, int]]:
    """The heaviest matching that keeps the order on both sides. In a tie, earlier steps match."""
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    weights = [[weight(i, j) for j in range(columns)] for i in range(rows)]
    for i in range(rows - 1, -1, -1):
        row, below, own = best[i], best[i + 1], weights[i]
        for j in range(columns - 1, -1, -1):
            value = max(below[j], row[j + 1])
            if own[j]:
                value = max(value, below[j + 1] + own[j])
            row[j] = value
    pairs = []
    i = j = 0
    while i < rows and j < columns:
        if weights[i][j] and best[i][j] == best[i + 1][j + 1] + weights[i][j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i + 1][j] == best[i][j]:
            i += 1
        else:
            j += 1
    return pairs


def _equality(a: Sequence[Step], b: Sequence[Step]) -> Callable[[int, int], int]:
    def weight(i: int, j: int) -> int:
        one, other = a[i], b[j]
        return _equal(one, other)

    return weight


def _equal(one: Step, other: Step) -> int:
    same_content = one.content is not None and one.content == other.content
    return SAME_CONTENT * same_content + SAME_TEXT * (one.text == other.text)


class _Similarity:
    """Weights that also match similar instructions. Rare words count more than common ones."""

    def __init__(self, a: Sequence[Step], b: Sequence[Step]) -> None:
        self._a, self._b = a, b
        self._words_a = [_words(step.text) for step in a]
        self._words_b = [_words(step.text) for step in b]
        counts = Counter(word for words in (*self._words_a, *self._words_b) for word in words)
        self._rarity = {word: 1.0 / max(1, count - 1) ** 2 for word, count in counts.items()}
        self._total_a = [self._sum(words) for words in self._words_a]
        self._total_b = [self._sum(words) for words in self._words_b]

    def _sum(self, words: frozenset[str]) -> float:
        return sum(self._rarity[word] for word in sorted(words))

    def weight(self, i: int, j: int) -> int:
        one, other = self._a[i], self._b[j]
        weight = _equal(one, other)
        if weight or one.keyword != other.keyword:
            return weight
        if one.keyword in _COPYING and _destination(one.text) == _destination(other.text):
            return SIMILAR
        total = self._total_a[i] + self._total_b[j]
        if not total:
            return 0
        share = 2 * self._sum(self._words_a[i] & self._words_b[j]) / total
        return int(SIMILAR * share) if share >= ENOUGH else 0


def _destination(text: str) -> str:
    return text.rpartition(" ")[2]


def _words(text: str) -> frozenset[str]:
    found = []
    for match in _WORD.finditer(text):
        found.append(match[0])
        if len(found) >= WORDS:
            break
    return frozenset(found[1:] or found)


def _match_unique(a: Sequence[Step], b: Sequence[Step]) -> list[tuple[int, int]]:
    """For very long sequences: match steps that occur once on each side, as many as keep their order."""

    def unique(steps: Sequence[Step]) -> dict[str, int]:
        counts = Counter(_key(step) for step in steps)
        return {_key(step): i for i, step in enumerate(steps) if counts[_key(step)] == 1}

    in_a, in_b = unique(a), unique(b)
    candidates = [(i, in_b[key]) for key, i in in_a.items() if key in in_b]
    return longest_rise(candidates)


def _key(step: Step) -> str:
    return step.content if step.content is not None else step.text


def longest_rise(pairs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest subsequence of pairs, sorted by the first position, in which the second increases too."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for number, (_, j) in enumerate(pairs):
        place = bisect_left(tails, j)
        previous.append(ends[place - 1] if place else -1)
        if place == len(tails):
            tails.append(j)
            ends.append(number)
        else:
            tails[place] = j
            ends[place] = number
    chain = []
    number = ends[-1] if ends else -1
    while number >= 0:
        chain.append(pairs[number])
        number = previous[number]
    return chain[::-1]
