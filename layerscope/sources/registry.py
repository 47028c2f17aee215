"""Images in a registry, which layerscope does not read yet: the error says so, and how to get a copy."""

from __future__ import annotations

from layerscope.errors import SourceUnavailable
from layerscope.image.image import Image
from layerscope.sources.reference import check_name
from layerscope.sources.source import Request


def open_target(target: str, request: Request) -> Image:
    """Raises `SourceUnavailable`, always."""
    check_name(target, request.reference)
    raise SourceUnavailable(
        f"images in a registry are not supported yet: layerscope cannot read {target!r} there",
        hint=f"skopeo copy docker://{target} oci-archive:FILE, and give layerscope the FILE",
    )


def holds_names() -> bool:
    """A bare name may always be that of an image in a registry."""
    return True
