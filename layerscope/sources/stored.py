"""A layer as a source stores it."""

from __future__ import annotations

from layerscope.image.blob import StoredBlob
from layerscope.image.digest import Digest
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLayer:
    """A layer as a source stores it; see `layerscope.image.image.Layer`."""

    digest: Digest | None
    media_type: str
    size: int
    blob: StoredBlob | None
    annotations: tuple[tuple[str, str], ...] = ()
