"""The duplicates in the report document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from layerscope.analysis.model import sum_of
from layerscope.layers.content_hash import HASH_NAME
from layerscope.report.paths import clean_text, escape_path

if TYPE_CHECKING:
    from layerscope.analysis.duplicates import (
        DuplicateGroup,
        DuplicatePackage,
        Duplicates,
    )
    from layerscope.analysis.model import LayerSummary
    from layerscope.report.document.duplicate_types import (
        DuplicatePackageRow,
        DuplicatePackagesRow,
        DuplicateRow,
        DuplicatesRow,
        OtherDuplicatePackagesRow,
        OtherDuplicatesRow,
    )


def duplicates_row(
    duplicates: Duplicates, layers: Sequence[LayerSummary], top: int | None
) -> DuplicatesRow:
    """The sums over all groups, the `top` groups and packages with the largest savings, and the others as one row each."""
    row: DuplicatesRow = {
        "copies": duplicates.copies,
        "count": duplicates.count,
        "groups": [_group(each, layers) for each in duplicates.groups],
        "min_bytes": duplicates.least,
        "saving": duplicates.saving,
        "saving_at_least": duplicates.known_saving,
    }
    if duplicates.packages is not None:
        row["packages"] = _packages(duplicates.packages, layers)
    if duplicates.unread is not None:
        row["unread"] = {"bytes": duplicates.unread.bytes, "files": duplicates.unread.files}
    return cut_duplicates(row, top)


def cut_duplicates(row: DuplicatesRow, top: int | None) -> DuplicatesRow:
    """The same with at most `top` groups and packages. What is cut off joins the rest."""
    row = row.copy()
    others = row["groups"][top:] if top is not None else []
    if others:
        row["groups"] = row["groups"][:top]
        row["rest"] = _rest(others, row.get("rest"))
    if "packages" in row:
        packages = row["packages"] = row["packages"].copy()
        left = packages["groups"][top:] if top is not None else []
        if left:
            packages["groups"] = packages["groups"][:top]
            packages["rest"] = _package_rest(left, packages.get("rest"))
    return row


def _rest(rows: Sequence[DuplicateRow], before: OtherDuplicatesRow | None) -> OtherDuplicatesRow:
    costs = [each["compressed"] for each in rows]
    return {
        "compressed": sum_of([*costs, before["compressed"] if before else 0]),
        "copies": sum(each["copies"] for each in rows) + (before["copies"] if before else 0),
        "groups": len(rows) + (before["groups"] if before else 0),
        "saving": sum(each["saving"] for each in rows) + (before["saving"] if before else 0),
    }


def _package_rest(
    rows: Sequence[DuplicatePackageRow], before: OtherDuplicatePackagesRow | None
) -> OtherDuplicatePackagesRow:
    return {
        "copies": sum(each["copies"] for each in rows) + (before["copies"] if before else 0),
        "groups": len(rows) + (before["groups"] if before else 0),
        "saving": sum(each["saving"] for each in rows) + (before["saving"] if before else 0),
    }


def _group(group: DuplicateGroup, layers: Sequence[LayerSummary]) -> DuplicateRow:
    return {
        "bytes": group.bytes,
        "compressed": group.compressed,
        "copies": group.copies,
        "hash": f"{HASH_NAME}:{group.hash.hex()}",
        "instructions": _instructions(group.layers, layers),
        "layers": list(group.layers),
        "paths": [escape_path(path) for path in group.paths],
        "saving": group.saving,
    }


def _packages(
    packages: Sequence[DuplicatePackage], layers: Sequence[LayerSummary]
) -> DuplicatePackagesRow:
    return {
        "count": len(packages),
        "groups": [
            {
                "bytes": each.bytes,
                "copies": each.copies,
                "instructions": _instructions(each.layers, layers),
                "layers": list(each.layers),
                "name": clean_text(each.name),
                "places": [escape_path(place) for place in each.places],
                "saving": each.saving,
                "type": each.type,
                "versions": [clean_text(version) for version in each.versions],
            }
            for each in packages
        ],
        "saving": sum(each.saving for each in packages),
    }


def _instructions(places: Sequence[int], layers: Sequence[LayerSummary]) -> list[int]:
    return sorted({layers[layer].instruction for layer in places})
