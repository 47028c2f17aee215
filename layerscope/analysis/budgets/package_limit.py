"""Limits on packages: what those of one name store or a pull transfers of them, and how much it grew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from fractions import Fraction

from layerscope.analysis.budgets.causes import by_size
from layerscope.analysis.budgets.growth import Change, part_growth
from layerscope.analysis.budgets.part import part_result
from layerscope.analysis.budgets.quantities import Number, Unit, unit_of
from layerscope.analysis.budgets.rules import NOT_COMPRESSED, Case, missing_layers
from layerscope.analysis.budgets.scope import Level
from layerscope.analysis.budgets.verdict import RuleResult
from layerscope.analysis.model import Facts, sum_of
from layerscope.analysis.packages import PackageFacts, name_matcher
from layerscope.records import dataclass
from layerscope.units import count, format_size


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageLimit:
    """A limit on the content of all packages that match a shell pattern, on their compressed bytes, or on the growth
    of either since the baseline.

    The pattern is for `type:name`, or for the name alone.
    """

    match: str
    limit: Number
    growth: bool = False
    compressed: bool = False
    level: Level = "fail"
    reason: str = ""
    written: str = ""

    @property
    def rule(self) -> str:
        middle = "_compressed" if self.compressed else ""
        return f"max_package{middle}_{'growth' if self.growth else 'size'}"

    @property
    def unit(self) -> Unit:
        return unit_of("growth" if self.growth else "size", self.limit)

    def judge(self, case: Case) -> RuleResult:
        """The result, with the instructions to look at if the rule is broken."""
        matches = name_matcher(self.match)
        found = _matching(case.analysis, matches)
        size = self._size(case.analysis, found)
        if isinstance(size, str):
            change = Change(unknown=size)
        elif self.growth:
            change = self._growth(case, size, matches)
        else:
            change = Change(value=Fraction(size))
        return part_result(
            self, self.match, change, _largest(found, self.compressed), self._causes(found)
        )

    def _size(self, facts: Facts, found: Sequence[PackageFacts]) -> int | str:
        """The bytes of some packages, or why they are unknown."""
        unknown = _unknown(facts, self.match)
        if unknown:
            return unknown
        size = sum_of(row.compressed if self.compressed else row.content for row in found)
        return NOT_COMPRESSED if size is None else size

    def _growth(self, case: Case, now: int, matches: Callable[[str, str], bool]) -> Change:
        assert case.baseline is not None
        name, side = case.baseline.name, case.baseline.side
        if side is None:
            return Change(skipped=f"not checked: there is no {name} yet")
        before = self._size(side, _matching(side, matches))
        if isinstance(before, str):
            return Change(unknown=f"{name} is {before}")
        return part_growth(case.baseline, before, now, self.limit, case.min_change, "package")

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
