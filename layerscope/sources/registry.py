"""Images in a registry. Reading them without a copy is not built yet; the error says how to get one."""

from __future__ import annotations

from layerscope.errors import SourceUnavailable
from layerscope.image.image import Image
from layerscope.sources.reference import check_name
from layerscope.sources.source import Request


def open_target(target: str, request: Request) -> Image:
    """Raises `SourceUnavailable`, always."""
    check_name(target, request.reference)
    raise SourceUnavailable(
        f"layerscope cannot read {target!r} from its registry yet",
        hint=f"skopeo copy docker://{target} oci-archive:FILE, and give it FILE",
    )


def holds_names() -> bool:
    """A bare name may always be that of an image in a registry."""
    return True
