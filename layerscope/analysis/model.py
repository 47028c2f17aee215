"""The results of an analysis. Every front end reads these objects and computes no numbers of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from layerscope.image.config import ImageConfig
from layerscope.image.digest import Digest
from layerscope.image.image import Base, Image
from layerscope.image.instruction import Instruction
from layerscope.image.platform import Platform
from layerscope.notes import Note
from layerscope.options import DEFAULT_ADVICE, AdviceOptions
from layerscope.records import dataclass

if TYPE_CHECKING:
    from layerscope.analysis.duplicates import Duplicates
    from layerscope.analysis.origin import Origin
    from layerscope.analysis.ownership import Ownership
    from layerscope.analysis.packages import Packages
    from layerscope.analysis.secrets.facts import Secrets
    from layerscope.analysis.weight.facts import DeadWeight
    from layerscope.analysis.weight.weigh import Weighed
    from layerscope.filesystem.tree import FileTree
    from layerscope.layers.reader import StoredLayer

WasteKind = Literal[
    "deleted", "overwritten", "metadata_only", "identical_rewrite", "duplicate_entry"
]
ChangedField = Literal["gid", "mode", "mtime", "uid", "xattrs"]
CHANGED_FIELDS: tuple[ChangedField, ...] = ("mode", "uid", "gid", "mtime", "xattrs")
WASTE_KINDS: tuple[WasteKind, ...] = (
    "deleted",
    "overwritten",
    "metadata_only",
    "identical_rewrite",
    "duplicate_entry",
)


def sum_of(sizes: Iterable[int | None]) -> int | None:
    """The sum, or None where one of the sizes is unknown."""
    total = 0
    for size in sizes:
        if size is None:
            return None
        total += size
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """Sizes in bytes. `content + overhead = tar`, and `live + wasted = content`. `compressed` is None if unknown.

    `compressed_live` and `compressed_wasted` are the parts of `compressed` that store live and wasted content, with the
    headers of those files, and `compressed_overhead` is the rest. They are None if the blob wasn't read.
    """

    compressed: int | None
    tar: int | None
    content: int
    live: int
    compressed_live: int | None = None
    compressed_wasted: int | None = None

    @property
    def compressed_overhead(self) -> int | None:
        if self.compressed is None or self.compressed_live is None:
            return None
        return self.compressed - self.compressed_live - (self.compressed_wasted or 0)

    @property
    def overhead(self) -> int | None:
        return None if self.tar is None else self.tar - self.content

    @property
    def wasted(self) -> int:
        return self.content - self.live

    @property
    def efficiency(self) -> float:
        """The share of the content that is live; 1 if there is no content."""
        return self.live / self.content if self.content else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FileCounts:
    """The number of entries in all layers, by type. `whiteouts` includes opaque ones."""

    regular: int
    directories: int
    symlinks: int
    hardlinks: int
    others: int
    whiteouts: int


NO_COUNTS = FileCounts(regular=0, directories=0, symlinks=0, hardlinks=0, others=0, whiteouts=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The number of paths that a layer adds, modifies, or deletes, compared with the filesystem below it."""

    added: int
    modified: int
    deleted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSummary:
    """One layer. `instruction` is an index into the instructions.

    `indexed` is False if the source doesn't have the layer's tar or it is not a tar (foreign layers, artifacts). Its
    sizes are then unknown and left out of the totals, and a note says so.
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
    """Content stored in `layer` that no name in the final filesystem refers to.

    `compressed` is the number of bytes it takes in the blob, None if unknown, and 0 if the image lists the blob again.
    `written_by` and `wasted_by` are indices of instructions. If the content stays the same, `changed` names the metadata
    that differs (mode, uid, gid, mtime, xattrs).
    """

    path: bytes
    kind: WasteKind
    bytes: int
    layer: int
    wasted_in: int
    written_by: int
    wasted_by: int
    changed: tuple[ChangedField, ...] = ()
    compressed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFile:
    """Content that is live at `path` in the final filesystem, stored in `layer` by instruction `written_by`."""

    path: bytes
    bytes: int
    layer: int
    written_by: int
    compressed: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Every entry of every layer, and the filesystem they make.

    `indexes` says where to read contents. For a saved report there is nowhere: its entries have hashes instead.
    """

    tree: FileTree = field(repr=False)
    indexes: Sequence[StoredLayer | None] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known about one image, whether from the image itself or from a saved report of it.

    `saved` says that it comes from a report, which masks secrets and may list only the largest rows of `waste`. `files`
    is None if a report has no list of files. `head` says that no layer was read: `compressed` is then the only known
    size, and `counts`, `wasted_by_kind`, and `waste` are empty. `packages`, `weight`, `duplicates`, and `secrets` are None if
    nobody asked for them. Digests are text.
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
    packages: Packages | None = None
    weight: DeadWeight | None = None
    duplicates: Duplicates | None = None
    origin: Origin | None = None
    secrets: Secrets | None = None

    @property
    def name(self) -> str:
        """The image's name: its tag if it comes from a file, otherwise the reference that was given.

        A tag without a repository, as OCI layouts may have, follows the reference.
        """
        if not self.tags or "-" not in self.source:
            return self.reference
        tag = self.tags[0]
        return tag if ":" in tag or "/" in tag else f"{self.reference} ({tag})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """The facts about an opened image, and the image itself. `waste` is complete, largest first.

    `ownership` says which package owns each file, and `weighed` which kind of dead weight it is; None if nobody asked.
    `advising` says which advice to give.
    """

    facts: Facts
    image: Image
    tree: FileTree = field(repr=False)
    indexes: tuple[StoredLayer | None, ...] = field(repr=False)
    ownership: Ownership | None = field(default=None, repr=False)
    advising: AdviceOptions = DEFAULT_ADVICE
    weighed: Weighed | None = field(default=None, repr=False)

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
