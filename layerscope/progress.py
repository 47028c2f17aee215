"""How long calls report progress and learn that they should stop."""

from __future__ import annotations

from collections.abc import Callable

from layerscope.errors import Cancelled
from layerscope.records import dataclass


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` bytes of a stage (`export`, `spool`, `read`); `total` is None if unknown.

    While layers are read, `layer` is the one in progress, out of `layers`. Several can be in progress, and a blob that
    appears in the image more than once counts once.
    """

    stage: str
    done: int
    total: int | None
    layer: int | None = None
    layers: int | None = None


ProgressCallback = Callable[[Progress], None]
CancelledCallback = Callable[[], bool]
RemarkCallback = Callable[[str], None]
"""Takes one line about how an image is read, such as why the cache is not used. It is not part of the report."""


def stop_if(cancelled: CancelledCallback | None) -> None:
    """Raise `Cancelled` when the caller asks to stop."""
    if cancelled is not None and cancelled():
        raise Cancelled("cancelled")
