"""Scores how likely a history's instruction is one from a Dockerfile."""

from __future__ import annotations

import json
import re

from layerscope.image.dockerfile import Step
from layerscope.image.instruction import Instruction
from layerscope.records import dataclass

SURE = 4
"""The score of two instructions whose whole text agrees."""

_FLAG = re.compile(
    r"(?<!\S)--(?:mount|network|security|from|link|exclude|checksum|parents|chown|chmod|platform|device|keep-git-dir"
    r"|unpack)\S*+\s+"
)
_ONE_HEREDOC = re.compile(r"<<-?([\"']?)[\w.-]+\1\s*")
_HEREDOC = re.compile(r"<<-?[\"']?([\w.-]+)")
_BLANK = re.compile(r"\s+")
_VARIABLE = re.compile(r"\$(?:\{[^{}]{0,256}\}|\w{1,256})")
_LONGEST_WORD = 4096
"""A longer destination is only compared as a whole."""


@dataclass(frozen=True, slots=True)
class _Features:
    """The comparable parts of one text, computed once: numbers for whole texts, and a few short words."""

    keyword: str
    whole: frozenset[int]
    name: str
    target: str
    ends: tuple[str, str] | None
    heredoc: str


class Likeness:
    """Compares in constant time: each text is read once, and equal texts share a number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._known: dict[int, tuple[object, _Features]] = {}
        self.texts_read = 0

    def weigh(self, instruction: Instruction, step: Step) -> int:
        """0 if the two can't be the same instruction; higher means more certain."""
        if instruction.keyword != step.keyword:
            return 0
        there, here = self._of_instruction(instruction), self._of_step(step)
        if there.whole & here.whole:
            return SURE
        if step.keyword == "RUN":
            return 3 if here.heredoc and there.heredoc == here.heredoc else 0
        if step.keyword in ("COPY", "ADD"):
            return _same_target(there.target, here)
        if step.keyword in ("ARG", "ENV", "LABEL"):
            return 3 if there.name == here.name else 0
        return 1

    def _of_instruction(self, instruction: Instruction) -> _Features:
        known = self._known.get(id(instruction))
        if known is not None:
            return known[1]
        text = instruction.text[len(instruction.keyword) :].strip()
        features = self._features(instruction.keyword, text, [text])
        self._known[id(instruction)] = (instruction, features)
        return features

    def _of_step(self, step: Step) -> _Features:
        known = self._known.get(id(step))
        if known is not None:
            return known[1]
        texts = [step.arguments]
        if step.keyword == "RUN":
            texts += _commands(step)
        features = self._features(step.keyword, step.arguments, texts)
        self._known[id(step)] = (step, features)
        return features

    def _features(self, keyword: str, text: str, texts: list[str]) -> _Features:
        self.texts_read += 1
        target = _last_word(text) if keyword in ("COPY", "ADD") else ""
        opened = _HEREDOC.search(text[:_LONGEST_WORD]) if keyword == "RUN" else None
        return _Features(
            keyword=keyword,
            whole=frozenset(
                self._numbers.setdefault(plain(each), len(self._numbers)) for each in texts
            ),
            name=_name(text[:_LONGEST_WORD]),
            target=target,
            ends=_fixed_ends(target),
            heredoc=opened[1] if opened else "",
        )


def _same_target(there: str, here: _Features) -> int:
    """Compare destinations. The history has them as the builder resolved them."""
    if there == here.target:
        return 3
    if here.ends is not None:
        begin, end = here.ends
        fits = len(there) >= len(begin) + len(end)
        return 1 if fits and there.startswith(begin) and there.endswith(end) else 0
    return 1 if there.endswith(here.target.lstrip("./")) else 0


def _fixed_ends(target: str) -> tuple[str, str] | None:
    """The fixed prefix and suffix of a destination with variables; a relative one has no fixed prefix."""
    variables = list(_VARIABLE.finditer(target))
    if not variables:
        return None
    begin = target[: variables[0].start()]
    return begin if begin.startswith("/") else "", target[variables[-1].end() :]


def _commands(step: Step) -> list[str]:
    """The command as a history can record it: the body of a lone here-document, the words of an exec form."""
    arguments = _FLAG.sub("", step.arguments)
    if arguments.startswith("["):
        words = words_of_list(arguments)
        return [" ".join(words)] if words else []
    first, _, rest = arguments.partition("\n")
    if not rest or not _ONE_HEREDOC.fullmatch(first):
        return []
    return [rest.rpartition("\n")[0]]


def words_of_list(arguments: str) -> list[str]:
    """The words of an exec form; empty for anything else."""
    if not arguments.startswith("["):
        return []
    try:
        words = json.loads(arguments)
    except (ValueError, RecursionError):
        return []
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return []
    return words


def plain(text: str) -> str:
    """The text without build flags, blanks, quotes, and escapes, which builders spell differently."""
    return _BLANK.sub("", _FLAG.sub("", text).replace("\\", "")).replace('"', "").replace("'", "")


def _last_word(text: str) -> str:
    words = text.split("\n", 1)[0].rstrip("]").replace('"', " ").replace(",", " ").split()
    return (words[-1].rstrip("/") or "/")[-_LONGEST_WORD:] if words else ""


def _name(text: str) -> str:
    words = text.replace("=", " ").split(None, 1)
    return words[0] if words else ""
