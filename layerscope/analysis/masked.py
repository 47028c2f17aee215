"""Masks secrets in the texts of an image: values of build arguments, and anything that looks like a secret.

This is the only place where secrets are masked. Every document and every screen uses its output.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

from layerscope.analysis.masks import (
    INNOCENT_VALUES,
    hides,
    line_ends,
    mask_text,
    mask_value,
    secret_pairs,
)
from layerscope.analysis.model import Analysis, InstructionSummary
from layerscope.image.config import ImageConfig
from layerscope.image.dialects import HIDDEN, DialectReader
from layerscope.image.history import HistoryEntry
from layerscope.image.image import Base
from layerscope.image.instruction import CopiedFrom, Instruction
from layerscope.image.shell import DEFAULT_SHELL, split_arguments
from layerscope.notes import Note
from layerscope.patterns import pattern
from layerscope.secrets.search import values as secret_values

SHORTEST = 4
"""The shortest secret that is searched for in other texts, in characters."""
SHORTEST_ARGUMENT = 8
"""The same for a build argument whose name doesn't look like a secret."""
LONGEST = 1024
"""A longer value is recognized by its first characters, this many."""
_MOST_ALIKE = 16

_WORD: Final = pattern(r"[A-Za-z0-9]+")
_PLAIN: Final = pattern(
    r"v?[0-9]+(?:[._-][0-9A-Za-z]{1,8}){0,5}|[a-z]{1,8}|/[\w./-]*|https?://[^@]*|[\w.-]+(?:/[\w.-]+)+"
)
_ARGUMENTS: Final = pattern(r"""(?<![^\s"'(\[])\|[0-9]{1,3} (?=[^\s="'$/|]{1,255}=)""")
_DECLARED: Final = pattern(
    r"""\bARG[ \t]+([A-Za-z_][A-Za-z0-9_]{0,255})=("[^"\\]*"|'[^'\\]*'|[^\s"'\\]+)"""
)
_KEYWORD: Final = pattern(r"[ \t]*(?:ONBUILD[ \t]+)?([A-Za-z]{3,12})[ \t]+")
_ASSIGNED: Final = pattern(
    r"""(?<![^\s])([A-Za-z_][A-Za-z0-9_.-]{0,255})=("(?:[^"\\]|\\.)*"?|'[^']*'?|(?:[^\s\\]|\\.)+)"""
)
_SPACED: Final = pattern(r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,255})[ \t]+(?P<value>\S.*)")

Pair = tuple[str, str]


