"""Layers attributed to Dockerfile instructions by the image's history."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from layerscope.image import builders
from layerscope.image.dialects import (
    FILESYSTEM_KEYWORDS,
    HIDDEN,
    METADATA_KEYWORDS,
    DialectReader,
    Statement,
)
from layerscope.image.history import HistoryEntry
from layerscope.image.shell import Arguments
from layerscope.notes import Note


@dataclass(frozen=True, slots=True)
class Location:
    """Lines of a Dockerfile, 1-based, both ends included."""

    file: str
    start_line: int
    end_line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One step of the build and the layers it made.

    `index` counts history entries from 0, empty ones included. `keyword` is upper case, or ""
    where no Dockerfile instruction can be told; `text` then says what is known. `text` never
    shows the value of a build argument, which can be a secret; `created_by` is raw and may.
    `evidence` is what linked it to its layers: provenance, dockerfile, history or none.
    `range` is set where the layer is squashed: the first and last index of the instructions
    that it covers. Texts are the image's own and can hold control characters.
    """

    index: int
    keyword: str
    text: str
    created_by: str = ""
    comment: str = ""
    empty: bool = False
    layers: tuple[int, ...] = ()
    evidence: str = "history"
    range: tuple[int, int] | None = None
    arguments: Arguments = ()
    location: Location | None = None

    @property
    def redacted_created_by(self) -> str:
        """`created_by` with the values of build arguments hidden."""
        parts: list[str] = []
        position = 0
        for name, value in self.arguments:
            pair = f"{name}={value}"
            start = self.created_by.find(pair, position)
            if start < 0 or not value:
                continue
            parts += [self.created_by[position:start], f"{name}={HIDDEN}"]
            position = start + len(pair)
        return "".join([*parts, self.created_by[position:]])

    def text_with_arguments(self) -> str:
        """`text` with the build arguments and their values, a RUN's as shell assignments before its command."""
        if not self.arguments:
            return self.text
        if self.keyword in {"ARG", "ONBUILD"}:
            hidden = " ".join(f"{name}={HIDDEN if value else ''}" for name, value in self.arguments)
            shown = " ".join(f"{name}={value}" for name, value in self.arguments)
            return self.text.removesuffix(hidden) + shown
        shown = " ".join(f"{name}={shlex.quote(value)}" for name, value in self.arguments)
        return " ".join(
            word for word in (self.keyword, shown, self.text[len(self.keyword) :].strip()) if word
        )


def attribute(
    history: Sequence[HistoryEntry], layer_count: int
) -> tuple[tuple[Instruction, ...], tuple[Note, ...]]:
    """Give every layer to exactly one instruction, in order: each entry that is not empty takes the next.

    Follows `history` of the OCI image specification's config.md. Layers that no entry is left
    for get an instruction of their own at the end, without evidence; entries that no layer is
    left for become empty. Both are noted, as are squashed layers and entries that say nothing.
    """
    reader = DialectReader()
    statements = [reader.read(entry) for entry in history]
    makers = _makers(history, statements, layer_count)
    layers = {index: layer for layer, index in enumerate(makers)}
    instructions: list[Instruction] = []
    notes = _count_notes(history, len(makers), layer_count)
    blank: list[int] = []
    unclaimed = 0
    for index, (entry, statement) in enumerate(zip(history, statements, strict=True)):
        layer = layers.get(index)
        text, evidence, covered = statement.text, "history", None
        if layer is not None:
            covered = _squashed(history, statements, unclaimed, index)
            unclaimed = index + 1
            if covered is not None:
                notes.append(
                    Note(
                        "history-squashed",
                        f"layer {layer} is squashed: it covers instructions {covered[0]} to {covered[1]}, "
                        "and its bytes cannot be divided among them",
                        layer,
                    )
                )
        if builders.is_padding(entry):
            evidence = "none"
            text = _unknown("an empty step" if layer is None else f"layer {layer}", entry.comment)
            blank += [] if layer is None else [layer]
        instructions.append(
            Instruction(
                index=index,
                keyword=statement.keyword,
                text=text or _unknown("an empty step" if layer is None else f"layer {layer}", ""),
                created_by=entry.created_by,
                comment=entry.comment,
                empty=layer is None,
                layers=() if layer is None else (layer,),
                evidence=evidence,
                range=covered,
                arguments=statement.arguments,
            )
        )
    if blank:
        notes.append(
            Note(
                "history-blank", f"the history says nothing of {len(blank)} of {layer_count} layers"
            )
        )
    instructions += [
        Instruction(
            index=len(history) + layer - len(makers),
            keyword="",
            text=_unknown(f"layer {layer}", ""),
            layers=(layer,),
            evidence="none",
        )
        for layer in range(len(makers), layer_count)
    ]
    return tuple(instructions), tuple(notes)


def _unknown(subject: str, comment: str) -> str:
    comment = comment.strip()
    return f"{subject} (no history: {comment})" if comment else f"{subject} (no history)"


def _makers(
    history: Sequence[HistoryEntry], statements: Sequence[Statement], layer_count: int
) -> list[int]:
    """The indices of the entries that made layer 0, 1, …; at most `layer_count`."""
    makers = [index for index, entry in enumerate(history) if not entry.empty_layer]
    if len(makers) > layer_count:
        # A tool that forgot `empty_layer`: metadata cannot have made a layer, if that settles it.
        filesystem = [i for i in makers if statements[i].keyword not in METADATA_KEYWORDS]
        if len(filesystem) == layer_count:
            return filesystem
    return makers[: max(layer_count, 0)]


def _count_notes(history: Sequence[HistoryEntry], paired: int, layer_count: int) -> list[Note]:
    claimed = sum(not entry.empty_layer for entry in history)
    if not history and layer_count > 0:
        return [Note("history-absent", f"the image has no history for its {layer_count} layers")]
    if claimed < layer_count:
        return [
            Note(
                "history-short",
                f"the history names {claimed} layers and the image has {layer_count}: "
                f"those from layer {paired} on have no instruction",
            )
        ]
    if claimed > layer_count:
        return [
            Note(
                "history-long",
                f"the history names {claimed} layers and the image has {layer_count}: "
                f"{claimed - paired} instructions that claim a layer have none",
            )
        ]
    return []


def _squashed(
    history: Sequence[HistoryEntry], statements: Sequence[Statement], begin: int, index: int
) -> tuple[int, int] | None:
    """The instructions from `begin` on that the layer of entry `index` covers, if it is squashed.

    Docker's --squash adds an entry of its own. buildah without layers gives the one layer to
    the last step, whatever that is, and calls the steps before it empty.
    """
    statement = statements[index]
    own = builders.is_squash(history[index])
    changing = [i for i in range(begin, index) if statements[i].keyword in FILESYSTEM_KEYWORDS]
    if own:
        if not changing:
            return (begin, index - 1) if begin < index else None
        return changing[0], changing[-1]
    if not changing or not statement.classic:
        return None
    last = changing[-1]
    if statement.keyword in FILESYSTEM_KEYWORDS:
        if not any(statements[i].keyword != "RUN" and statements[i].classic for i in changing):
            return None
        last = index
    elif statement.keyword not in METADATA_KEYWORDS:
        return None
    return changing[0], last
