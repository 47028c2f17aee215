"""BuildKit's provenance: which lines of the Dockerfile made which layer.

Statements are SLSA v0.2 or v1 predicates as moby/buildkit's docs/attestations describe them; only builds with
`mode=max` carry a source map. They are unsigned text of the image: nothing in them is trusted but what the digests of
the image's own layers confirm.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass, field

from layerscope.errors import FormatError
from layerscope.image.digest import Digest
from layerscope.image.document import Node, parse_document
from layerscope.image.image import Attestation
from layerscope.image.instruction import Location
from layerscope.limits import Limits

PREDICATES = ("https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1")
_METADATA_V02 = "https://mobyproject.org/buildkit@v1#metadata"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who made a layer: the lines, and whether these are the FROM of a base image."""

    location: Location | None
    base: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What one statement says of one image: the Dockerfiles by name, and the owner of each layer that it knows."""

    dockerfiles: tuple[tuple[str, str], ...] = field(repr=False)
    owners: tuple[Owner | None, ...]
    base_name: str | None
    target: str | None


def read_provenance(
    attestation: Attestation, layers: Sequence[Digest | None], limits: Limits
) -> Provenance | None:
    """The source map of an image whose stored layers have these digests; None for a statement that holds none.

    Raises `FormatError` for a statement that is malformed or is not the bytes its digest names.
    """
    if attestation.predicate_type not in PREDICATES:
        return None
    blob = attestation.blob
    data = blob.read_at(0, limits.attestation_bytes + 1)
    if Digest.of(data, attestation.digest.algorithm) != attestation.digest:
        raise FormatError(f"{blob.name}: is not the bytes that {attestation.digest} names")
    statement = parse_document(
        data, blob.name, max_bytes=limits.attestation_bytes, max_depth=limits.json_depth
    )
    predicate = statement.object("predicate")
    metadata, steps = _parts(predicate)
    if metadata is None:
        return None
    source = metadata.optional_object("source")
    chains = metadata.optional_object("layers")
    if source is None:
        return None
    files = [(info.text("filename"), _decoded(info)) for info in source.optional_objects("infos")]
    locations = _locations(source, [name for name, _ in files])
    bases = dict(_base_steps(steps))
    owners = (
        _owners(chains, layers, locations, bases) if chains is not None else [None] * len(layers)
    )
    return Provenance(
        dockerfiles=tuple(files),
        owners=tuple(owners),
        base_name=next(iter(bases.values()), None) if len(bases) == 1 else None,
        target=_target(predicate),
    )


def _parts(predicate: Node) -> tuple[Node | None, list[Node]]:
    """The BuildKit metadata and the build's steps, of either version of the predicate."""
    definition = predicate.optional_object("buildDefinition")
    if definition is not None:
        internal = definition.optional_object("internalParameters")
        config = internal.optional_object("buildConfig") if internal else None
        details = predicate.optional_object("runDetails")
        holder = details.optional_object("metadata") if details else None
        metadata = holder.optional_object("buildkit_metadata") if holder else None
    else:
        config = predicate.optional_object("buildConfig")
        holder = predicate.optional_object("metadata")
        metadata = holder.optional_object(_METADATA_V02) if holder else None
    return metadata, config.optional_objects("llbDefinition") if config else []


def _target(predicate: Node) -> str | None:
    definition = predicate.optional_object("buildDefinition")
    if definition is not None:
        external = definition.optional_object("externalParameters")
        request = external.optional_object("request") if external else None
    else:
        invocation = predicate.optional_object("invocation")
        request = invocation.optional_object("parameters") if invocation else None
    arguments = dict(request.text_map("args")) if request else {}
    return arguments.get("target")


def _decoded(info: Node) -> str:
    try:
        return base64.b64decode(info.optional_text("data") or "", validate=True).decode(
            "utf-8", "replace"
        )
    except binascii.Error:
        info.fail("data is not base64")


def _locations(source: Node, files: list[str]) -> dict[str, Location]:
    """The lines of each step, from the first that any of its ranges names to the last of the same range list."""
    found: dict[str, Location] = {}
    holder = source.optional_object("locations")
    for step in _members(holder):
        for location in step[1].optional_objects("locations"):
            number = location.integer("sourceIndex") if location.has("sourceIndex") else 0
            ranges = location.optional_objects("ranges")
            lines = [
                (part.object("start").integer("line"), part.object("end").integer("line"))
                for part in ranges
            ]
            if lines and number < len(files) and step[0] not in found:
                found[step[0]] = Location(
                    files[number], min(line for line, _ in lines), max(line for _, line in lines)
                )
    return found


def _members(holder: Node | None) -> list[tuple[str, Node]]:
    if holder is None or not isinstance(holder.value, dict):
        return []
    return [
        (key, Node(value, holder.document, f"{holder.path}.{key[:40]}"))
        for key, value in holder.value.items()
    ]


def _base_steps(steps: Sequence[Node]) -> list[tuple[str, str]]:
    """The steps that fetch a base image, with its name."""
    found = []
    for step in steps:
        op = step.optional_object("op")
        kind = op.optional_object("Op") if op else None
        source = kind.optional_object("source") if kind else None
        name = source.optional_text("identifier") if source else None
        if name is not None and name.startswith(("docker-image://", "oci-layout://")):
            found.append((step.text("id"), name.partition("://")[2]))
    return found


def _owners(
    chains: Node,
    layers: Sequence[Digest | None],
    locations: dict[str, Location],
    bases: dict[str, str],
) -> list[Owner | None]:
    """Who made each layer: steps claim the prefixes of the image that they end, shortest first.

    A chain is cumulative, so the step whose chain ends at a layer, and no earlier step's does, made the layers since.
    A step with a location is preferred. Behind a merge (`COPY --link`) chains no longer begin at the image's base:
    there the step whose chain ends in that very layer made it.
    """
    stored = [str(layer) for layer in layers]
    prefixes: dict[int, str] = {}
    enders: dict[str, str] = {}
    for key, value in _members(chains):
        step = key.partition(":")[0]
        for chain in value.items():
            digests = [descriptor.text("digest") for descriptor in chain.items()]
            if not digests:
                continue
            if digests == stored[: len(digests)]:
                held = prefixes.get(len(digests))
                if held is None or (held not in locations and step in locations):
                    prefixes[len(digests)] = step
            elif step in locations and (len(digests) == 1 or digests[-1] not in enders):
                enders[digests[-1]] = step
    owners: list[Owner | None] = [None] * len(stored)
    done = 0
    for length in sorted(prefixes):
        step = prefixes[length]
        for index in range(done, length):
            merged = step not in bases and (length - done > 1 or step not in locations)
            single = enders.get(stored[index]) if merged else None
            owner = single or step
            owners[index] = Owner(locations.get(owner), owner in bases)
        done = length
    for index in range(done, len(stored)):
        if stored[index] in enders:
            owners[index] = Owner(locations.get(enders[stored[index]]), False)
    return owners
