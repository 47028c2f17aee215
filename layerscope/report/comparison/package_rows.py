"""The packages in the comparison document."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from layerscope.analysis.model import sum_of
from layerscope.report.comparison.pairs import costed_pair
from layerscope.report.paths import clean_text

if TYPE_CHECKING:
    from layerscope.analysis.comparison.packages import PackageChange, PackageComparison
    from layerscope.analysis.packages import Held
    from layerscope.report.comparison.rows import (
        ComparedPackagesRow,
        CostedPairRow,
        PackageChangeRow,
    )


def packages_row(packages: PackageComparison, top: int | None) -> ComparedPackagesRow:
    """The `top` packages that differ most, and the others as one row. All rows add up to the delta of `owned`."""
    shown, others = packages.changes[:top], packages.changes[len(packages.changes[:top]) :]
    counts = Counter(change.status for change in packages.changes)
    row: ComparedPackagesRow = {
        "changes": [_change(change) for change in shown],
        "counts": {
            "added": counts["added"],
            "changed": counts["changed"],
            "downgraded": counts["downgraded"],
            "removed": counts["removed"],
            "resized": counts["resized"],
            "same": packages.same,
            "upgraded": counts["upgraded"],
        },
        "owned": _held(packages.a.owned, packages.b.owned),
        "unowned": _held(packages.a.unowned, packages.b.unowned),
    }
    if others:
        rest = costed_pair(
            sum(each.a_bytes for each in others),
            sum(each.b_bytes for each in others),
            sum_of(each.a_compressed for each in others),
            sum_of(each.b_compressed for each in others),
        )
        row["rest"] = {**rest, "count": len(others)}
    return row


def _change(change: PackageChange) -> PackageChangeRow:
    return {
        **costed_pair(change.a_bytes, change.b_bytes, change.a_compressed, change.b_compressed),
        "name": clean_text(change.name),
        "status": change.status,
        "type": change.type,
        "versions_a": [clean_text(version) for version in change.a_versions],
        "versions_b": [clean_text(version) for version in change.b_versions],
    }


def _held(a: Held, b: Held) -> CostedPairRow:
    return costed_pair(a.content, b.content, a.compressed, b.compressed)
