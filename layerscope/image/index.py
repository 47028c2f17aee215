"""Image indexes: opencontainers/image-spec image-index.md, and Docker's manifest lists."""

from __future__ import annotations

from layerscope.image import media_type
from layerscope.image.descriptor import Descriptor
from layerscope.image.document import Node
from layerscope.image.manifest import Manifest
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A list of manifests and of further indexes."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, node: Node) -> Index:
        """Read an image index; raises `FormatError`."""
        refuse_ambiguous(node)
        return cls(
            media_type=node.optional_text("mediaType") or "",
            manifests=tuple(map(Descriptor.parse, node.optional_objects("manifests"))),
            annotations=node.text_map("annotations"),
        )


def parse_index_or_manifest(node: Node, expected: str, *, max_layers: int) -> Index | Manifest:
    """Read the document that a descriptor of media type `expected` points to.

    Raises `FormatError` if the descriptor, the document's own media type, and its content disagree, because readers
    would then see different images (CVE-2021-41190).
    """
    refuse_ambiguous(node, expected)
    if (
        node.has("manifests")
        or _declared(node) in media_type.INDEXES
        or expected in media_type.INDEXES
    ):
        return Index.parse(node)
    return Manifest.parse(node, max_layers=max_layers)


def _declared(node: Node) -> str:
    return node.optional_text("mediaType") or ""


def refuse_ambiguous(node: Node, expected: str = "") -> None:
    """Raise `FormatError` for a document that is an index to one reader and a manifest to another."""
    if node.has("manifests") and (node.has("layers") or node.has("config") or node.has("fsLayers")):
        node.fail(
            "has both `manifests` and `layers`, so it is an index to some readers and a manifest to others"
        )
    declared = _declared(node)
    if expected and declared and expected != declared and _family(expected) != _family(declared):
        node.fail(f"calls itself {declared[:80]!r}, but is referred to as {expected[:80]!r}")
    for name in (declared, expected):
        if name in media_type.INDEXES and (node.has("layers") or node.has("config")):
            node.fail(f"is called an index ({name!r}) but holds a manifest")
        if name in media_type.MANIFESTS and node.has("manifests"):
            node.fail(f"is called a manifest ({name!r}) but holds an index")


def _family(name: str) -> str:
    if name in media_type.INDEXES:
        return "index"
    return "manifest" if name in media_type.MANIFESTS else name
