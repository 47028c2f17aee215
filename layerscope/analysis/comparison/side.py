"""One side of a comparison: an image that was just analyzed, or what a saved report says of one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from layerscope.analysis.masked import NO_MASKS, Masks, masks_of
from layerscope.analysis.model import (
    Analysis,
    FileCounts,
    InstructionSummary,
    LayerSummary,
    Sizes,
    WasteKind,
)
from layerscope.filesystem.tree import FileTree
from layerscope.image.config import ImageConfig
from layerscope.image.instruction import Instruction
from layerscope.image.platform import Platform
from layerscope.layers.reader import StoredLayer
from layerscope.notes import Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """The final filesystem, and where its contents can be read: nowhere, for a saved report, whose entries bring hashes."""

    tree: FileTree = field(repr=False)
    indexes: Sequence[StoredLayer | None] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What a comparison knows of an image. `files` is None where a saved report has no file list.

    `saved` tells that it comes from a report, in which values that look secret are hidden. Digests are text. `masks` hides
    the secrets of a text that is shown; the texts here are compared as they are.
    """

    reference: str
    source: str
    tags: tuple[str, ...]
    platform: Platform
    created: str | None
    manifest_digest: str | None
    config_digest: str
    saved: bool
    config: ImageConfig
    sizes: Sizes
    counts: FileCounts
    wasted_by_kind: Mapping[WasteKind, int]
    layers: tuple[LayerSummary, ...]
    instructions: tuple[InstructionSummary, ...]
    notes: tuple[Note, ...]
    files: Files | None
    masks: Masks = field(default_factory=Masks, repr=False)

    @property
    def name(self) -> str:
        """What a person calls it: by its tag where it is a file, as it was asked for otherwise."""
        return self.tags[0] if self.tags and "-" in self.source else self.reference

    def shown_text(self, instruction: Instruction) -> str:
        """The text of an instruction as it may be shown, with its build arguments where these are asked for."""
        if self.masks is NO_MASKS:
            return instruction.text_with_arguments()
        return self.masks.text(instruction.text)

    @classmethod
    def of(cls, analysis: Analysis, *, show_args: bool = False) -> Side:
        """The side that an analysis makes; its image has to stay open while contents may be compared."""
        image = analysis.image
        digest = image.manifest_digest
        return cls(
            reference=image.reference,
            source=image.source,
            tags=image.tags,
            platform=image.platform,
            created=image.config.created,
            manifest_digest=None if digest is None else str(digest),
            config_digest=str(image.config_digest),
            saved=False,
            config=image.config,
            sizes=analysis.sizes,
            counts=analysis.files,
            wasted_by_kind=analysis.wasted_by_kind,
            layers=analysis.layers,
            instructions=analysis.instructions,
            notes=analysis.notes,
            files=Files(tree=analysis.tree, indexes=analysis.indexes),
            masks=NO_MASKS if show_args else masks_of(analysis),
        )


def layer_key(layer: LayerSummary) -> str | None:
    """What is equal for layers of the same content: the diff_id, else the digest; None where neither is known."""
    known = layer.diff_id or layer.digest
    return None if known is None else str(known)
