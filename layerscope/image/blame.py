"""Finds the best evidence for every instruction: BuildKit's provenance, then a Dockerfile, then the history alone."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import replace

from layerscope.errors import FormatError
from layerscope.image import kaniko
from layerscope.image.alignment import Aligner, written_text
from layerscope.image.attribution import attribute, named_base
from layerscope.image.digest import Digest
from layerscope.image.dockerfile import Step, final_stage, parse_dockerfile
from layerscope.image.history import HistoryEntry
from layerscope.image.image import Attestation, Base
from layerscope.image.instruction import Instruction, Location
from layerscope.image.provenance import Owner, Provenance, read_provenance
from layerscope.image.stages import Stages
from layerscope.limits import Limits
from layerscope.notes import Notes
from layerscope.records import dataclass

_COPIES = 500
"""The most instructions whose sources are looked up."""
_STATEMENTS = 8
"""The most provenance statements to read for one image. A build attaches one."""


@dataclass(frozen=True, slots=True)
class Blame:
    """The instructions with their known lines, the Dockerfiles of these lines, and the base image if its end is known."""

    instructions: tuple[Instruction, ...]
    base: Base | None
    dockerfiles: tuple[tuple[str, str], ...]


def blame(
    history: Sequence[HistoryEntry],
    layers: Sequence[Digest | None],
    attestations: Sequence[Attestation],
    dockerfile: tuple[str, str] | None,
    limits: Limits,
    notes: Notes,
) -> Blame:
    """Attribute the layers and match instructions to Dockerfile lines.

    `layers` are the digests of the stored layers. `dockerfile` is the name and text of the one the user passed. An
    unreadable provenance statement is skipped with a note, and blame then relies on the remaining evidence.
    """
    base: Base | None = None
    texts: dict[str, str] = {}
    aligner = Aligner()
    statements = _read(attestations, layers, limits, notes)
    for provenance in statements:
        texts |= dict(provenance.dockerfiles)
        base = base or _base(provenance)
    steps: tuple[Step, ...] = ()
    if dockerfile is not None:
        steps = final_stage(parse_dockerfile(dockerfile[1]))
    instructions, remarks = attribute(
        history,
        len(layers),
        base.layers if base else None,
        single_snapshot=kaniko.is_single_snapshot(history, steps),
    )
    notes.extend(remarks)
    for provenance in statements:
        instructions = _by_provenance(instructions, provenance, aligner)
    if dockerfile is not None:
        texts[dockerfile[0]] = dockerfile[1]
        instructions, above = _by_dockerfile(instructions, steps, dockerfile[0], aligner, notes)
        base = base or above
    instructions = _with_sources(_with_spans(instructions, steps), texts, statements)
    if dockerfile is not None and steps:
        base = base or kaniko.base_below(history, instructions, steps, dockerfile[0])
    named = {step.location.file for step in instructions if step.location is not None}
    return Blame(
        instructions,
        base or named_base(instructions),
        tuple(pair for pair in texts.items() if pair[0] in named),
    )


def _read(
    attestations: Sequence[Attestation],
    layers: Sequence[Digest | None],
    limits: Limits,
    notes: Notes,
) -> list[Provenance]:
    statements: list[Provenance] = []
    unique = {attestation.digest: attestation for attestation in attestations}
    for attestation in list(unique.values())[:_STATEMENTS]:
        try:
            provenance = read_provenance(attestation, layers, limits)
        except FormatError as error:
            notes.add(
                "provenance-unreadable", f"a provenance statement is skipped: {error.message}"
            )
            continue
        if provenance is None:
            continue
        statements.append(provenance)
        if not provenance.exact:
            notes.add(
                "provenance-by-order",
                "the layers were compressed again after the build: the provenance steps are matched by"
                " number and order, not by digest",
            )
    return statements


class _Shipped:
    """The steps of one Dockerfile, and which of them built the image."""

    def __init__(self, text: str, target: str | None) -> None:
        self._steps = parse_dockerfile(text)
        self._starts = [step.start_line for step in self._steps]
        self.chain = final_stage(self._steps, target)
        self._own = {step.start_line for step in self.chain}

    def step(self, location: Location) -> Step | None:
        """The step that the lines belong to."""
        at = bisect_right(self._starts, location.start_line) - 1
        if at < 0 or location.start_line > self._steps[at].end_line:
            return None
        return self._steps[at]

    def holds(self, location: Location) -> bool:
        """Whether the lines belong to the stage that is shipped, or to a stage it is FROM."""
        step = self.step(location)
        return step is not None and step.start_line in self._own


def _by_provenance(
    instructions: tuple[Instruction, ...], provenance: Provenance, aligner: Aligner
) -> tuple[Instruction, ...]:
    files = {
        name: _Shipped(text, provenance.target)
        for name, text in dict(provenance.dockerfiles).items()
    }
    result = tuple(_owned(each, provenance, files) for each in instructions)
    for name, shipped in files.items():
        result = aligner.align(result, shipped.chain, name, "provenance")
    return result


def _by_dockerfile(
    instructions: tuple[Instruction, ...],
    steps: tuple[Step, ...],
    name: str,
    aligner: Aligner,
    notes: Notes,
) -> tuple[tuple[Instruction, ...], Base | None]:
    """The instructions with their lines in the Dockerfile that the user passed, and the base image below them."""
    aligned = aligner.align(instructions, steps, name, "dockerfile")
    if not any(step.location for step in aligned):
        notes.add(
            "dockerfile-unrelated",
            f"the image's history has no instruction from {name}: it built a different image",
        )
    return _base_above(aligned, steps, name)


def _owned(
    instruction: Instruction, provenance: Provenance, files: dict[str, _Shipped]
) -> Instruction:
    """The instruction with the lines of the step that made its layers."""
    owners = {provenance.owners[layer] for layer in instruction.layers}
    owner = owners.pop() if len(owners) == 1 else None
    if owner is None or not owner.locations or instruction.range is not None:
        return instruction
    location = _shipped_location(owner, files)
    shipped = files.get(location.file)
    step = shipped.step(location) if shipped else None
    if shipped is None or not shipped.chain:
        return instruction
    source = next(each for each in shipped.chain if each.keyword == "FROM")
    from_line = Location(location.file, source.start_line, source.end_line)
    if owner.base:
        text = instruction.text
        if instruction.evidence == "none" and owner.name:
            text = f"base image {owner.name.partition('@')[0]}, {_layers(instruction)} (no history)"
        if step is None or step.keyword != "FROM":
            location = from_line
        return replace(instruction, text=text, evidence="provenance", location=location)
    if step is None or location.start_line == 1 or step.keyword == "FROM":
        # BuildKit counts an ONBUILD trigger's lines within the trigger, which lives in the base image.
        return replace(instruction, evidence="provenance", location=from_line)
    if step.keyword == instruction.keyword:
        text = written_text(instruction, step)
        return replace(instruction, text=text, evidence="provenance", location=location)
    if step.keyword in ("RUN", "COPY", "ADD", "WORKDIR") and shipped.holds(location):
        return replace(
            instruction,
            keyword=step.keyword,
            text=step.text,
            arguments=(),
            evidence="provenance",
            location=location,
        )
    return instruction


def _layers(instruction: Instruction) -> str:
    return "layer " + ", ".join(str(layer) for layer in instruction.layers)


def _shipped_location(owner: Owner, files: dict[str, _Shipped]) -> Location:
    """Of one step's several locations, the one in the stage that built the image."""
    for location in owner.locations:
        shipped = files.get(location.file)
        if shipped is not None and shipped.holds(location):
            return location
    return owner.locations[0]


