"""Growth: an image compared with its last release, and with a fixed anchor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from layerscope.analysis.budgets.quantities import Number
from layerscope.analysis.model import Facts
from layerscope.errors import UsageError
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


def growth(analysis: Facts, baseline: Former, limit: Number, min_change: int) -> Change:
    """By how much the content grew, in bytes or percent like the limit. Fewer than `min_change` bytes don't count."""
    found = _grown_by(analysis, baseline, limit)
    side = baseline.side
    if side is not None and not found.unknown:
        change = analysis.sizes.content - side.sizes.content
        if 0 < change < min_change:
            excuse = f"{format_delta(change)} is less than min_change, {format_size(min_change)}"
            return replace(found, excuse=excuse)
    return found


def drift(analysis: Facts, anchor: Former, limit: Number) -> Change:
    """By how much the content grew since the anchor, in bytes or percent like the limit."""
    return _grown_by(analysis, anchor, limit)


def _grown_by(analysis: Facts, former: Former, limit: Number) -> Change:
    side = former.side
    if side is None:
        return Change(skipped=f"not checked: there is no {former.name} yet")
    if any(not layer.indexed for layer in side.layers):
        return Change(unknown=f"unknown: {former.name} has unknown sizes; save its report again")
    before, now = side.sizes.content, analysis.sizes.content
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


def grown_instructions(analysis: Facts, former: Facts, least: int = 0) -> tuple[Grown, ...]:
    """The instructions that store more than in the former image, largest growth first.

    Those that grew by fewer than `least` bytes are left out.
    """
    from layerscope.analysis.comparison.layers import compare_layers

    rows = compare_layers(former, analysis).instructions
    grown = [
        Grown(
            instruction=row.b.instruction.index,
            bytes=row.b.sizes.content,
            before=0 if row.a is None else row.a.sizes.content,
        )
        for row in rows
        if row.b is not None and row.content_delta >= max(least, 1)
    ]
    return tuple(sorted(grown, key=lambda each: (each.before - each.bytes, each.instruction)))
