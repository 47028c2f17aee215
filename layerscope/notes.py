"""Oddities of real images that are read on over, told in every report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """One oddity: a stable kebab-case code, a sentence, and where it was met (layer index, path in the image)."""

    code: str
    message: str
    layer: int | None = None
    path: bytes | None = None


class Notes:
    """Collects notes in the order they are met; beyond `per_code` of one code in one layer only their number is kept."""

    def __init__(self, per_code: int = 20) -> None:
        self._per_code = per_code
        self._kept: list[Note] = []
        self._seen: Counter[tuple[str, int | None]] = Counter()

    def add(
        self, code: str, message: str, *, layer: int | None = None, path: bytes | None = None
    ) -> None:
        """Keep the note, or only count it when the layer already has its share of this code."""
        key = (code, layer)
        self._seen[key] += 1
        if self._seen[key] <= self._per_code:
            self._kept.append(Note(code, message, layer, path))

    def extend(self, notes: Iterable[Note]) -> None:
        """Take over what another collector has kept, and has counted beyond that."""
        self._kept.extend(notes)

    def __iter__(self) -> Iterator[Note]:
        yield from self._kept
        for (code, layer), count in self._seen.items():
            if count > self._per_code:
                more = count - self._per_code
                yield Note(code, f"and {more} more notes of this kind", layer)