def _base(provenance: Provenance) -> Base | None:
    count = 0
    for owner in provenance.owners:
        if owner is None or not owner.base:
            break
        count += 1
    return Base(layers=count, name=provenance.base_name, evidence="provenance") if count else None


def _base_above(
    instructions: tuple[Instruction, ...], steps: Sequence[Step], name: str
) -> tuple[tuple[Instruction, ...], Base | None]:
    """The base image's layers: those below the first line of a Dockerfile, if all of its steps were found.

    The triggers that the base image's ONBUILD left belong to the child and its FROM line.
    """
    own = {step.start_line for step in steps if step.keyword not in ("FROM", "ARG")}
    found = {
        step.location.start_line: step.index
        for step in instructions
        if step.location is not None and step.location.file == name
    }
    if not own or not own <= found.keys():
        return instructions, None
    first = min(found.values())
    triggers = [step for step in instructions[:first] if step.keyword == "ONBUILD"]
    ran = instructions[first - len(triggers) : first]
    located = list(instructions)
    if triggers and [_triggered(step) for step in triggers] == [step.keyword for step in ran]:
        first -= len(triggers)
        source = Location(name, steps[0].start_line, steps[0].end_line)
        for step in ran:
            if step.location is None:
                located[step.index] = replace(step, location=source, evidence="dockerfile")
    count = sum(len(step.layers) for step in instructions[:first])
    words = [word for word in steps[0].text.split()[1:] if not word.startswith("--")]
    base_name = words[0] if words and "$" not in words[0] else None
    if base_name == "scratch" or not count:
        # A base image without layers of its own is squashed into the first one.
        return tuple(located), None
    return tuple(located), Base(layers=count, name=base_name, evidence="dockerfile")


