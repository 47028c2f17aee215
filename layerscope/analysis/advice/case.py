"""What rules look at: one image, and which of its bytes other rules have claimed already."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.edits import Edit
from layerscope.analysis.grouping import WastePair, WasteSummary
from layerscope.analysis.mentions import Mentions, one_spaced
from layerscope.analysis.model import Analysis, WastedFile, WasteKind, sum_of
from layerscope.filesystem.entry import Entry
from layerscope.image.instruction import Location
from layerscope.records import dataclass
from layerscope.units import format_size

ONE_PERCENT = 100
ONE_MEGABYTE = 1_000_000


def least_saving(content: int, wanted: int | None) -> int:
    """The smallest saving worth a piece of advice, in bytes: what was asked for, or 1 MB or 1 % of the content,
    whichever is smaller."""
    return min(ONE_MEGABYTE, content // ONE_PERCENT) if wanted is None else wanted


@dataclass(frozen=True, slots=True)
class Claimed:
    """Live contents that one piece of advice would remove: their bytes, and what they take in the compressed blobs."""

    entries: tuple[Entry, ...]
    size: int
    compressed: int | None

    @property
    def files(self) -> int:
        return len(self.entries)


class Case:
    """One image for the rules to look at.

    A byte belongs to the first rule that claims it, so the savings of all advice add up. Waste is claimed by the pair of
    instructions, and live content by the file.
    """

    def __init__(self, analysis: Analysis, summary: WasteSummary) -> None:
        self.analysis = analysis
        self.summary = summary
        self.mentions = Mentions(analysis)
        self.least = max(1, least_saving(analysis.sizes.content, analysis.advising.min_saving))
        base = analysis.facts.base
        self.base_layers = 0 if base is None else base.layers
        self._pairs = [pair for pair in summary.pairs() if pair.bytes >= self.least]
        self._claimed_pairs: set[tuple[WasteKind, int, int]] = set()
        self._claimed: set[tuple[int, int]] = set()

    # Waste

    def pairs(self, *kinds: WasteKind) -> Iterator[WastePair]:
        """The pairs of these kinds that no rule has claimed and that are worth advice, largest first."""
        for pair in self._pairs:
            if pair.kind in kinds and _key(pair) not in self._claimed_pairs:
                yield pair

    def files_of(self, pair: WastePair) -> list[WastedFile]:
        return self.summary.files_of(pair)

    def on_waste(
        self, rule: str, pair: WastePair, text: str, *, edit: int, edits: tuple[Edit, ...] = ()
    ) -> Advice:
        """Advice on a pair, which is claimed by it. `text` is the sentence without the saving."""
        self._claimed_pairs.add(_key(pair))
        return Advice(
            rule=rule,
            message=f"{text}. Saves {format_size(pair.bytes)}.",
            bytes=pair.bytes,
            compressed=pair.compressed,
            files=pair.files,
            instruction=edit,
            location=self.location(edit),
            written_by=pair.written_by,
            kind=pair.kind,
            wasted_by=pair.wasted_by,
            edits=edits,
        )

    def is_inherited(self, pair: WastePair) -> bool:
        """Whether the base image wrote the files and the Dockerfile wastes them."""
        if self.mentions.is_of_base(pair.written_by):
            return not self.mentions.is_of_base(pair.wasted_by)
        return self.keyword(pair.written_by) not in ("RUN", "COPY", "ADD")

    # Live content

    def unclaimed(self, contents: Iterable[Entry]) -> dict[int, list[Entry]]:
        """The contents that no rule has claimed, by the instruction that wrote them. The base image's are left out."""
        found: dict[int, list[Entry]] = {}
        layers = self.analysis.layers
        for entry in contents:
            if entry.layer < self.base_layers or (entry.layer, entry.position) in self._claimed:
                continue
            found.setdefault(layers[entry.layer].instruction, []).append(entry)
        return found

    def claim(self, entries: Iterable[Entry]) -> Claimed | None:
        """Claim contents; None if they are not worth advice."""
        kept = tuple(entries)
        size = sum(entry.size for entry in kept)
        if size < self.least:
            return None
        self._claimed.update((entry.layer, entry.position) for entry in kept)
        return Claimed(kept, size, sum_of(entry.compressed for entry in kept))

    def on_content(
        self,
        rule: str,
        claimed: Claimed,
        text: str,
        *,
        edit: int,
        written_by: int | None = None,
        edits: tuple[Edit, ...] = (),
    ) -> Advice:
        """Advice that removes live content. `text` is the sentence without the saving."""
        return Advice(
            rule=rule,
            message=f"{text}. Saves {format_size(claimed.size)}.",
            bytes=claimed.size,
            compressed=claimed.compressed,
            files=claimed.files,
            instruction=edit,
            location=self.location(edit),
            written_by=edit if written_by is None else written_by,
            edits=edits,
        )

    # Instructions

    def start(self, index: int) -> str:
        """`Line 8` or `Instruction 17`, at the start of a sentence."""
        return self.mentions.start(index)

    def location(self, index: int) -> Location | None:
        """The lines to edit; None for instructions that come with FROM."""
        if self.mentions.line(index) is None:
            return None
        return self.analysis.instructions[index].instruction.location

    def keyword(self, index: int) -> str:
        return self.analysis.instructions[index].instruction.keyword.upper()

    def text(self, index: int) -> str:
        """The instruction on one line, without build flags and shell options."""
        return one_spaced(self.analysis.instructions[index].instruction.text)


def _key(pair: WastePair) -> tuple[WasteKind, int, int]:
    return pair.kind, pair.written_by, pair.wasted_by
