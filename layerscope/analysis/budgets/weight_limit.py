"""Limits on dead weight: what the kinds of one name hold or a pull transfers of them, and how much it grew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fnmatch import fnmatchcase

from layerscope.analysis.budgets.causes import by_size
from layerscope.analysis.budgets.matched import MatchedLimit
from layerscope.analysis.budgets.rules import NOT_COMPRESSED, weight_unknown
from layerscope.analysis.budgets.scope import Found
from layerscope.analysis.model import Facts, sum_of
from layerscope.analysis.weight.facts import KindWeight
from layerscope.analysis.weight.kinds import WEIGHT_KINDS, WEIGHT_WORDS
from layerscope.records import dataclass
from layerscope.units import format_size


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightLimit(MatchedLimit):
    """A limit on the dead weight of all kinds whose name matches a shell pattern."""

    @property
    def noun(self) -> str:
        return "dead weight"

    def total(self, facts: Facts) -> Found:
        """What these kinds hold."""
        unknown = weight_unknown(facts, self.match)
        if unknown:
            return Found(None, unknown)
        kinds = () if facts.weight is None else facts.weight.kinds
        found = [each for each in kinds if fnmatchcase(each.kind, self.match)]
        size = sum_of(each.compressed if self.compressed else each.bytes for each in found)
        if size is None:
            return Found(None, NOT_COMPRESSED)
        return Found(size, _words(found), _causes(found))


def is_known(pattern: str) -> bool:
    """Whether a pattern matches a kind of dead weight."""
    return any(fnmatchcase(kind, pattern) for kind in WEIGHT_KINDS)


def _causes(found: Sequence[KindWeight]) -> tuple[int, ...]:
    sizes: Counter[int] = Counter()
    for each in found:
        for part in each.parts:
            sizes[part.instruction] += part.bytes
    return tuple(index for index, size in by_size(sizes) if size)


def _words(found: Sequence[KindWeight]) -> str:
    if not found:
        return "none found"
    most = max(found, key=lambda each: each.bytes)
    if not most.paths:
        return ""
    path = most.paths[0]
    name = path.path.decode("utf-8", "backslashreplace")
    kind = f" of {WEIGHT_WORDS[most.kind]}" if len(found) > 1 else ""
    return f"most, {format_size(path.bytes)}{kind}, in /{name} by instruction {path.instruction}"
