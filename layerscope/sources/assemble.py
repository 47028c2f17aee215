"""Builds an image from its config and its stored layers, the same way for every source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from layerscope.errors import ImageNotFound, LimitExceeded
from layerscope.image import media_type as media_types
from layerscope.image.attribution import attribute, named_base
from layerscope.image.config import ImageConfig, read_diff_ids
from layerscope.image.digest import Digest
from layerscope.image.document import Node
from layerscope.image.history import HistoryEntry
from layerscope.image.image import Attestation, Base, Image, Layer, Siblings
from layerscope.image.instruction import Instruction
from layerscope.image.platform import Platform
from layerscope.limits import Limits
from layerscope.notes import Notes
from layerscope.records import dataclass
from layerscope.sources.order import matched
from layerscope.sources.source import Request
from layerscope.sources.stored import StoredLayer

_BASE = "org.opencontainers.image.base"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a source knows about one image."""

    place: str
    source: str
    tags: tuple[str, ...]
    config: Node
    config_digest: Digest
    layers: Sequence[StoredLayer]
    platform: Platform | None = None
    manifest_digest: Digest | None = None
    annotations: tuple[tuple[str, str], ...] = ()
    attestations: tuple[Attestation, ...] = ()
    siblings: Siblings | None = None
    is_chosen_by_platform: bool = False
    """Whether the source has images for other platforms too, and chose the one for this machine."""

    def diff_ids(self, limits: Limits) -> list[Digest | None]:
        """The diff_id of each layer; raises `FormatError` when the config and the layers disagree."""
        if len(self.layers) > limits.layers:
            raise LimitExceeded(
                f"{self.place} names {len(self.layers)} layers, more than the {limits.layers} allowed",
                limit="layers",
            )
        return matched(self.place, self.layers, read_diff_ids(self.config))


def assemble(
    parts: Parts, request: Request, notes: Notes, closers: tuple[Callable[[], None], ...]
) -> Image:
    """The image, with each layer tied to its instruction.

    Raises `FormatError` when the config and the layers disagree, and `ImageNotFound` for another platform.
    """
    config = ImageConfig.parse(parts.config, notes)
    if len(config.history) > request.limits.history:
        raise LimitExceeded(
            f"{parts.place} has {len(config.history)} history entries, more than the {request.limits.history} allowed",
            limit="history",
        )
    diff_ids = parts.diff_ids(request.limits)
    platform = _platform(parts, config, notes)
    if request.platform is not None and not request.platform.covers(platform):
        raise ImageNotFound(
            f"{parts.place} holds an image for {platform}, not for {request.platform}"
        )
    for index, layer in enumerate(parts.layers):
        _note_oddities(index, layer, notes)
    instructions, base, dockerfiles = _instructions(parts, request, config.history, notes)
    return Image(
        reference=request.reference,
        source=parts.source,
        tags=parts.tags,
        platform=platform,
        manifest_digest=parts.manifest_digest,
        config_digest=parts.config_digest,
        config=config,
        layers=_layers(parts, diff_ids, instructions),
        instructions=instructions,
        notes=tuple(notes),
        annotations=parts.annotations,
        attestations=parts.attestations,
        base=_with_name(base, parts.annotations),
        dockerfiles=dockerfiles,
        siblings=parts.siblings,
        closers=closers,
    )


def _instructions(
    parts: Parts, request: Request, history: tuple[HistoryEntry, ...], notes: Notes
) -> tuple[tuple[Instruction, ...], Base | None, tuple[tuple[str, str], ...]]:
    """The instructions, the base image, and the names and texts of the Dockerfiles."""
    if parts.attestations or request.dockerfile is not None:
        from layerscope.image.blame import blame

        digests = [layer.digest for layer in parts.layers]
        blamed = blame(
            history, digests, parts.attestations, request.dockerfile, request.limits, notes
        )
        return blamed.instructions, blamed.base, blamed.dockerfiles
    instructions, remarks = attribute(history, len(parts.layers))
    notes.extend(remarks)
    return instructions, named_base(instructions), ()


def _with_name(base: Base | None, annotations: tuple[tuple[str, str], ...]) -> Base | None:
    """The base image with the name that the manifest's annotations have for it."""
    if base is None or base.name is not None:
        return base
    named = dict(annotations)
    name, digest = named.get(f"{_BASE}.name"), named.get(f"{_BASE}.digest")
    if not name:
        return base
    return replace(base, name=f"{name}@{digest}" if digest and "@" not in name else name)


def _layers(
    parts: Parts, diff_ids: list[Digest | None], instructions: Sequence[Instruction]
) -> tuple[Layer, ...]:
    owner = {index: step.index for step in instructions for index in step.layers}
    return tuple(
        Layer(
            index=index,
            diff_id=diff_ids[index],
            digest=layer.digest,
            media_type=layer.media_type,
            size=layer.size,
            blob=layer.blob,
            instruction=owner[index],
            annotations=layer.annotations,
        )
        for index, layer in enumerate(parts.layers)
    )


def _platform(parts: Parts, config: ImageConfig, notes: Notes) -> Platform:
    """The config's platform. A config without one has the platform that the index lists."""
    own, listed = config.platform, parts.platform
    if listed is None or not (listed.os or listed.architecture):
        return own
    if not (own.os or own.architecture):
        return listed
    if (own.os, own.architecture) != (listed.os, listed.architecture):
        notes.add("platform-mismatch", f"the index says {listed}, but the config says {own}")
    return own


def _note_oddities(index: int, layer: StoredLayer, notes: Notes) -> None:
    if not media_types.is_tar_layer(layer.media_type):
        what = media_types.describe(layer.media_type)
        notes.add(
            "layer-not-tar",
            f"the layer is {what} ({layer.media_type!r}), so its files are unknown",
            layer=index,
        )
    if layer.blob is None:
        notes.add(
            "layer-not-in-archive",
            f"the layer of {layer.size} bytes isn't distributed with the image, so its files are unknown",
            layer=index,
        )
