"""The instructions of a Dockerfile tied to those of an image's history."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from layerscope.image.dockerfile import Step
from layerscope.image.instruction import Instruction, Location

_FLAG = re.compile(
    r"--(?:mount|network|security|from|link|exclude|checksum|parents|chown|chmod|platform)\S*\s+"
)
_ONE_HEREDOC = re.compile(r"<<-?([\"']?)[\w.-]+\1\s*")
_BLANK = re.compile(r"\s+")
_LIMIT = 4_000_000
"""Pairs that are compared at the most: 2,000 steps of a Dockerfile with 2,000 entries of a history."""

_SOURCE_KEYWORDS = ("RUN", "COPY", "ADD")


def align(
    instructions: Sequence[Instruction], steps: Sequence[Step], file: str, evidence: str
) -> tuple[Instruction, ...]:
    """Give each instruction that is also a step of the Dockerfile its lines.

    Steps are matched in order, the most of them that can be (a longest common subsequence, taken from the end: what
    stands before is the base image's); instructions that have a location already keep it, and what matches nothing
    keeps the evidence it had. A RUN, COPY or ADD takes the Dockerfile's text, which tells flags that a history drops.
    """
    own = [step for step in steps if step.keyword != "FROM"]
    aligned = list(instructions)
    for index, step in _pairs(instructions, own):
        instruction = aligned[index]
        if instruction.location is not None:
            continue
        aligned[index] = replace(
            instruction,
            text=written_text(instruction, step),
            evidence=evidence,
            location=Location(file, step.start_line, step.end_line),
        )
    return tuple(aligned)


def written_text(instruction: Instruction, step: Step) -> str:
    """The text as it stands in the Dockerfile, for the instructions whose history drops parts of it."""
    if step.keyword in _SOURCE_KEYWORDS and step.keyword == instruction.keyword:
        return step.text
    return instruction.text


def _pairs(instructions: Sequence[Instruction], steps: Sequence[Step]) -> list[tuple[int, Step]]:
    begin = max(0, len(instructions) - 2 * len(steps) - 16)
    tail = instructions[begin:]
    if not steps or len(tail) * len(steps) > _LIMIT:
        return []
    scores = [[0] * (len(steps) + 1) for _ in range(len(tail) + 1)]
    for i, instruction in enumerate(tail):
        before, row = scores[i], scores[i + 1]
        for j, step in enumerate(steps):
            weight = _likeness(instruction, step)
            best = max(before[j + 1], row[j])
            row[j + 1] = max(best, before[j] + weight) if weight else best
    pairs: list[tuple[int, Step]] = []
    i, j = len(tail), len(steps)
    while i and j:
        weight = _likeness(tail[i - 1], steps[j - 1])
        if weight and scores[i][j] == scores[i - 1][j - 1] + weight:
            pairs.append((begin + i - 1, steps[j - 1]))
            i, j = i - 1, j - 1
        elif scores[i][j] == scores[i][j - 1]:
            j -= 1
        else:
            i -= 1
    return pairs[::-1]


def _likeness(instruction: Instruction, step: Step) -> int:
    """0 for two that cannot be the same instruction, more the surer it is."""
    if instruction.keyword != step.keyword:
        return 0
    there = instruction.text[len(instruction.keyword) :].strip()
    if step.keyword == "RUN":
        return 4 if _plain(there) == _plain(_command(step)) else 0
    if step.keyword in ("COPY", "ADD"):
        if _last_word(there) != _last_word(step.arguments):
            # The history holds the destination as the builder resolved it.
            return 1 if _last_word(there).endswith(_last_word(step.arguments).lstrip("./")) else 0
        return 3
    if step.keyword in ("ARG", "ENV", "LABEL"):
        return 3 if _name(there) == _name(step.arguments) else 0
    return 3 if _plain(there) == _plain(step.arguments) else 1


def _command(step: Step) -> str:
    """The command as a history has it: of a RUN that is one here-document, the body alone."""
    first, _, rest = _FLAG.sub("", step.arguments).partition("\n")
    if not rest or not _ONE_HEREDOC.fullmatch(first):
        return step.arguments
    return rest.rpartition("\n")[0]


def _plain(text: str) -> str:
    return _BLANK.sub("", _FLAG.sub("", text).replace("\\", "")).replace('"', "").replace("'", "")


def _last_word(text: str) -> str:
    words = text.split("\n", 1)[0].rstrip("]").replace('"', " ").replace(",", " ").split()
    return words[-1].rstrip("/") or "/" if words else ""


def _name(text: str) -> str:
    words = text.replace("=", " ").split()
    return words[0] if words else ""
