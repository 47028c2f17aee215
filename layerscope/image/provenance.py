"""BuildKit's provenance: which Dockerfile lines made which layer.

Statements are SLSA v0.2 or v1 predicates as described in moby/buildkit's docs/attestations. Only builds with
`mode=max` include a source map. They are unsigned text from the image: only what the digests of the image's own layers
confirm is trusted.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import field

from layerscope.errors import FormatError
from layerscope.image.digest import Digest
from layerscope.image.dockerfile import MAX_BYTES
from layerscope.image.document import Node, parse_document
from layerscope.image.image import Attestation
from layerscope.image.instruction import Location
from layerscope.image.llb import Build
from layerscope.limits import Limits
from layerscope.records import dataclass

PREDICATES = ("https://slsa.dev/provenance/v0.2", "https://slsa.dev/provenance/v1")
_FILES = 4
"""The most Dockerfiles of the largest size in one statement. A build has one."""
_METADATA_V02 = "https://mobyproject.org/buildkit@v1#metadata"


@dataclass(frozen=True, slots=True)
class Owner:
    """What made a layer: its lines, whether they are the FROM of a base image, and that image's name.

    BuildKit merges identical steps of several stages into one; `locations` then lists each, in no fixed order.
    """

    locations: tuple[Location, ...]
    base: bool
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What one statement says about one image: the Dockerfiles by name, and the owner of each layer it knows.

    `exact` is False if the layers' digests differ from the build's, and steps are matched by number and order.
    """

    dockerfiles: tuple[tuple[str, str], ...] = field(repr=False)
    owners: tuple[Owner | None, ...]
    base_name: str | None
    target: str | None
    exact: bool = True
    build: Build | None = field(default=None, repr=False)


def read_provenance(
    attestation: Attestation, layers: Sequence[Digest | None], limits: Limits
) -> Provenance | None:
    """The source map of an image whose stored layers have these digests; None if the statement has none.

    Raises `FormatError` if the statement is malformed or doesn't match its digest.
    """
    if attestation.predicate_type not in PREDICATES:
        return None
    blob = attestation.blob
    data = blob.read_at(0, limits.attestation_bytes + 1)
    if Digest.of(data, attestation.digest.algorithm) != attestation.digest:
        raise FormatError(f"{blob.name}: does not match its digest {attestation.digest}")
    statement = parse_document(
        data, blob.name, max_bytes=limits.bound("attestation_bytes"), max_depth=limits.json_depth
    )
    predicate = statement.object("predicate")
    metadata, steps = _parts(predicate)
    if metadata is None:
        return None
    source = metadata.optional_object("source")
    chains = metadata.optional_object("layers")
    if source is None:
        return None
    files = _files(source)
    locations = _locations(source, [name for name, _ in files])
    bases = dict(_base_steps(steps))
    stored = [str(layer) for layer in layers]
    owners: list[Owner | None] = [None] * len(stored)
    exact = True
    if chains is not None:
        owners = _owners(chains, stored, locations, bases)
        if None in owners:
            built = _built(chains, len(stored), _last(steps))
            if built is not None and built != stored:
                exact = False
                owners = _owners(chains, built, locations, bases)
    lowest = owners[0] if owners else None
    name = lowest.name if lowest is not None else None
    if name is None and len(bases) == 1:
        name = next(iter(bases.values()))
    return Provenance(
        dockerfiles=tuple(files),
        owners=tuple(owners),
        base_name=name,
        target=_target(predicate),
        exact=exact,
        build=Build([step.value for step in steps], locations),
    )


def _files(source: Node) -> list[tuple[str, str]]:
    """The Dockerfiles by name, with the same size limit as one the user passes."""
    files: list[tuple[str, str]] = []
    left = _FILES * MAX_BYTES
    for info in source.optional_objects("infos"):
        text = _decoded(info)
        left -= len(text)
        if len(text) > MAX_BYTES or left < 0:
            info.fail(f"data has more than {MAX_BYTES} bytes, too many for a Dockerfile")
        files.append((info.text("filename"), text))
    return files


def _parts(predicate: Node) -> tuple[Node | None, list[Node]]:
    """The BuildKit metadata and the build's steps, from either version of the predicate."""
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
    data = info.optional_text("data") or ""
    if len(data) > 2 * MAX_BYTES:
        info.fail(f"data has more than {MAX_BYTES} bytes, too many for a Dockerfile")
    try:
        return base64.b64decode(data, validate=True).decode("utf-8", "replace")
    except ValueError:  # not base64, or not ASCII
        info.fail("data is not base64")


def _locations(source: Node, files: list[str]) -> dict[str, tuple[Location, ...]]:
    """The lines of each step, from the first to the last line of any of its ranges."""
    found: dict[str, tuple[Location, ...]] = {}
    holder = source.optional_object("locations")
    for name, step in _members(holder):
        places: list[Location] = []
        for location in step.optional_objects("locations"):
            number = location.integer("sourceIndex") if location.has("sourceIndex") else 0
            lines = [
                (part.object("start").integer("line"), part.object("end").integer("line"))
                for part in location.optional_objects("ranges")
            ]
            if lines and 0 <= number < len(files):
                places.append(
                    Location(
                        files[number],
                        min(line for line, _ in lines),
                        max(line for _, line in lines),
                    )
                )
        if places:
            found[name] = tuple(places)
    return found


def _last(steps: Sequence[Node]) -> str | None:
    """The step that results in the image: the input of the last step, which itself does nothing."""
    inputs = steps[-1].optional_texts("inputs") if steps else ()
    return inputs[0].partition(":")[0] if len(inputs) == 1 else None


def _built(chains: Node, count: int, last: str | None) -> list[str] | None:
    """The blobs that the build made, if another tool or a later export compressed them again.

    They are the chain of the image's own step, which has as many blobs as the image has layers.
    """
    found: dict[str, list[str]] = {}
    for key, value in _members(chains):
        for chain in value.items():
            items = chain.items()
            if len(items) == count:
                found.setdefault(
                    key.partition(":")[0], [descriptor.text("digest") for descriptor in items]
                )
    if last in found:
        return found[last]
    return next(iter(found.values())) if len(found) == 1 else None


def _members(holder: Node | None) -> list[tuple[str, Node]]:
    if holder is None or not isinstance(holder.value, dict):
        return []
    return [
        (key, Node(value, holder.document, f"{holder.path}.{key[:40]}"))
        for key, value in holder.value.items()
    ]


def _base_steps(steps: Sequence[Node]) -> list[tuple[str, str]]:
    """The steps that fetch a base image, and its name."""
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
    stored: Sequence[str],
    locations: dict[str, tuple[Location, ...]],
    bases: dict[str, str],
) -> list[Owner | None]:
    """Which step made each layer: steps claim the prefixes of the image that they end, shortest first.

    Chains are cumulative, so if a step's chain is the first to end at a layer, that step made the layers since the one
    before. A step with a location is preferred. After a merge (`COPY --link`), chains no longer start at the image's
    base, so the step whose chain ends with a layer made that layer.
    """
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
            owners[index] = Owner(locations.get(owner, ()), owner in bases, bases.get(owner))
        done = length
    for index in range(done, len(stored)):
        if stored[index] in enders:
            owners[index] = Owner(locations.get(enders[stored[index]], ()), False)
    return owners
