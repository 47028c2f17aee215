"""Layers whose index is known before their blobs are read: from a cache, or from another image of the same run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from layerscope.image.image import Layer
from layerscope.layers.reader import StoredLayer, Verify
from layerscope.limits import Limits


@dataclass(frozen=True, slots=True)
class KnownLayer:
    """A layer as reading its blob would give it; `spent` counts toward `Limits.extra_bytes`."""

    stored: StoredLayer
    spent: int


class KnownLayers(Protocol):
    """Where indexes are looked up before layers are read, and kept afterwards."""

    proves: bool
    """Whether to compare every tar that is read in full with its diff_id."""

    def find(self, layer: Layer, *, verify: Verify, limits: Limits) -> KnownLayer | None:
        """The layer without reading its blob, exactly as reading it would give it; None if that cannot be."""

    def keep(self, layer: Layer, known: KnownLayer, *, limits: Limits) -> None:
        """Take note of a layer that was read within `limits`."""
