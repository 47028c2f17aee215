"""Layers whose index is known without reading their blobs: from the cache, or from another image in the same run."""

from __future__ import annotations

from typing import Protocol

from layerscope.image.image import Layer
from layerscope.layers.reader import StoredLayer, Verify
from layerscope.limits import Limits
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True)
class KnownLayer:
    """A layer as reading its blob would give it. `spent` counts toward `Limits.extra_bytes`."""

    stored: StoredLayer
    spent: int


class KnownLayers(Protocol):
    """A lookup for indexes before layers are read, and a store for them afterwards."""

    proves: bool
    """Whether to compare every tar that is read in full with its diff_id."""

    def find(
        self, layer: Layer, *, verify: Verify, limits: Limits, all_secrets: bool = False
    ) -> KnownLayer | None:
        """The layer exactly as reading its blob would give it; None if it isn't known."""

    def keep(self, layer: Layer, known: KnownLayer, *, limits: Limits) -> None:
        """Store a layer that was read within `limits`."""
