"""Notes: oddities of real images that don't stop layerscope and appear in every report format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from layerscope.records import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """One oddity: a stable kebab-case code, a sentence, and where it is (layer index, path in the image).

    `count` is how often it occurs. The message and path are those of the first occurrence.
    """

    code: str
    message: str
    layer: int | None = None
    path: bytes | None = None
    count: int = 1


class Notes:
    """Collects notes in the order they arrive.

    An oddity that repeats within a layer is one note with a count. Notes about the whole image differ in their text, so
    only equal ones are counted together, and at most `per_code` notes of one code stay separate.
    """

    def __init__(self, per_code: int = 20) -> None:
        self._per_code = per_code
        self._kept: list[Note] = []
        self._repeats: dict[tuple[str, int | None, str], list[int]] = {}
        self._apart: dict[str, int] = {}

    def add(
        self, code: str, message: str, *, layer: int | None = None, path: bytes | None = None
    ) -> None:
        """Keep the note, or count it if one like it is already kept."""
        key = (code, layer, message if layer is None else "")
        known = self._repeats.get(key)
        if known is None and layer is None:
            kinds = self._apart[code] = self._apart.get(code, 0) + 1
            if kinds > self._per_code:
                key = (code, None, "")
                known = self._repeats.get(key)
        if known is not None:
            known[1] += 1
            return
        self._repeats[key] = [len(self._kept), 1]
        self._kept.append(Note(code, message, layer, path))

    def extend(self, notes: Iterable[Note]) -> None:
        """Add the notes and counts of another collector."""
        self._kept.extend(notes)

    def __iter__(self) -> Iterator[Note]:
        notes = list(self._kept)
        for at, count in self._repeats.values():
            if count > 1:
                more = f"(and {count - 1:,} more like this)"
                notes[at] = replace(notes[at], message=f"{notes[at].message} {more}", count=count)
        return iter(notes)
