"""What is the base image's and what is own, from a saved report."""

from __future__ import annotations

from layerscope.analysis.model import Sizes
from layerscope.analysis.origin import HeldPackages, Origin, Part
from layerscope.report.saved.fields import Fields


def read_origin(document: Fields, sizes: Sizes, layers: int) -> Origin | None:
    """The two parts of the image. None for a report without them. Checks that they add up to it."""
    if not document.has("origin"):
        return None
    row = document.object("origin")
    origin = Origin(
        base=_part(row.object("base")),
        own=_part(row.object("own")),
        base_wasted_by_own=row.number("base_wasted_by_own"),
    )
    for name in ("content", "live", "wasted"):
        found = getattr(origin.base, name) + getattr(origin.own, name)
        if found != getattr(sizes, name):
            row.fail(f"says {name} is {found}, but the image has {getattr(sizes, name)}")
    if origin.base.layers + origin.own.layers != layers:
        row.fail(f"does not have the {layers} layers of the image")
    base = origin.base
    if base.content != base.live + base.wasted + origin.base_wasted_by_own:
        row.fail("does not add up: the base image's content is not its live and wasted content")
    return origin


def _part(row: Fields) -> Part:
    return Part(
        layers=row.number("layers"),
        instructions=row.number("instructions"),
        content=row.number("content"),
        live=row.number("live"),
        wasted=row.number("wasted"),
        compressed=row.maybe_number("compressed"),
        packages=_packages(row.maybe_object("packages")),
        dead_weight=row.maybe_number("dead_weight"),
    )


def _packages(row: Fields | None) -> HeldPackages | None:
    if row is None:
        return None
    content, live = row.number("content"), row.number("live")
    if content - live != row.number("wasted"):
        row.fail("does not add up: live and wasted are not the content")
    return HeldPackages(
        count=row.number("count"),
        content=content,
        live=live,
        compressed=row.maybe_number("compressed") if row.has("compressed") else None,
    )
