"""Image manifests: opencontainers/image-spec manifest.md, and Docker's image manifest schema 2."""

from __future__ import annotations

from layerscope.errors import LimitExceeded, UnsupportedFormat
from layerscope.image import media_type
from layerscope.image.descriptor import Descriptor
from layerscope.image.document import Node
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The config and layers, base first, of one image for one platform (or of an artifact)."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: tuple[tuple[str, str], ...] = ()
    artifact_type: str = ""

    @classmethod
    def parse(cls, node: Node, *, max_layers: int) -> Manifest:
        """Read an image manifest; raises `FormatError`, and `LimitExceeded` beyond `max_layers`."""
        if node.has("fsLayers") or node.has("signatures"):
            raise UnsupportedFormat(
                f"{node.document} is a schema 1 image manifest, which registries no longer support",
                hint="pull and push the image with a current engine",
            )
        layers = node.optional_objects("layers")
        if len(layers) > max_layers:
            raise LimitExceeded(
                f"{node.document} names {len(layers)} layers, more than the {max_layers} allowed",
                limit="layers",
            )
        return cls(
            media_type=node.optional_text("mediaType") or "",
            config=Descriptor.parse(node.object("config")),
            layers=tuple(map(Descriptor.parse, layers)),
            annotations=node.text_map("annotations"),
            artifact_type=node.optional_text("artifactType") or "",
        )

    @property
    def is_image(self) -> bool:
        """Whether this is a container image, not an artifact in the same format (a chart, a module, a signature)."""
        return self.config.media_type in ("", media_type.OCI_CONFIG, media_type.DOCKER_CONFIG)
