"""What is the base image's and what is own, in the report document."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from layerscope.analysis.origin import HeldPackages, Origin, Part
    from layerscope.report.document.origin_types import OriginPackagesRow, OriginPartRow, OriginRow


def origin_row(origin: Origin) -> OriginRow:
    return {
        "base": _part(origin.base),
        "base_wasted_by_own": origin.base_wasted_by_own,
        "own": _part(origin.own),
    }


def _part(part: Part) -> OriginPartRow:
    return {
        "compressed": part.compressed,
        "content": part.content,
        "dead_weight": part.dead_weight,
        "instructions": part.instructions,
        "layers": part.layers,
        "live": part.live,
        "packages": None if part.packages is None else _packages(part.packages),
        "wasted": part.wasted,
    }


def _packages(held: HeldPackages) -> OriginPackagesRow:
    return {
        "compressed": held.compressed,
        "content": held.content,
        "count": held.count,
        "live": held.live,
        "wasted": held.wasted,
    }
