"""An image as its manifest and config describe it, with the blobs of its layers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from layerscope.image.blob import StoredBlob
from layerscope.image.config import ImageConfig
from layerscope.image.digest import Digest
from layerscope.image.instruction import Instruction
from layerscope.image.platform import Platform
from layerscope.notes import Note


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One place in the stack of an image, base first.

    `blob` is None where the source does not hold the bytes (a foreign layer); `size` is then the manifest's word.
    `digest` is that of the blob as stored and None where only the uncompressed tar is known (legacy docker-archive).
    """

    index: int
    diff_id: Digest | None
    digest: Digest | None
    media_type: str
    size: int
    blob: StoredBlob | None
    instruction: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """An in-toto statement about an image (provenance, SBOM), as its builder attached it; unsigned, unread, untrusted."""

    predicate_type: str
    digest: Digest
    blob: StoredBlob


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The base image: how many layers from the bottom are its own, its name, and how that is known."""

    layers: int
    name: str | None
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One image of one platform, opened; a context manager that closes what it holds open."""

    reference: str
    source: str
    tags: tuple[str, ...]
    platform: Platform
    manifest_digest: Digest | None
    config_digest: Digest
    config: ImageConfig
    layers: tuple[Layer, ...]
    instructions: tuple[Instruction, ...]
    notes: tuple[Note, ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    attestations: tuple[Attestation, ...] = ()
    base: Base | None = None
    dockerfiles: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Name and text of those that instructions are tied to; untrusted where they come with the image."""
    closers: tuple[Callable[[], None], ...] = field(default=(), repr=False)

    def close(self) -> None:
        for close in self.closers:
            close()

    def __enter__(self) -> Image:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
