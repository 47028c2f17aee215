"""The way back: where the cursor was before each jump."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from layerscope.records import dataclass

if TYPE_CHECKING:
    from layerscope.tui.model.view import Scope

MOST_PLACES: Final = 100


@dataclass(frozen=True, slots=True)
class Place:
    """A pane, and the view and path that the files pane showed."""

    pane: str
    scope: Scope
    path: bytes


@dataclass(slots=True)
class Trail:
    """Remembers the last `MOST_PLACES` places."""

    places: list[Place] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.places)

    def leave(self, place: Place) -> None:
        self.places = [*self.places[1 - MOST_PLACES :], place]

    def back(self) -> Place | None:
        """Return the most recent place and forget it."""
        return self.places.pop() if self.places else None
