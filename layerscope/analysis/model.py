"""What an analysis of an image says; every front end reads these objects and computes no number of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from layerscope.image.config import ImageConfig
from layerscope.image.digest import Digest
from layerscope.image.image import Base, Image
from layerscope.image.instruction import Instruction
from layerscope.image.platform import Platform
from layerscope.notes import Note

if TYPE_CHECKING:
    from layerscope.filesystem.tree import FileTree
    from layerscope.layers.reader import StoredLayer

WasteKind = Literal[
    "deleted", "overwritten", "metadata_only", "identical_rewrite", "duplicate_entry"
]
WASTE_KINDS: tuple[WasteKind, ...] = (
    "deleted",
    "overwritten",
    "metadata_only",
    "identical_rewrite",
    "duplicate_entry",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Bytes; `content + overhead = tar` and `live + wasted = content`. `compressed` is None where it cannot be known."""

    compressed: int | None
    tar: int
    content: int
    live: int

    @property
    def overhead(self) -> int:
        return self.tar - self.content

    @property
    def wasted(self) -> int:
        return self.content - self.live

    @property
    def efficiency(self) -> float:
        """Share of the content that is live; 1 for an image without content."""
        return self.live / self.content if self.content else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCounts:
    """Entries over all layers, by type; `whiteouts` holds the opaque ones too."""

    regular: int
    directories: int
    symlinks: int
    hardlinks: int
    others: int
    whiteouts: int


NO_COUNTS = FileCounts(regular=0, directories=0, symlinks=0, hardlinks=0, others=0, whiteouts=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Paths that a layer added, modified or deleted, against the filesystem below it."""

    added: int
    modified: int
    deleted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSummary:
    """One layer, base first; `instruction` is an index into the instructions.

    `indexed` is False for a layer whose tar is not in the source or is not a tar (foreign, artifact): its sizes are then
    unknown and left out of the sums, and a note says so.
    """

    index: int
    diff_id: Digest | None
    digest: Digest | None
    media_type: str
    compression: str
    verified: bool
    instruction: int
    indexed: bool
    sizes: Sizes
    changes: Changes


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionSummary:
    instruction: Instruction
    sizes: Sizes


@dataclass(frozen=True, slots=True, kw_only=True)
class WastedFile:
    """Content stored in `layer` that no name in the final filesystem reaches.

    `written_by` and `wasted_by` are indices of instructions; `changed` names what differs where the content is the same
    (mode, uid, gid, mtime, xattrs).
    """

    path: bytes
    kind: WasteKind
    bytes: int
    layer: int
    wasted_in: int
    written_by: int
    wasted_by: int
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFile:
    """Content that the final filesystem reaches at `path`, stored in `layer` by instruction `written_by`."""

    path: bytes
    bytes: int
    layer: int
    written_by: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Every entry of every layer, and the filesystem that they make.

    `indexes` says where contents can be read: nowhere for a saved report, whose entries bring hashes instead.
    """

    tree: FileTree = field(repr=False)
    indexes: Sequence[StoredLayer | None] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known of one image, the same from the image itself and from a saved report of it.

    `saved` says that it comes from a report, which hides values that look secret and may cut `waste` off after its
    largest rows. `files` is None where a report has no list of files. `head` says that no layer was read: of all sizes
    only `compressed` is then known, and `counts`, `wasted_by_kind`, and `waste` are empty. Digests are text.
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
    base: Base | None
    sizes: Sizes
    counts: FileCounts
    wasted_by_kind: Mapping[WasteKind, int]
    layers: tuple[LayerSummary, ...]
    instructions: tuple[InstructionSummary, ...]
    waste: tuple[WastedFile, ...]
    notes: tuple[Note, ...]
    files: Files | None
    head: bool = False

    @property
    def name(self) -> str:
        """What a person calls it: its tag if it comes from a file, otherwise the reference that was given."""
        return self.tags[0] if self.tags and "-" in self.source else self.reference


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """The facts of an opened image, with the image itself. `waste` is complete, largest first."""

    facts: Facts
    image: Image
    tree: FileTree = field(repr=False)
    indexes: tuple[StoredLayer | None, ...] = field(repr=False)

    @property
    def sizes(self) -> Sizes:
        return self.facts.sizes

    @property
    def files(self) -> FileCounts:
        return self.facts.counts

    @property
    def wasted_by_kind(self) -> Mapping[WasteKind, int]:
        return self.facts.wasted_by_kind

    @property
    def layers(self) -> tuple[LayerSummary, ...]:
        return self.facts.layers

    @property
    def instructions(self) -> tuple[InstructionSummary, ...]:
        return self.facts.instructions

    @property
    def waste(self) -> tuple[WastedFile, ...]:
        return self.facts.waste

    @property
    def notes(self) -> tuple[Note, ...]:
        return self.facts.notes

    def close(self) -> None:
        """Close the image."""
        self.image.close()

    def __enter__(self) -> Analysis:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