class Masks:
    """Masks secrets in texts: known values wherever they occur, and anything that looks like a secret."""

    def __init__(
        self,
        arguments: Iterable[Pair] = (),
        settings: Iterable[Pair] = (),
        *,
        images: Iterable[str] = (),
        off: bool = False,
    ) -> None:
        self._off = off
        self._images = sorted(set(images))[:_MOST_ALIKE]
        self._pairs: dict[str, set[str]] = {}
        self._values: dict[str, list[str]] = {}
        for name, value in arguments:
            if value not in INNOCENT_VALUES:
                self._pairs.setdefault(name, set()).add(value)
                self._keep(name, value)
        for name, value in settings:
            if hides(name, value) and len(value) >= SHORTEST:
                self._add(value)
        self._sort()

    def _sort(self) -> None:
        for alike in self._values.values():
            alike.sort(key=len, reverse=True)

    @classmethod
    def of(
        cls,
        config: ImageConfig,
        instructions: Sequence[Instruction],
        texts: Sequence[str] = (),
        base: Base | None = None,
    ) -> Masks:
        """Masks for the values found in an image's configuration, history, and other texts such as Dockerfiles.

        The name of the `base` image, or of one that a COPY takes files from, stays readable.
        """
        arguments: list[Pair] = []
        settings = [
            (name, value) for name, _, value in (each.partition("=") for each in config.env)
        ]
        settings += config.labels
        for instruction in instructions:
            arguments += instruction.arguments
            arguments += _former_arguments(instruction.comment)
            for text in (instruction.created_by, instruction.text, instruction.comment):
                arguments += _declared(text)
                settings += secret_pairs(text)
        for text in texts:
            arguments += _declared(text)
            settings += secret_pairs(text)
        images = [each.copied_from.image for each in instructions if each.copied_from is not None]
        images += [None if base is None else base.name]
        masks = cls(arguments, settings, images=filter(None, images))
        for value in _matched(config, instructions, texts):
            masks._add(value)
        masks._sort()
        return masks

    def _keep(self, name: str, value: str) -> None:
        """Remember a build argument's value, unless it is too common: a version, a path, a short word, an image's name."""
        if hides(name, value):
            if len(value) >= SHORTEST:
                self._add(value)
        elif (
            len(value) >= SHORTEST_ARGUMENT
            and _PLAIN.fullmatch(value) is None
            and not any(_names(image, value) for image in self._images)
        ):
            self._add(value)

    def _add(self, value: str) -> None:
        for text in _spellings(value):
            word = _WORD.search(text)
            if word is None:
                continue
            alike = self._values.setdefault(word[0], [])
            if text in alike:
                continue
            if len(alike) < _MOST_ALIKE:
                alike.append(text)
            else:
                # Many values with the same prefix: mask the prefix wherever it occurs.
                self._values[word[0]] = [word[0]]

    def value(self, name: str, value: str) -> str:
        """The masked value of a setting."""
        return value if self._off else self._known(name, mask_value(name, self._recurring(value)))

    def text(self, text: str) -> str:
        """Any text, masked. The number of lines stays the same."""
        if self._off or not text:
            return text
        return mask_text(self._recurring(self._assigned(text)))

    def pair(self, text: str) -> str:
        """`NAME=VALUE`, masked."""
        name, sign, value = text.partition("=")
        return f"{name}{sign}{self.value(name, value)}" if sign else self.text(text)

    def dockerfile(self, text: str) -> str:
        """A Dockerfile, masked. The number of lines stays the same."""
        if self._off:
            return text
        return self.text("".join(_dockerfile_lines(text)))

    def _known(self, name: str, value: str) -> str:
        return HIDDEN if value in self._pairs.get(name, ()) else value

    def _assigned(self, text: str) -> str:
        """Mask the values of known build arguments after their names, however short they are."""
        if not self._pairs or "=" not in text:
            return text
        parts: list[str] = []
        done = 0
        for match in _NAMED.finditer(text):
            for value in sorted(self._pairs.get(match[1], ()), key=len, reverse=True)[:_MOST_ALIKE]:
                begin = match.end()
                if begin >= done and text.startswith(value, begin):
                    parts += [text[done:begin], HIDDEN]
                    done = begin + len(value)
                    break
        return "".join([*parts, text[done:]])

    def _recurring(self, text: str) -> str:
        """Mask every known value that is not part of a longer word."""
        if not self._values:
            return text
        parts: list[str] = []
        done = 0
        for match in _WORD.finditer(text):
            for value in self._values.get(match[0], ()):
                begin = match.start() - value.index(match[0])
                end = begin + len(value)
                if begin >= done and text.startswith(value, begin) and _ends(text, value, end):
                    parts += [text[done:begin], HIDDEN + line_ends(value)]
                    done = end
                    break
        return "".join([*parts, text[done:]])


_NAMED: Final = pattern(r"(?<![A-Za-z0-9_])([A-Za-z_][A-Za-z0-9_.-]{0,255})=[\"']?")
NO_MASKS: Final = Masks(off=True)
"""Masks nothing, for `--show-args`."""


def _names(image: str, value: str) -> bool:
    """Whether a value is the name of an image, or some of its parts: the registry, the repository, the tag."""
    at = image.find(value)
    before, after = image[:at][-1:], image[at + len(value) :][:1]
    return at >= 0 and before in ("", "/", ":") and after in ("", "/", ":", "@")


def _spellings(value: str) -> set[str]:
    """A value as it is, and as it looks in JSON, including Go's JSON, which escapes more."""
    quoted = json.dumps(value[:LONGEST], ensure_ascii=False)[1:-1]
    go = quoted.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return {text[:LONGEST] for text in (value, quoted, go)}


def _ends(text: str, value: str, end: int) -> bool:
    return len(value) == LONGEST or not (value[-1].isalnum() and text[end : end + 1].isalnum())


def _matched(
    config: ImageConfig, instructions: Sequence[Instruction], texts: Sequence[str]
) -> list[str]:
    """The secrets that the rules for secrets find in the texts of an image."""
    found = [*config.env, *(f"{name}={value}" for name, value in config.labels)]
    found += [*config.entrypoint, *config.cmd, *texts]
    for each in instructions:
        found += [each.created_by, each.text, each.comment]
        found += [f"{name}={value}" for name, value in each.arguments]
    return [
        value for value in secret_values("\n".join(dict.fromkeys(found))) if len(value) >= SHORTEST
    ]


def _former_arguments(comment: str) -> list[Pair]:
    """Build arguments in a former history, which `crane flatten` writes as JSON into a comment."""
    if not comment.startswith(("[", "{")):
        return []
    try:
        found: Any = json.loads(comment)
    except (ValueError, RecursionError):
        return []
    reader = DialectReader()
    pairs: list[Pair] = []
    for entry in found if isinstance(found, list) else [found]:
        text = entry.get("created_by") if isinstance(entry, dict) else None
        if isinstance(text, str):
            pairs += reader.read(HistoryEntry(created_by=text)).arguments
    return pairs


