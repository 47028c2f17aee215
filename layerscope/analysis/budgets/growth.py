"""Growth: an image compared with its last release, and with a fixed anchor."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from layerscope.analysis.budgets.quantities import Number
from layerscope.analysis.model import Facts
from layerscope.errors import UsageError
from layerscope.records import dataclass
from layerscope.units import format_delta, format_size

if TYPE_CHECKING:
    from layerscope.analysis.model import Facts


@dataclass(frozen=True, slots=True)
class Former:
    """An image to compare with: its name as given, and the image, None if it doesn't exist yet."""

    name: str
    side: Facts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """An instruction that stores more than before. `before` is 0 if the former image has no such instruction."""

    instruction: int
    bytes: int
    before: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """By how much an image grew. If None, `unknown` or `skipped` says why.

    `excuse` says why growth doesn't count, and `detail` adds context to the number.
    """

    value: Fraction | None = None
    unknown: str = ""
    excuse: str = ""
    detail: str = ""
    skipped: str = ""


Measure = Literal["content", "compressed"]


def growth(
    analysis: Facts,
    baseline: Former,
    limit: Number,
    min_change: int,
    measure: Measure = "content",
) -> Change:
    """By how much a size grew, in bytes or percent like the limit. Fewer than `min_change` bytes don't count."""
    found = _grown_by(analysis, baseline, limit, measure)
    side = baseline.side
    if side is not None and not found.unknown:
        change = (getattr(analysis.sizes, measure) or 0) - (getattr(side.sizes, measure) or 0)
        if 0 < change < min_change:
            excuse = f"{format_delta(change)} is less than min_change, {format_size(min_change)}"
            return replace(found, excuse=excuse)
    return found


def part_growth(
    former: Former, before: int, now: int, limit: Number, min_change: int, what: str
) -> Change:
    """By how much a part of an image, which messages call `what`, grew. Fewer than `min_change` bytes don't count."""
    delta = format_delta(now - before)
    detail = f"{format_size(before)} → {format_size(now)}, {delta} since {former.name}"
    if not isinstance(limit, Decimal):
        found = Change(value=Fraction(now - before), detail=detail)
    elif before or not now:
        value = Fraction(100 * (now - before), before) if before else Fraction(0)
        found = Change(value=value, detail=detail)
    else:
        return Change(unknown=f"unknown: {former.name} has no such {what} to take a percentage of")
    if 0 < now - before < min_change:
        return replace(found, excuse=f"{delta} is less than min_change, {format_size(min_change)}")
    return found


def drift(analysis: Facts, anchor: Former, limit: Number, measure: Measure = "content") -> Change:
    """By how much a size grew since the anchor, in bytes or percent like the limit."""
    return _grown_by(analysis, anchor, limit, measure)


def _grown_by(analysis: Facts, former: Former, limit: Number, measure: Measure) -> Change:
    side = former.side
    if side is None:
        return Change(skipped=f"not checked: there is no {former.name} yet")
    if measure == "content" and any(not layer.indexed for layer in side.layers):
        return Change(unknown=f"unknown: {former.name} has unknown sizes; save its report again")
    before, now = getattr(side.sizes, measure), getattr(analysis.sizes, measure)
    if before is None:
        return Change(
            unknown=f"unknown: {former.name} has only uncompressed layers; "
            "save its report from a registry or an OCI archive"
        )
    change = f"{format_size(before)} → {format_size(now)}, {format_delta(now - before)} since {former.name}"
    if not isinstance(limit, Decimal):
        return Change(value=Fraction(now - before), detail=change)
    if not before and now:
        return Change(unknown=f"unknown: {former.name} has no content to take a percentage of")
    value = Fraction(100 * (now - before), before) if before else Fraction(0)
    return Change(value=value, detail=change)


def check_platform(analysis: Facts, former: Former) -> None:
    """Raise `UsageError` if the two images are for different platforms."""
    side = former.side
    if side is not None and side.platform != analysis.platform:
        raise UsageError(
            f"{former.name} is for {side.platform}, but the image is for {analysis.platform}",
            hint="name one for the same platform, or choose with --platform",
        )


def grown_instructions(
    analysis: Facts, former: Facts, least: int = 0, measure: Measure = "content"
) -> tuple[Grown, ...]:
    """The instructions that store more than in the former image, largest growth first.

    Those that grew by fewer than `least` bytes are left out.
    """
    from layerscope.analysis.comparison.layers import compare_layers

    grown = []
    for row in compare_layers(former, analysis).instructions:
        if row.b is None:
            continue
        size = getattr(row.b.sizes, measure) or 0
        before = 0 if row.a is None else getattr(row.a.sizes, measure) or 0
        if size - before >= max(least, 1):
            grown.append(Grown(instruction=row.b.instruction.index, bytes=size, before=before))
    return tuple(sorted(grown, key=lambda each: (each.before - each.bytes, each.instruction)))
