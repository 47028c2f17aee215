"""The best evidence for every instruction: BuildKit's provenance, then a Dockerfile, then the history alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from layerscope.errors import FormatError
from layerscope.image.alignment import align, written_text
from layerscope.image.digest import Digest
from layerscope.image.dockerfile import Step, final_stage, parse_dockerfile
from layerscope.image.image import Attestation, Base
from layerscope.image.instruction import Instruction, Location
from layerscope.image.provenance import Provenance, read_provenance
from layerscope.limits import Limits
from layerscope.notes import Notes


@dataclass(frozen=True, slots=True)
class Blame:
    """Instructions with the lines that are known, the Dockerfiles of these lines, and the base image where its end is known."""

    instructions: tuple[Instruction, ...]
    base: Base | None
    dockerfiles: tuple[tuple[str, str], ...]


def blame(
    instructions: tuple[Instruction, ...],
    layers: Sequence[Digest | None],
    attestations: Sequence[Attestation],
    dockerfile: tuple[str, str] | None,
    limits: Limits,
    notes: Notes,
) -> Blame:
    """Tie instructions to Dockerfile lines.

    `layers` are the digests of the stored layers, `dockerfile` the name and text of one that the user gave. A statement
    that cannot be read is noted and passed over: blame then rests on what else is known.
    """
    base: Base | None = None
    texts: dict[str, str] = {}
    for attestation in attestations:
        try:
            provenance = read_provenance(attestation, layers, limits)
        except FormatError as error:
            notes.add(
                "provenance-unreadable", f"a provenance statement is passed over: {error.message}"
            )
            continue
        if provenance is not None:
            instructions = _by_provenance(instructions, provenance)
            texts |= dict(provenance.dockerfiles)
            base = base or _base(provenance)
    if dockerfile is not None:
        name, text = dockerfile
        texts[name] = text
        steps = final_stage(parse_dockerfile(text))
        instructions = align(instructions, steps, name, "dockerfile")
        if not any(step.location for step in instructions):
            notes.add(
                "dockerfile-unrelated",
                f"no instruction of {name} is found in the image's history: it made another image",
            )
        base = base or _base_above(instructions, steps, name)
    named = {step.location.file for step in instructions if step.location is not None}
    return Blame(instructions, base, tuple(pair for pair in texts.items() if pair[0] in named))


def _by_provenance(
    instructions: tuple[Instruction, ...], provenance: Provenance
) -> tuple[Instruction, ...]:
    parsed = {name: parse_dockerfile(text) for name, text in provenance.dockerfiles}
    located = list(instructions)
    for index, instruction in enumerate(instructions):
        owners = {provenance.owners[layer] for layer in instruction.layers}
        owner = owners.pop() if len(owners) == 1 else None
        if owner is None or owner.location is None:
            continue
        step = _step_at(parsed.get(owner.location.file, ()), owner.location)
        located[index] = replace(
            instruction,
            text=instruction.text
            if owner.base or step is None
            else written_text(instruction, step),
            evidence="provenance",
            location=owner.location,
        )
    result = tuple(located)
    for name, steps in parsed.items():
        result = align(result, final_stage(steps, provenance.target), name, "provenance")
    return result


def _step_at(steps: Sequence[Step], location: Location) -> Step | None:
    return next((step for step in steps if step.start_line == location.start_line), None)


def _base(provenance: Provenance) -> Base | None:
    count = 0
    for owner in provenance.owners:
        if owner is None or not owner.base:
            break
        count += 1
    return Base(layers=count, name=provenance.base_name, evidence="provenance") if count else None


def _base_above(
    instructions: Sequence[Instruction], steps: Sequence[Step], name: str
) -> Base | None:
    """The layers above the first line of a Dockerfile all of whose steps were found are those of its base image."""
    own = {step.start_line for step in steps if step.keyword not in ("FROM", "ARG")}
    found = {
        step.location.start_line: step.index
        for step in instructions
        if step.location is not None and step.location.file == name
    }
    if not own or not own <= found.keys():
        return None
    first = min(found.values())
    count = sum(len(step.layers) for step in instructions if step.index < first)
    words = [word for word in steps[0].text.split()[1:] if not word.startswith("--")]
    base_name = words[0] if words and "$" not in words[0] else None
    if base_name == "scratch":
        return None
    return Base(layers=count, name=base_name, evidence="dockerfile")
