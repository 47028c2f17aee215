"""What rules look at: one image, and which of its bytes other rules have claimed already."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property

from layerscope.analysis.advice.advice import Advice
from layerscope.analysis.advice.edits import Edit
from layerscope.analysis.claims import UNOWNED
from layerscope.analysis.grouping import WastePair, WasteSummary
from layerscope.analysis.mentions import Mentions, one_spaced
from layerscope.analysis.model import Analysis, WastedFile, WasteKind, sum_of
from layerscope.analysis.weight.kinds import WeightKind
from layerscope.filesystem.entry import Entry
from layerscope.image.builders import parent_of_comment
from layerscope.image.instruction import Location
from layerscope.records import dataclass
from layerscope.units import format_size

ONE_PERCENT = 100
ONE_MEGABYTE = 1_000_000
_LONGEST_SHELL = 4096


def least_saving(content: int, wanted: int | None) -> int:
    """The smallest saving worth a piece of advice, in bytes: what was asked for, or 1 MB or 1 % of the content,
    whichever is smaller."""
    return min(ONE_MEGABYTE, content // ONE_PERCENT) if wanted is None else wanted


@dataclass(frozen=True, slots=True)
class Claimed:
    """Live contents that one piece of advice would remove: their bytes, and what they take in the compressed blobs.

    `paths` are where they are stored, without a leading slash.
    """

    paths: tuple[bytes, ...]
    size: int
    compressed: int | None


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
        self.claimed_of_base = 0
        self.all_pairs = summary.pairs()
        self._pairs = [
            pair
            for pair in self.all_pairs
            if pair.bytes >= self.least and not self.mentions.is_of_base(pair.wasted_by)
        ]
        self._claimed_pairs: set[tuple[WasteKind, int, int]] = set()
        self._claimed: set[int] = set()

    # Waste

    def pairs(self, *kinds: WasteKind, own: bool = False) -> Iterator[WastePair]:
        """The pairs of these kinds that no rule has claimed and that are worth advice, largest first.

        What the base image's own instructions waste is left out: only its own Dockerfile can change that. `own` leaves
        out all that the base image wrote.
        """
        for pair in self._pairs:
            if own and self.mentions.is_of_base(pair.written_by):
                continue
            if pair.kind in kinds and _key(pair) not in self._claimed_pairs:
                yield pair

    def files_of(self, pair: WastePair) -> list[WastedFile]:
        return self.summary.files_of(pair)

    def on_waste(
        self,
        rule: str,
        pair: WastePair,
        text: str,
        *,
        edit: int,
        edits: tuple[Edit, ...] = (),
        reason: str = "",
    ) -> Advice:
        """Advice on a pair, which is claimed by it. `text` is the sentence without the saving."""
        self._claimed_pairs.add(_key(pair))
        if self.mentions.is_of_base(pair.written_by):
            self.claimed_of_base += pair.bytes
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
            reason=reason,
        )

    def pass_over(self, pair: WastePair) -> None:
        """Leave a pair out of all advice, because nobody can change it."""
        self._claimed_pairs.add(_key(pair))

    def is_inherited(self, pair: WastePair) -> bool:
        """Whether the base image wrote the files and the Dockerfile wastes them.

        If the base image is unknown, a step that is not of a Dockerfile counts as its, unless the same tool goes on.
        """
        if self.mentions.is_of_base(pair.written_by):
            return not self.mentions.is_of_base(pair.wasted_by)
        if self.base_layers or self.keyword(pair.written_by) in ("RUN", "COPY", "ADD"):
            return False
        instructions = self.analysis.instructions
        writer, waster = (
            instructions[index].instruction for index in (pair.written_by, pair.wasted_by)
        )
        return bool(waster.keyword) or waster.created_by != writer.created_by

    # Live content. Contents are numbers, counted through all layers of the tree.

    def dead_weight(
        self, *kinds: WeightKind, tools: Collection[str] | None = None
    ) -> dict[int, list[int]]:
        """The unclaimed files of some kinds of dead weight, by the instruction that wrote them, largest sum first.

        `tools` picks what these tools left behind. The base image's files are left out.
        """
        found = [
            number
            for kind, tool in self._weights
            if kind in kinds and (tools is None or tool in tools)
            for number in self._weights[kind, tool]
        ]
        return self.by_instruction(found)

    @cached_property
    def _weights(self) -> dict[tuple[WeightKind, str | None], list[int]]:
        """All dead weight by kind and tool."""
        found: dict[tuple[WeightKind, str | None], list[int]] = {}
        weighed = self.analysis.weighed
        if weighed is not None:
            for number, (rule, _) in weighed.found.items():
                found.setdefault((rule.kind, rule.tool), []).append(number)
        return found

    def by_instruction(self, contents: Iterable[int]) -> dict[int, list[int]]:
        """The contents that no rule has claimed, by the instruction that wrote them, largest sum first.

        The base image's are left out.
        """
        numbers = sorted(number for number in contents if number not in self._claimed)
        found: dict[int, list[int]] = {}
        sums: Counter[int] = Counter()
        for index, place in enumerate(
            self.analysis.tree.layers[self.base_layers :], self.base_layers
        ):
            instruction, sizes = self.analysis.layers[index].instruction, place.columns.sizes
            first = bisect_left(numbers, place.first)
            part = numbers[first : bisect_left(numbers, place.first + len(sizes), first)]
            if part:
                found.setdefault(instruction, []).extend(part)
                sums[instruction] += sum(sizes[number - place.first] for number in part)
        return dict(sorted(found.items(), key=lambda each: (-sums[each[0]], each[0])))

    def is_claimed(self, number: int) -> bool:
        """Whether a rule claimed a content."""
        return number in self._claimed

    def _layer_of(self, number: int) -> int:
        return bisect_right(self._firsts, number) - 1

    @cached_property
    def _firsts(self) -> list[int]:
        return [layer.first for layer in self.analysis.tree.layers]

    def size_of(self, number: int) -> int:
        layer = self.analysis.tree.layers[self._layer_of(number)]
        return layer.columns.sizes[number - layer.first]

    def path_of(self, number: int) -> bytes:
        layer = self.analysis.tree.layers[self._layer_of(number)]
        return layer.columns.path(number - layer.first)

    def origin_of(self, number: int) -> int:
        """The instruction that first stored a content, before others changed only its metadata."""
        place = self.analysis.tree.layers[self._layer_of(number)]
        entry = place.entry(number - place.first)
        before = entry.previous
        while before is not None and before.kind == entry.kind and before.size == entry.size:
            entry, before = before, before.previous
        return self.analysis.layers[entry.layer].instruction

    def owner_of(self, number: int) -> int | None:
        """The number of the package that owns a content; None if none does, or nobody asked for packages."""
        ownership = self.analysis.ownership
        if ownership is None:
            return None
        layer = self._layer_of(number)
        owner = ownership.owners[layer][number - self._firsts[layer]]
        return None if owner == UNOWNED else owner

    def listed_under(self, numbers: Iterable[int]) -> tuple[str, ...]:
        """The directories with some dead weight, such as the root of a cache, sorted."""
        weighed = self.analysis.weighed
        found = set() if weighed is None else {weighed.found[number][1] for number in numbers}
        return tuple("/" + path.decode("utf-8", "backslashreplace") for path in sorted(found))

    def number_of(self, entry: Entry) -> int:
        """The number of a content."""
        return entry.place.first + entry.position

    def claim(
        self, contents: Iterable[int], parts: Mapping[int, int] | None = None
    ) -> Claimed | None:
        """Claim contents; None if they are not worth advice. `parts` has the bytes that the change saves of a content."""
        numbers = list(contents)
        size, costs = 0, []
        for number in numbers:
            layer = self.analysis.tree.layers[self._layer_of(number)]
            columns, position = layer.columns, number - layer.first
            whole = columns.sizes[position]
            part = whole if parts is None else parts[number]
            size += part
            costs.append(
                None
                if columns.compressed is None
                else columns.compressed[position] * part // max(whole, 1)
            )
        if size < self.least:
            return None
        self._claimed.update(numbers)
        return Claimed(tuple(map(self.path_of, numbers)), size, sum_of(costs))

    def on_content(
        self,
        rule: str,
        claimed: Claimed,
        text: str,
        *,
        edit: int,
        written_by: int | None = None,
        edits: tuple[Edit, ...] = (),
        reason: str = "",
    ) -> Advice:
        """Advice that removes live content. `text` is the sentence without the saving."""
        return Advice(
            rule=rule,
            message=f"{text}. Saves {format_size(claimed.size)}.",
            bytes=claimed.size,
            compressed=claimed.compressed,
            files=len(claimed.paths),
            instruction=edit,
            location=self.location(edit),
            written_by=edit if written_by is None else written_by,
            edits=edits,
            reason=reason,
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

    def needs_buildkit(self, index: int) -> str:
        """` (needs BuildKit)` for a flag that Docker's first builder, which made the step, doesn't have."""
        step = self.analysis.instructions[index].instruction
        ran = step.keyword == "RUN" and step.created_by[:4].upper() != "RUN "
        first = bool(step.created_by) and (ran or "#(nop)" in step.created_by[:_LONGEST_SHELL])
        return " (needs BuildKit)" if first and not self._buildah else ""

    @cached_property
    def _buildah(self) -> bool:
        """Whether buildah built a part of the image. Its steps look like those of Docker's first builder."""
        return any(
            parent_of_comment(each.instruction.comment) for each in self.analysis.instructions
        )

    def text(self, index: int) -> str:
        """The instruction on one line, without build flags and shell options."""
        return one_spaced(self.analysis.instructions[index].instruction.text)


def _key(pair: WastePair) -> tuple[WasteKind, int, int]:
    return pair.kind, pair.written_by, pair.wasted_by
