"""Matches the instructions of a Dockerfile to those of an image's history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from layerscope.image.dockerfile import Step
from layerscope.image.instruction import Instruction, Location
from layerscope.image.likeness import SURE, Likeness, plain, words_of_list

MOST_PAIRS = 500_000
"""The most pairs to compare for one image: 700 Dockerfile steps with 700 instructions, not counting those that agree."""

_SOURCE_KEYWORDS = ("RUN", "COPY", "ADD")

Pair = tuple[int, int]
"""The index of an instruction and the index of a step."""


class Aligner:
    """Matches instructions to steps. Use one per image: its bound on comparisons covers all Dockerfiles together."""

    def __init__(self, most_pairs: int = MOST_PAIRS) -> None:
        self.pairs_left = most_pairs
        self._likeness = Likeness()

    @property
    def texts_read(self) -> int:
        """How many texts were read, each in full."""
        return self._likeness.texts_read

    def align(
        self,
        instructions: Sequence[Instruction],
        steps: Sequence[Step],
        file: str,
        evidence: str,
    ) -> tuple[Instruction, ...]:
        """Give each instruction that is also a step of the Dockerfile its lines.

        Steps are matched in order from the end, because the base image's come first: as many as possible by text, then
        the ones between two neighbors by position. An instruction that already has a location keeps it, and one that
        matches nothing keeps its evidence. A RUN, COPY or ADD takes the Dockerfile's text, which has the flags that
        the history drops.
        """
        own = [step for step in steps if step.keyword != "FROM"]
        places = [at for at, step in enumerate(instructions) if step.keyword]
        found = self._matches([instructions[at] for at in places], own)
        aligned = list(instructions)
        for index, at in found:
            instruction, step = aligned[places[index]], own[at]
            if instruction.location is not None:
                continue
            aligned[places[index]] = replace(
                instruction,
                text=written_text(instruction, step),
                evidence=evidence,
                location=Location(file, step.start_line, step.end_line),
            )
        return tuple(aligned)

    def _matches(self, instructions: Sequence[Instruction], steps: Sequence[Step]) -> list[Pair]:
        """The pairs in order: the certain ones at the end first, then the best of the rest, then the ones in between."""
        end, last = len(instructions), len(steps)
        tail: list[Pair] = []
        while end and last and self._weigh(instructions[end - 1], steps[last - 1]) == SURE:
            end, last = end - 1, last - 1
            tail.append((end, last))
        pairs = [*self._best(instructions[:end], steps[:last]), *reversed(tail)]
        return _between(instructions, steps, pairs) if pairs else []

    def _weigh(self, instruction: Instruction, step: Step) -> int:
        return self._likeness.weigh(instruction, step)

    def _best(self, instructions: Sequence[Instruction], steps: Sequence[Step]) -> list[Pair]:
        """The heaviest common subsequence of the last instructions and the steps."""
        begin = max(0, len(instructions) - 2 * len(steps) - 16)
        tail = instructions[begin:]
        count = len(tail) * len(steps)
        if not count or count > self.pairs_left:
            return []
        self.pairs_left -= count
        scores = [[0] * (len(steps) + 1) for _ in range(len(tail) + 1)]
        for i, instruction in enumerate(tail):
            before, row = scores[i], scores[i + 1]
            for j, step in enumerate(steps):
                weight = self._weigh(instruction, step)
                best = max(before[j + 1], row[j])
                row[j + 1] = max(best, before[j] + weight) if weight else best
        pairs: list[Pair] = []
        i, j = len(tail), len(steps)
        while i and j:
            weight = self._weigh(tail[i - 1], steps[j - 1])
            if weight and scores[i][j] == scores[i - 1][j - 1] + weight:
                pairs.append((begin + i - 1, j - 1))
                i, j = i - 1, j - 1
            elif scores[i][j] == scores[i][j - 1]:
                j -= 1
            else:
                i -= 1
        return pairs[::-1]


def _between(
    instructions: Sequence[Instruction], steps: Sequence[Step], pairs: Sequence[Pair]
) -> list[Pair]:
    """The pairs, plus the ones that position alone settles.

    If there are as many instructions as steps between two neighbors, with the same keywords, they are the same. Before
    the first pair, every step of the Dockerfile has to be there. After the last pair, nothing else may follow.
    """
    first_at, first_step = pairs[0]
    ends = [(first_at - first_step - 1, -1), *pairs, (len(instructions), len(steps))]
    found: list[Pair] = []
    for (at, step), (next_at, next_step) in pairwise(ends):
        if step >= 0:
            found.append((at, step))
        count = next_step - step - 1
        if (
            count == next_at - at - 1
            and at >= -1
            and all(
                instructions[at + n].keyword == steps[step + n].keyword for n in range(1, count + 1)
            )
        ):
            found += [(at + n, step + n) for n in range(1, count + 1)]
    return found


def written_text(instruction: Instruction, step: Step) -> str:
    """The Dockerfile's text, for instructions whose history entry drops parts of it, or only spells it differently.

    An ARG keeps its text, which hides the values.
    """
    if step.keyword != instruction.keyword or step.keyword == "ARG":
        return instruction.text
    if step.keyword in _SOURCE_KEYWORDS:
        return step.text
    recorded = instruction.text[len(instruction.keyword) :].strip()
    if plain(recorded) == plain(step.arguments):
        return step.text
    if step.keyword in ("CMD", "ENTRYPOINT") and words_of_list(step.arguments)[1:][-1:] == [
        recorded
    ]:
        return step.text  # the shell in the exec form
    return instruction.text
