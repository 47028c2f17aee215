"""What registries and caches store in the form of an image that isn't one, named for what it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from layerscope.errors import UnsupportedFormat
from layerscope.image import media_type as media_types
from layerscope.image.descriptor import Descriptor
from layerscope.image.manifest import Manifest

_CACHE_HINT = "a build cache has no filesystem: export the image itself with `--output type=oci`"
_HINT = "layerscope only reads container images"


def not_an_image(place: str, descriptor: Descriptor, manifest: Manifest) -> UnsupportedFormat:
    """The error for a manifest whose config isn't that of a container image."""
    config = manifest.config.media_type
    types = [manifest.artifact_type, config, *(layer.media_type for layer in manifest.layers)]
    known = _first(types)
    what = "an artifact" if known is None else known
    kind = f" of type {manifest.artifact_type!r}" if manifest.artifact_type else ""
    again = "" if known is None else ", an artifact"
    return UnsupportedFormat(
        f"{place}: {descriptor.digest} is {what}{kind}{again} with the config {config!r},"
        " not a container image",
        hint=_CACHE_HINT if config == media_types.BUILDKIT_CACHE else _HINT,
    )


def not_a_manifest(place: str, listed: Sequence[Descriptor]) -> UnsupportedFormat:
    """The error for an index that lists blobs that aren't manifests."""
    types = [descriptor.media_type for descriptor in listed]
    if media_types.BUILDKIT_CACHE in types:
        return UnsupportedFormat(f"{place} is a BuildKit cache, not an image", hint=_CACHE_HINT)
    what = _first(types) or "an artifact"
    return UnsupportedFormat(
        f"{place} holds {what}, not a container image: its index lists {types[0]!r}", hint=_HINT
    )


def _first(types: Iterable[str]) -> str | None:
    return next((what for what in map(media_types.what_is, types) if what is not None), None)
