"""The document about an image for all its platforms. Its schema is `schema/platforms-1.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import layerscope
from layerscope.report.document.defaults import SCHEMA_VERSION
from layerscope.report.paths import clean_text

if TYPE_CHECKING:
    from layerscope.image.image import Image
    from layerscope.image.platform import Platform
    from layerscope.report.document.rows import MaybeSizesRow, ReportDocument
    from layerscope.report.platforms.rows import PlatformsDocument, PlatformsTotalRow


def build_platforms(
    image: Image, reports: Sequence[ReportDocument], absent: Sequence[Platform]
) -> PlatformsDocument:
    """The reports of all platforms, in the order of the index, and every distinct layer once.

    `image` is the first one. `absent` are platforms that the index lists but the source doesn't have.
    """
    digest = None if image.siblings is None else image.siblings.index_digest
    return {
        "absent": [clean_text(str(platform)) for platform in absent],
        "image": {
            "index_digest": None if digest is None else str(digest),
            "reference": clean_text(image.reference),
            "source": image.source,
            "tags": [clean_text(tag) for tag in image.tags],
        },
        "kind": "platforms",
        "layerscope": layerscope.__version__,
        "platforms": list(reports),
        "schema_version": SCHEMA_VERSION,
        "total": _total(reports),
    }


def _total(reports: Sequence[ReportDocument]) -> PlatformsTotalRow:
    """Each blob once, whichever platforms share it. Null for a size that is unknown for one of them."""
    once: dict[object, MaybeSizesRow] = {}
    for number, report in enumerate(reports):
        for layer in report["layers"]:
            key = layer["digest"] or layer["diff_id"] or (number, layer["index"])
            once.setdefault(key, layer["sizes"])

    def total(name: Literal["compressed", "content", "tar"]) -> int | None:
        known = [size for row in once.values() if (size := row[name]) is not None]
        return sum(known) if len(known) == len(once) else None

    return {
        "compressed": total("compressed"),
        "content": total("content"),
        "layers": len(once),
        "tar": total("tar"),
    }
