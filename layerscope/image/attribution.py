"""Attributes layers to the instructions of an image's history."""

from __future__ import annotations

from collections.abc import Sequence

from layerscope.image import builders, kaniko
from layerscope.image.dialects import METADATA_KEYWORDS, DialectReader, Statement
from layerscope.image.history import HistoryEntry
from layerscope.image.image import Base
from layerscope.image.instruction import Instruction
from layerscope.image.layer_order import Row, order
from layerscope.notes import Note
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True)
class _Span:
    """What one layer covers: the rows from `first` on, and the image below if the layer holds its bytes too."""

    first: int
    last: int
    base: str | None = None


def attribute(
    history: Sequence[HistoryEntry],
    layer_count: int,
    base_layers: int | None = None,
    *,
    single_snapshot: bool = False,
) -> tuple[tuple[Instruction, ...], tuple[Note, ...]]:
    """Give every layer to exactly one instruction, in order: each entry that isn't empty takes the next one.

    Follows `history` in the OCI image specification's config.md. Layers that no entry describes get their own
    instruction, without evidence: below the child's instructions if a base image has no history, on top if a tool added
    layers without an entry. `base_layers` is the number of layers in the base image, if known. A layer that covers
    several instructions gets its own row, and `range` names them. With `single_snapshot`, kaniko's entry is such a layer
    whatever its keyword.
    """
    reader = DialectReader()
    statements = [reader.read(entry) for entry in history]
    rows, notes = order(history, statements, layer_count, base_layers)
    instructions: list[Instruction] = []
    blank = 0
    unclaimed = 0
    for row in rows:
        index = len(instructions)
        if row.entry is None:
            instructions.append(_nameless(index, row))
            unclaimed = index + 1
            continue
        entry, statement = history[row.entry], statements[row.entry]
        span = None
        if row.layer is not None and single_snapshot and entry.author == kaniko.AUTHOR:
            span = _Span(index, index)
        elif row.layer is not None:
            span = _span(instructions, unclaimed, entry, statement)
        own = span is None or builders.is_squash(entry)
        instruction = _instruction(index, row, entry, statement, span if own else None)
        blank += instruction.evidence == "none" and row.layer is not None
        if row.layer is None or own:
            instructions.append(instruction)
        elif span is not None:
            closing = _instruction(index, Row(row.entry, None), entry, statement, None)
            instructions += [closing, _covering(index + 1, row.layer, span, closing)]
        if row.layer is not None:
            unclaimed = len(instructions)
            if span is not None:
                notes.append(_squash_note(row.layer, span))
    if blank:
        notes.append(
            Note("history-blank", f"the history says nothing about {blank} of {layer_count} layers")
        )
    return tuple(instructions), tuple(notes)


def named_base(instructions: Sequence[Instruction]) -> Base | None:
    """The base image that buildah named, or that ko or Jib put their layers on.

    None if the base image's layers are squashed into one with the rest, or if another builder continued from there.
    """
    found: Base | None = None
    below = 0
    for instruction in instructions:
        if instruction.comment.startswith("buildkit."):
            return None
        parent = builders.parent_of_comment(instruction.comment)
        if parent is not None and not builders.is_image_id(parent):
            found = Base(layers=below, name=parent, evidence="history") if below else None
        below += len(instruction.layers)
    return found or _base_of_application(instructions)


def _base_of_application(instructions: Sequence[Instruction]) -> Base | None:
    """What is below the last layers, if ko or Jib made those in one build. The history has no name for it."""
    made = [step for step in instructions if step.layers]
    first = len(made)
    last = made[-1].created_by if made else ""
    while first and builders.adds_application(last) and made[first - 1].created_by == last:
        first -= 1
    parts = [step.comment for step in made[first:]]
    if not parts or not first or len(set(parts)) < len(parts):
        return None
    return Base(
        layers=sum(len(step.layers) for step in made[:first]), name=None, evidence="history"
    )


def _instruction(
    index: int, row: Row, entry: HistoryEntry, statement: Statement, span: _Span | None
) -> Instruction:
    subject = "an empty step" if row.layer is None else f"layer {row.layer}"
    created_by, text, evidence = entry.created_by, statement.text, "history"
    if row.base:
        # BuildKit describes the layer at the entry's position here, which is a different layer.
        return _nameless(index, row, entry.comment)
    if builders.is_padding(entry):
        text, evidence = _unknown(subject, entry.comment), "none"
    return Instruction(
        index=index,
        keyword=statement.keyword,
        text=text or _unknown(subject, ""),
        created_by=created_by,
        comment=entry.comment,
        empty=row.layer is None,
        layers=() if row.layer is None else (row.layer,),
        evidence=evidence,
        range=None if span is None else (span.first, span.last),
        arguments=statement.arguments,
    )


