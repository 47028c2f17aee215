"""Descriptors: opencontainers/image-spec descriptor.md."""

from __future__ import annotations

from layerscope.image.digest import Digest
from layerscope.image.document import Node
from layerscope.image.platform import Platform
from layerscope.records import dataclass

REFERENCE_TYPE = "vnd.docker.reference.type"
REFERENCE_DIGEST = "vnd.docker.reference.digest"
REF_NAME = "org.opencontainers.image.ref.name"
CONTAINERD_NAME = "io.containerd.image.name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """Points to a blob: its media type, digest, and stored size in bytes. Its URLs are never followed."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    annotations: tuple[tuple[str, str], ...] = ()
    artifact_type: str = ""
    has_urls: bool = False

    @classmethod
    def parse(cls, node: Node) -> Descriptor:
        """Read a descriptor object; raises `FormatError` with the path to the fault."""
        digest = node.get("digest")
        platform = node.optional_object("platform")
        return cls(
            media_type=node.optional_text("mediaType") or "",
            digest=Digest.parse(node.text("digest"), f"{digest.document}: {digest.path}"),
            size=node.integer("size"),
            platform=None if platform is None else parse_platform(platform),
            annotations=node.text_map("annotations"),
            artifact_type=node.optional_text("artifactType") or "",
            has_urls=bool(node.optional_texts("urls")),
        )

    def annotation(self, key: str) -> str | None:
        return next((value for name, value in self.annotations if name == key), None)

    @property
    def attests(self) -> Digest | None:
        """The manifest that this descriptor's attestation manifest is about, as BuildKit links them."""
        if self.annotation(REFERENCE_TYPE) != "attestation-manifest":
            return None
        digest = self.annotation(REFERENCE_DIGEST)
        return None if digest is None else Digest.parse(digest, REFERENCE_DIGEST)

    @property
    def is_attestation(self) -> bool:
        return self.annotation(REFERENCE_TYPE) == "attestation-manifest"


def parse_platform(node: Node) -> Platform:
    """The platform of an index entry or an image config; missing parts are empty."""
    return Platform(
        node.optional_text("os") or "",
        node.optional_text("architecture") or "",
        node.optional_text("variant") or "",
    )
