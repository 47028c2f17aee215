"""The rows of the waste pane: kinds, then pairs of instructions, then files; or a flat list of all files."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from typing import Final

from layerscope.analysis.grouping import WastePair, WasteSummary
from layerscope.analysis.model import WASTE_KINDS, WastedFile
from layerscope.records import dataclass

MOST_FILES: Final = 2_000
"""The most files to list per pair; the flat list has all of them."""

Key = str | tuple[str, int, int]
"""What can be opened: a kind, or a pair within one."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line for a kind, a pair, a file, or a pair's unlisted files."""

    depth: int
    kind: str
    bytes: int
    files: int
    pair: WastePair | None = None
    file: WastedFile | None = None

    @property
    def key(self) -> Key | None:
        """The group that opens below this line."""
        if self.pair is None:
            return self.kind if self.file is None else None
        return key_of(self.pair) if self.depth == 1 else None


def key_of(pair: WastePair) -> Key:
    return pair.kind, pair.written_by, pair.wasted_by


class WasteRows:
    """Wasted files, grouped once. Callers pass the open groups when they ask for rows."""

    def __init__(self, files: Sequence[WastedFile]) -> None:
        self.files = files
        self.size = sum(file.bytes for file in files)
        self._summary = WasteSummary(files)
        self._pairs = self._summary.pairs()

    def rows(self, opened: Container[Key]) -> Iterator[Row]:
        """The lines, from the largest kind to the smallest."""
        of_kind = {kind: [p for p in self._pairs if p.kind == kind] for kind in WASTE_KINDS}
        sums = {kind: sum(pair.bytes for pair in pairs) for kind, pairs in of_kind.items()}
        for kind in sorted(WASTE_KINDS, key=lambda kind: -sums[kind]):
            pairs = of_kind[kind]
            if not pairs:
                continue
            yield Row(0, kind, sums[kind], sum(pair.files for pair in pairs))
            for pair in pairs if kind in opened else ():
                yield Row(1, kind, pair.bytes, pair.files, pair)
                if key_of(pair) in opened:
                    yield from self._files(pair)

    def _files(self, pair: WastePair) -> Iterator[Row]:
        files = self._summary.files_of(pair)
        for file in files[:MOST_FILES]:
            yield Row(2, pair.kind, file.bytes, 1, pair, file)
        rest = files[MOST_FILES:]
        if rest:
            yield Row(2, pair.kind, sum(file.bytes for file in rest), len(rest), pair)