def _nameless(index: int, row: Row, comment: str = "") -> Instruction:
    kind = "base image layer" if row.base else "layer"
    return Instruction(
        index=index,
        keyword="",
        text=f"{kind} {row.layer} (no history)",
        comment=comment,
        layers=() if row.layer is None else (row.layer,),
        evidence="none",
    )


def _covering(index: int, layer: int, span: _Span, closing: Instruction) -> Instruction:
    if span.first != span.last:
        covered = f"instructions {span.first} to {span.last}"
    elif span.base is None:
        covered = f"all steps up to {closing.text}"
    else:
        covered = closing.text
    below = "" if span.base is None else f"FROM {span.base} and "
    text = f"{below}{covered}, in one layer"
    return Instruction(
        index=index, keyword="", text=text, layers=(layer,), range=(span.first, span.last)
    )


def _squash_note(layer: int, span: _Span) -> Note:
    below = "" if span.base is None else f"its base image {span.base} and "
    if span.first != span.last:
        covered = f"instructions {span.first} to {span.last}"
    else:
        covered = f"{'all steps up to ' if span.base is None else ''}instruction {span.last}"
    return Note(
        "history-squashed",
        f"the layer is squashed: it covers {below}{covered}, and its bytes cannot be divided among them",
        layer,
    )


def _unknown(subject: str, comment: str) -> str:
    comment = comment.strip()
    return f"{subject} (no history: {comment})" if comment else f"{subject} (no history)"


def _span(
    before: Sequence[Instruction], begin: int, entry: HistoryEntry, statement: Statement
) -> _Span | None:
    """The rows from `begin` on that the next row's layer covers; None if that row alone made it.

    Docker's --squash adds its own entry. buildah without layers gives the only layer to the last step, of any kind, and
    marks the steps before it empty. One step names the image below in its comment: the last one until buildah 1.28, and
    the first one later. kaniko with a single snapshot does the same and leaves out the other steps.
    """
    end = len(before)
    changing = [i for i in range(begin, end) if before[i].keyword in ("RUN", "COPY", "ADD")]
    if builders.is_squash(entry):
        if changing:
            return _Span(changing[0], changing[-1])
        return _Span(begin, end - 1) if begin < end else None
    if entry.author == kaniko.AUTHOR and statement.keyword in METADATA_KEYWORDS:
        return _Span(end, end)
    if statement.keyword and not statement.classic:
        return None
    parent = builders.parent_of(entry)
    first = _naming(before, begin) if parent is None else None
    if first is not None:
        parent = builders.parent_of_comment(before[first].comment)
    lowest = begin == 0 and not any(step.layers for step in before)
    named = parent not in (None, "scratch") and not builders.is_image_id(parent or "")
    base = parent if lowest and named else None
    if first is None or not (base or (changing and first <= changing[-1])):
        if not base and not (changing and _closes_a_build(before, changing, entry, statement)):
            return None
        first = _first(before, begin, changing[0] if changing else end)
    return _Span(first, end, base)


def _closes_a_build(
    before: Sequence[Instruction],
    changing: Sequence[int],
    entry: HistoryEntry,
    statement: Statement,
) -> bool:
    """Whether buildah gave this last step the layer of the steps before it, some of them `changing` files."""
    steps = before[changing[0] :]
    if builders.parent_of(entry) is not None:
        return all(builders.parent_of_comment(step.comment) is None for step in steps)
    if builders.is_padding(entry) or statement.keyword == "WORKDIR":
        return False
    if statement.keyword in ("RUN", "COPY", "ADD"):
        # The classic builder marks a RUN that changed nothing as empty, but never a COPY.
        return any(before[i].keyword != "RUN" for i in changing)
    return bool(statement.keyword) or _is_buildah(steps)


def _is_buildah(steps: Sequence[Instruction]) -> bool:
    """Whether empty steps can only come from buildah, which has no separate step for the commit."""
    return any(step.keyword in ("COPY", "ADD") for step in steps)


def _naming(before: Sequence[Instruction], begin: int) -> int | None:
    """The first step of a build by buildah 1.29 or later, which names the image below; None if there is none."""
    for index in range(len(before) - 1, begin - 1, -1):
        parent = builders.parent_of_comment(before[index].comment)
        if parent is not None:
            return None if builders.is_image_id(parent) else index
    return None


def _first(before: Sequence[Instruction], begin: int, changing: int) -> int:
    """Where the build starts, given `changing`, its first step that changes files.

    The base image's last steps are empty too. They end at a step that itself names an image below, at the command that
    closes a build, or at a step of another builder.
    """
    for index in range(changing - 1, begin - 1, -1):
        step = before[index]
        if (
            step.keyword in ("", "CMD", "ENTRYPOINT")
            or step.comment.startswith("buildkit.")
            or builders.parent_of_comment(step.comment) is not None
        ):
            return index + 1
    return begin
