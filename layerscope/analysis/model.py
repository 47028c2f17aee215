"""What an analysis of an image says; every front end reads these objects and computes no number of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from layerscope.image.digest import Digest
from layerscope.image.image import Image
from layerscope.image.instruction import Instruction
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Paths that a layer added, modified or deleted, against the filesystem below it."""

    added: int
    modified: int
    deleted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSummary:
    """One layer, base first; `instruction` is an index into the instructions.

    `indexed` is False for a layer whose tar is not in the source or is no tar (foreign, artifact): its sizes are then
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
class Analysis:
    """The facts of one image. `waste` is complete, largest first."""

    image: Image
    sizes: Sizes
    files: FileCounts
    wasted_by_kind: Mapping[WasteKind, int]
    layers: tuple[LayerSummary, ...]
    instructions: tuple[InstructionSummary, ...]
    waste: tuple[WastedFile, ...]
    notes: tuple[Note, ...]
    tree: FileTree = field(repr=False)
    indexes: tuple[StoredLayer | None, ...] = field(repr=False)

    @property
    def largest(self) -> tuple[LiveFile, ...]:
        """The largest live files, largest first; looked for when they are asked for."""
        from layerscope.analysis.largest import largest_files

        return largest_files(self)
