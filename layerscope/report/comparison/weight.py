"""Dead weight in a comparison: how it grew, by kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from layerscope.analysis.weight.kinds import RANKS, WEIGHT_WORDS, WeightKind
from layerscope.units import format_delta

if TYPE_CHECKING:
    from layerscope.analysis.model import Facts
    from layerscope.analysis.weight.facts import DeadWeight
    from layerscope.report.comparison.rows import ComparedWeightRow, ComparisonDocument, KindPairRow

SHOWN: Final = 8


def compared_weight(a: Facts, b: Facts) -> ComparedWeightRow:
    """The dead weight of both images, null where it is unknown. Kinds that differ come first, the largest difference first."""
    one, other = a.weight, b.weight
    names: set[WeightKind] = {
        kind.kind for each in (one, other) if each is not None for kind in each.kinds
    }
    kinds = [_kind(name, one, other) for name in names]
    kinds.sort(key=lambda row: (-abs(row["delta"] or 0), RANKS[row["kind"]]))
    before = None if one is None else one.bytes
    after = None if other is None else other.bytes
    known = before is not None and after is not None
    return {
        "kinds": kinds,
        "total": {
            "a": before,
            "b": after,
            "delta": (after or 0) - (before or 0) if known else None,
        },
    }


def _kind(name: WeightKind, a: DeadWeight | None, b: DeadWeight | None) -> KindPairRow:
    before, after = _bytes(name, a), _bytes(name, b)
    known = before is not None and after is not None
    delta = (after or 0) - (before or 0) if known else None
    return {"a": before, "b": after, "delta": delta, "kind": name}


def _bytes(name: WeightKind, weight: DeadWeight | None) -> int | None:
    """The bytes of a kind; None if it could not be looked for."""
    if weight is None:
        return None
    found = weight.of(name)
    if found is None:
        return None if name in weight.unmeasured else 0
    return found.bytes


def kinds_that_differ(document: ComparisonDocument) -> list[tuple[str, KindPairRow]]:
    """The kinds of dead weight that differ, in words, the largest difference first."""
    rows = document["dead_weight"]["kinds"]
    return [(WEIGHT_WORDS[row["kind"]], row) for row in rows if row["delta"]]


def weight_words(document: ComparisonDocument) -> str:
    """The kinds that differ most: `documentation +12.0 MB, logs −1.0 kB`; empty if none does."""
    rows = [row for row in document["dead_weight"]["kinds"] if row["delta"]]
    words = [
        f"{WEIGHT_WORDS[row['kind']]} {format_delta(row['delta'] or 0)}" for row in rows[:SHOWN]
    ]
    if rows[SHOWN:]:
        words.append(f"{len(rows) - SHOWN} more kinds")
    return ", ".join(words)
