"""An image as its manifest and config describe it, with its layers' blobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from types import TracebackType
from typing import Final

from layerscope.image.blob import StoredBlob
from layerscope.image.config import ImageConfig
from layerscope.image.digest import Digest
from layerscope.image.instruction import Instruction
from layerscope.image.platform import Platform
from layerscope.notes import Note
from layerscope.records import dataclass

LOCAL_ENGINE: Final = "local"
"""An engine of this machine, which is trusted like the machine itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """One position in an image's stack, base first.

    `blob` is None if the source doesn't have the bytes (a foreign layer); `size` is then the manifest's claim.
    `digest` is the digest of the blob as stored, or None if only the uncompressed tar is known (legacy docker-archive).
    """

    index: int
    diff_id: Digest | None
    digest: Digest | None
    media_type: str
    size: int
    blob: StoredBlob | None
    instruction: int
    vouched_by: str | None = None
    """The engine that computed the diff_id from this very layer (its address, or `LOCAL_ENGINE`); None for a mere claim."""
    annotations: tuple[tuple[str, str], ...] = ()
    """Those of the layer's descriptor in the manifest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attestation:
    """An in-toto statement about an image (provenance, SBOM) that its builder attached: unsigned, unread, untrusted."""

    predicate_type: str
    digest: Digest
    blob: StoredBlob


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The base image: its number of layers from the bottom, its name, and how that is known."""

    layers: int
    name: str | None
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Siblings:
    """The images for several platforms of an index, in its order, if all of them were requested.

    `open` opens one of them; it lives as long as the image that was opened first. `absent` are platforms that the index
    lists and the source does not hold.
    """

    platforms: tuple[Platform, ...]
    open: Callable[[int], Image] = field(repr=False)
    absent: tuple[Platform, ...] = ()
    index_digest: Digest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """One open image of one platform; a context manager that closes its files."""

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
    """The name and text of each Dockerfile with matched instructions; untrusted if it comes with the image."""
    siblings: Siblings | None = field(default=None, repr=False)
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