def _declared(text: str) -> list[Pair]:
    """Build arguments in any text: `ARG NAME=VALUE`, and `|1 NAME=VALUE COMMAND` as in a history."""
    pairs = [(match[1], match[2].strip("\"'")) for match in _DECLARED.finditer(text)]
    if "|" in text:
        begins = [match.start() for match in _ARGUMENTS.finditer(text)]
        for begin, end in pairwise([*begins, len(text)]):
            pairs += split_arguments(text[begin:end], DEFAULT_SHELL, ())[0]
    return pairs


def _dockerfile_lines(text: str) -> Iterable[str]:
    """The lines of a Dockerfile with masked values: all of ARG, and those of ENV and LABEL with secret names."""
    keyword, goes_on = "", False
    for line in text.splitlines(keepends=True):
        body = line.rstrip("\r\n")
        start = 0
        if not goes_on:
            match = _KEYWORD.match(body)
            keyword, start = (match[1].upper(), match.end()) if match else ("", 0)
        shown = body
        if keyword == "ARG":
            shown = body[:start] + _ASSIGNED.sub(rf"\1={HIDDEN}", body[start:])
        elif keyword in ("ENV", "LABEL") and not goes_on:
            spaced = _SPACED.fullmatch(body, start)
            if spaced is not None and hides(spaced["name"], spaced["value"]):
                shown = body[: spaced.start("value")] + HIDDEN
        comment = body.lstrip().startswith("#")
        goes_on = goes_on if comment else body.rstrip().endswith(("\\", "`"))
        yield shown + line[len(body) :]


def mask_config(config: ImageConfig, masks: Masks) -> ImageConfig:
    """The configuration, masked and without the history."""
    return replace(
        config,
        history=(),
        env=tuple(map(masks.pair, config.env)),
        entrypoint=tuple(map(masks.text, config.entrypoint)),
        cmd=tuple(map(masks.text, config.cmd)),
        user=masks.text(config.user),
        working_dir=masks.text(config.working_dir),
        labels=tuple((name, masks.value(name, value)) for name, value in config.labels),
    )


def mask_instruction(instruction: Instruction, masks: Masks) -> Instruction:
    return replace(
        instruction,
        text=masks.text(instruction.text),
        created_by=masks.text(instruction.redacted_created_by),
        comment=masks.text(instruction.comment),
        copied_from=_mask_copied(instruction.copied_from, masks),
        arguments=tuple((name, HIDDEN if value else "") for name, value in instruction.arguments),
    )


def _mask_copied(copied: CopiedFrom | None, masks: Masks) -> CopiedFrom | None:
    if copied is None:
        return None
    return replace(
        copied,
        image=None if copied.image is None else masks.text(copied.image),
        instructions=tuple(
            replace(step, text=masks.text(step.text)) for step in copied.instructions
        ),
    )


def masks_of(analysis: Analysis) -> Masks:
    """The masks for the texts of an analysis."""
    image = analysis.image
    instructions = [each.instruction for each in analysis.instructions]
    return Masks.of(image.config, instructions, [text for _, text in image.dockerfiles], image.base)


def masked(analysis: Analysis, masks: Masks | None = None) -> Analysis:
    """The analysis with masked texts. Numbers, paths, and digests stay the same."""
    masks = masks_of(analysis) if masks is None else masks
    image = analysis.image
    instructions = tuple(mask_instruction(each, masks) for each in image.instructions)
    done = {id(each): made for each, made in zip(image.instructions, instructions, strict=True)}
    base = image.base
    if base is not None and base.name is not None:
        base = replace(base, name=masks.text(base.name))
    config = mask_config(image.config, masks)
    return replace(
        analysis,
        image=replace(
            image,
            base=base,
            config=config,
            instructions=instructions,
            notes=tuple(_note(note, masks) for note in image.notes),
            dockerfiles=tuple((name, masks.dockerfile(text)) for name, text in image.dockerfiles),
        ),
        facts=replace(
            analysis.facts,
            base=base,
            config=config,
            instructions=tuple(
                InstructionSummary(
                    instruction=done.get(id(each.instruction))
                    or mask_instruction(each.instruction, masks),
                    sizes=each.sizes,
                )
                for each in analysis.instructions
            ),
            notes=tuple(_note(note, masks) for note in analysis.notes),
        ),
    )


def _note(note: Note, masks: Masks) -> Note:
    return replace(note, message=masks.text(note.message))
