"""Limits on packages: what those of one name store or a pull transfers of them, and how much it grew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase

from layerscope.analysis.budgets.causes import by_size
from layerscope.analysis.budgets.matched import MatchedLimit
from layerscope.analysis.budgets.rules import NOT_COMPRESSED, missing_layers
from layerscope.analysis.budgets.scope import Found
from layerscope.analysis.model import Facts, sum_of
from layerscope.analysis.packages import PackageFacts, name_matcher
from layerscope.records import dataclass
from layerscope.units import count, format_size


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageLimit(MatchedLimit):
    """A limit on all packages that match a shell pattern for `type:name`, or for the name alone."""

    @property
    def noun(self) -> str:
        return "package"

    def total(self, facts: Facts) -> Found:
        """What these packages store."""
        unknown = _unknown(facts, self.match)
        if unknown:
            return Found(None, unknown)
        found = _matching(facts, name_matcher(self.match))
        size = sum_of(row.compressed if self.compressed else row.content for row in found)
        if size is None:
            return Found(None, NOT_COMPRESSED)
        return Found(size, _largest(found, self.compressed), self._causes(found))

    def _causes(self, found: Sequence[PackageFacts]) -> tuple[int, ...]:
        sizes: Counter[int] = Counter()
        for row in found:
            sizes[row.instruction] += _bytes(row, self.compressed)
        return tuple(index for index, size in by_size(sizes) if size)


def _matching(facts: Facts, matches: Callable[[str, str], bool]) -> list[PackageFacts]:
    rows: Iterable[PackageFacts] = () if facts.packages is None else facts.packages.rows
    return [row for row in rows if matches(row.package.type, row.package.full_name)]


def _bytes(row: PackageFacts, compressed: bool) -> int:
    return (row.compressed or 0) if compressed else row.content


def _largest(found: Sequence[PackageFacts], compressed: bool) -> str:
    if not found:
        return "no package matches"
    row = max(found, key=lambda each: _bytes(each, compressed))
    package = row.package
    name = " ".join(part for part in (package.type, package.full_name, package.version) if part)
    if len(found) == 1:
        return f"{name} by instruction {row.instruction}"
    size = format_size(_bytes(row, compressed))
    most = f"most, {size}, by {name} of instruction {row.instruction}"
    return f"{count(len(found), 'package')}; {most}"


def _unknown(facts: Facts, pattern: str) -> str:
    """Why the content of the packages that match is unknown, or "" if it is known."""
    missing = missing_layers(facts)
    if missing:
        return missing
    if facts.packages is None:
        if facts.saved:
            return "unknown: the report has no packages; save it again with them"
        return "unknown: packages were not read; leave --no-packages out"
    if facts.packages.rest is not None:
        return "unknown: the report lists only the largest packages; save it with --files"
    kind, colon, _ = pattern.partition(":")
    unreadable = [
        each for each in facts.packages.unreadable if not colon or fnmatchcase(each, kind)
    ]
    if unreadable:
        return f"unknown: packages of type {unreadable[0]} may be missing, as a note says"
    return ""