def _triggered(step: Instruction) -> str:
    words = step.text.split(None, 2)
    return words[1].upper() if len(words) > 1 else ""


def _with_sources(
    instructions: tuple[Instruction, ...],
    texts: Mapping[str, str],
    statements: Sequence[Provenance],
) -> tuple[Instruction, ...]:
    """Say of each `COPY --from` which instructions of the other stage can have made its files."""
    found = list(instructions)
    stages: dict[str, Stages] = {}
    left = _COPIES
    for step in instructions:
        where = step.location
        if (
            step.keyword not in ("COPY", "ADD")
            or where is None
            or where.file not in texts
            or not left
        ):
            continue
        if where.file not in stages:
            stages[where.file] = Stages(parse_dockerfile(texts[where.file]), where.file)
        own = stages[where.file]
        place = own.place(where)
        if place is None:
            continue
        left -= 1
        builds = (each.build for each in statements if each.build is not None)
        copied = next((each for build in builds if (each := build.copied(where, own))), None)
        copied = copied or own.copied(place)
        if copied is not None and (copied.stage is not None or copied.image is not None):
            found[step.index] = replace(step, copied_from=copied)
    return tuple(found)


def _with_spans(
    instructions: tuple[Instruction, ...], steps: Sequence[Step]
) -> tuple[Instruction, ...]:
    """Give a layer that covers several instructions their lines, from the first to the last.

    If the history has only the last one, they begin with the first of the given Dockerfile's `steps`.
    """
    located = list(instructions)
    first = next((step.start_line for step in steps if step.keyword not in ("FROM", "ARG")), None)
    for step in instructions:
        if step.range is None or step.location is not None:
            continue
        inner = instructions[step.range[0] : step.range[1] + 1]
        places = [each.location for each in inner if each.location is not None]
        begin = min((place.start_line for place in places), default=0)
        if step.range[0] == step.range[1] and first is not None:
            begin = min(begin, first)
        if places and len({place.file for place in places}) == 1:
            located[step.index] = replace(
                step,
                evidence=next(each.evidence for each in inner if each.location is not None),
                location=Location(
                    places[0].file,
                    begin,
                    max(place.end_line for place in places),
                ),
            )
    return tuple(located)
