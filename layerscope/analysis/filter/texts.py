"""A million texts joined together, so that a search scans memory instead of visiting a million objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import compress, islice
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from layerscope.analysis.filter.pattern import Pattern

PIECE: Final = 1 << 15
"""The number of texts joined in one piece."""
_DENSE: Final = 1 << 13
"""If a piece has more occurrences than this, its texts are tested one by one."""


class Texts:
    """Texts by number, joined in `pieces` of `PIECE` texts, with a NUL before and after each text."""

    def __init__(self, pieces: Iterable[bytes], count: int) -> None:
        self._pieces = list(pieces)
        self._count = count

    @classmethod
    def of(cls, texts: Iterable[bytes], count: int) -> Texts:
        """Join `count` texts. A NUL within a text, as a hostile name may have, becomes a question mark."""
        return cls(_joined(iter(texts)), count)

    def __len__(self) -> int:
        return self._count

    def folded(self) -> Texts:
        """The same texts in lower case (ASCII only). Pieces that already are lower case are shared."""
        pieces = []
        for piece in self._pieces:
            lower = piece.lower()
            pieces.append(piece if lower == piece else lower)
        return Texts(pieces, self._count)

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            yield from piece[1:-1].split(b"\0")

    def find(self, pattern: Pattern, among: bytearray) -> Iterator[tuple[int, bytes]]:
        """For each piece, its first number, and flags for the texts in `among` that match the pattern."""
        for start, piece in zip(range(0, self._count, PIECE), self._pieces, strict=True):
            flagged = among[start : start + PIECE]
            yield start, _find(piece, pattern, flagged) if any(flagged) else bytes(len(flagged))


def _joined(texts: Iterator[bytes]) -> Iterator[bytes]:
    while some := list(islice(texts, PIECE)):
        piece = b"\0".join(some)
        if piece.count(b"\0") != len(some) - 1:
            piece = b"\0".join(text.replace(b"\0", b"?") for text in some)
        yield b"\0" + piece + b"\0"


def _find(piece: bytes, pattern: Pattern, flagged: bytearray) -> bytes:
    counts = [(piece.count(needle), needle) for needle in pattern.needles]
    count, needle = min(counts, default=(len(flagged), b""))
    if needle and count <= _DENSE:
        return _find_few(piece, pattern, needle, flagged)
    texts = piece[1:-1].split(b"\0")
    number = flagged.count(1)
    if number * 4 > len(flagged):
        whole = pattern.flags(texts)
        return whole if number == len(flagged) else bytes(map(min, whole, flagged))
    found = bytearray(len(flagged))
    numbers = compress(range(len(flagged)), flagged)
    for number, flag in zip(numbers, pattern.flags(compress(texts, flagged)), strict=True):
        found[number] = flag
    return bytes(found)


def _find_few(piece: bytes, pattern: Pattern, needle: bytes, flagged: bytearray) -> bytes:
    """Jump from one occurrence of the needle to the next."""
    found = bytearray(len(flagged))
    match = None if pattern.sure else pattern.match
    number, counted, position = -1, 0, 0
    while (hit := piece.find(needle, position)) >= 0:
        begin = piece.rfind(b"\0", 0, hit + 1) + 1
        position = piece.find(b"\0", begin)
        number += piece.count(b"\0", counted, begin)
        counted = begin
        if flagged[number] and (match is None or match(piece[begin:position])):
            found[number] = 1
    return bytes(found)
