"""Limits on packages: the content that those of one name store, and how much it grew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fnmatch import fnmatchcase
from fractions import Fraction

from layerscope.analysis.budgets.causes import by_size
from layerscope.analysis.budgets.growth import Change, Former
from layerscope.analysis.budgets.quantities import Number, Unit, plain, unit_of
from layerscope.analysis.budgets.rules import Case, missing_layers
from layerscope.analysis.budgets.scope import Level, room_words
from layerscope.analysis.budgets.verdict import RuleResult
from layerscope.analysis.model import Facts
from layerscope.analysis.packages import PackageFacts, name_matcher
from layerscope.units import count, format_delta, format_size


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageLimit:
    """A limit on the content of all packages that match a shell pattern, or on its growth since the baseline.

    The pattern is for `type:name`, or for the name alone.
    """

    match: str
    limit: Number
    growth: bool = False
    level: Level = "fail"
    reason: str = ""
    written: str = ""

    @property
    def rule(self) -> str:
        return "max_package_growth" if self.growth else "max_package_size"

    @property
    def unit(self) -> Unit:
        return unit_of("growth" if self.growth else "size", self.limit)

    def judge(self, case: Case) -> RuleResult:
        matches = name_matcher(self.match)
        found = _matching(case.analysis, matches)
        unknown = _unknown(case.analysis, self.match)
        change = Change(unknown=unknown)
        if not unknown:
            size = sum(row.content for row in found)
            change = (
                self._growth(case, size, matches) if self.growth else Change(value=Fraction(size))
            )
        value = change.value
        skipped = bool(change.skipped)
        passed = not skipped and (
            bool(change.excuse) or (value is not None and value <= Fraction(self.limit))
        )
        broken = not passed and not skipped
        words = [
            f"{self.match}: {self._words(change, found)}",
            self.reason if broken else "",
        ]
        return RuleResult(
            rule=self.rule,
            limit=plain(self.unit, self.limit),
            actual=None if value is None else plain(self.unit, value),
            passed=passed,
            skipped=skipped,
            message="; ".join(word for word in words if word),
            level=self.level,
            reason=self.reason,
            scope=self.match,
            unit=self.unit,
            written=self.written,
            instructions=_instructions(found) if broken and value is not None else (),
        )

    def _growth(self, case: Case, now: int, matches: Callable[[str, str], bool]) -> Change:
        assert case.baseline is not None
        name, side = case.baseline.name, case.baseline.side
        if side is None:
            return Change(skipped=f"not checked: there is no {name} yet")
        unknown = _unknown(side, self.match)
        if unknown:
            return Change(unknown=f"{name} is {unknown}")
        before = sum(row.content for row in _matching(side, matches))
        change = _change(case.baseline, before, now, self.limit)
        if change.value is not None and 0 < now - before < case.min_change:
            least = format_size(case.min_change)
            excuse = f"{format_delta(now - before)} is less than min_change, {least}"
            return replace(change, excuse=excuse)
        return change

    def _words(self, change: Change, found: Sequence[PackageFacts]) -> str:
        if change.value is None or change.excuse:
            return change.skipped or change.excuse or change.unknown
        words = []
        if self.unit == "bytes":
            words.append(room_words(int(self.limit) - int(change.value)))
        words += [change.detail, _largest(found)]
        return "; ".join(word for word in words if word)


def _matching(facts: Facts, matches: Callable[[str, str], bool]) -> list[PackageFacts]:
    rows: Iterable[PackageFacts] = () if facts.packages is None else facts.packages.rows
    return [row for row in rows if matches(row.package.type, row.package.full_name)]


def _change(former: Former, before: int, now: int, limit: Number) -> Change:
    delta = format_delta(now - before)
    detail = f"{format_size(before)} → {format_size(now)}, {delta} since {former.name}"
    if not isinstance(limit, Decimal):
        return Change(value=Fraction(now - before), detail=detail)
    if not before and now:
        return Change(unknown=f"unknown: {former.name} has no such package to take a percentage of")
    value = Fraction(100 * (now - before), before) if before else Fraction(0)
    return Change(value=value, detail=detail)


def _largest(found: Sequence[PackageFacts]) -> str:
    if not found:
        return "no package matches"
    row = max(found, key=lambda each: each.content)
    package = row.package
    name = " ".join(part for part in (package.type, package.full_name, package.version) if part)
    if len(found) == 1:
        return f"{name} by instruction {row.instruction}"
    most = f"most, {format_size(row.content)}, by {name} of instruction {row.instruction}"
    return f"{count(len(found), 'package')}; {most}"


def _instructions(found: Sequence[PackageFacts]) -> tuple[int, ...]:
    sizes: Counter[int] = Counter()
    for row in found:
        sizes[row.instruction] += row.content
    return tuple(index for index, size in by_size(sizes) if size)


def _unknown(facts: Facts, pattern: str) -> str:
    """Why the content of the packages that match is unknown, or "" if it is known."""
    missing = missing_layers(facts)
    if missing:
        return missing
    if facts.packages is None:
        if facts.saved:
            return "unknown: the report has no packages; save it again with them"
        return "unknown: packages were not read; leave --no-packages and --lazy out"
    if facts.packages.rest is not None:
        return "unknown: the report lists only the largest packages; save it with --files"
    kind, colon, _ = pattern.partition(":")
    unreadable = [
        each for each in facts.packages.unreadable if not colon or fnmatchcase(each, kind)
    ]
    if unreadable:
        return f"unknown: a {unreadable[0]} package database can't be read, as a note says"
    return ""
