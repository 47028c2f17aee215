"""How long calls tell how far they are, and hear that they should stop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from layerscope.errors import Cancelled


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` bytes of a stage (`export`, `spool`, `read`); `total` is None where it is not known.

    While layers are read, `layer` is the one that is at work, of `layers` in all; several may be, and a blob that stands
    in the image more than once counts once.
    """

    stage: str
    done: int
    total: int | None
    layer: int | None = None
    layers: int | None = None


ProgressCallback = Callable[[Progress], None]
CancelledCallback = Callable[[], bool]


def stop_if(cancelled: CancelledCallback | None) -> None:
    """Raise `Cancelled` when the caller asks to stop."""
    if cancelled is not None and cancelled():
        raise Cancelled("cancelled")
