"""What a filter finds outside the current view."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from layerscope.records import dataclass
from layerscope.tui.model.finder import Finder
from layerscope.tui.model.flags import both, select
from layerscope.tui.model.session import CHANGES
from layerscope.tui.model.view import Scope

if TYPE_CHECKING:
    from layerscope.analysis.filter.query import Query
    from layerscope.tui.model.session import Session


@dataclass(frozen=True, slots=True)
class Hits:
    """A view with hits, and how many of them are removed files."""

    scope: Scope
    count: int
    removed: int

    @property
    def words(self) -> str:
        others = self.count - self.removed
        parts = []
        if self.removed:
            parts.append(f"{self.removed:,} removed file" + ("s" if self.removed != 1 else ""))
        if others:
            where = (
                f"in layer {self.scope.first}" if self.scope.mode == "layer" else "in all layers"
            )
            parts.append(f"{others:,} {where}")
        return ", ".join(parts)


def find_elsewhere(
    session: Session, query: Query, scope: Scope, cancelled: Callable[[], bool]
) -> Hits | None:
    """Look in all layers together, then, for a `kind:`, in the layers one by one. Raises `Cancelled`."""
    last = session.last_layer
    scopes = [Scope("range", 0, last)]
    if query.marks is not None:
        near = sorted(range(last + 1), key=lambda layer: (abs(layer - scope.last), -layer))
        scopes += [Scope("layer", layer, layer) for layer in near]
    for each in scopes:
        hits = _find_in(session, query, each, cancelled)
        if hits.count:
            return hits
    return None


def _find_in(session: Session, query: Query, scope: Scope, cancelled: Callable[[], bool]) -> Hits:
    totals = session.totals(scope, cancelled)
    changed = CHANGES["added"] | CHANGES["modified"] | CHANGES["removed"]
    found = Finder(session.outline, totals, cancelled).find(query, select(totals.marks, changed))
    removed = both(found, select(totals.marks, CHANGES["removed"]))
    return Hits(scope, found.count(1), removed.count(1))
