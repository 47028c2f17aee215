"""The packages in the comparison document."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from layerscope.report.paths import clean_text

if TYPE_CHECKING:
    from layerscope.analysis.comparison.packages import PackageChange, PackageComparison
    from layerscope.report.comparison.rows import ComparedPackagesRow, PackageChangeRow, PairRow


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
        "owned": _pair(packages.a.owned.content, packages.b.owned.content),
        "unowned": _pair(packages.a.unowned.content, packages.b.unowned.content),
    }
    if others:
        a, b = sum(each.a_bytes for each in others), sum(each.b_bytes for each in others)
        row["rest"] = {**_pair(a, b), "count": len(others)}
    return row


def _change(change: PackageChange) -> PackageChangeRow:
    return {
        **_pair(change.a_bytes, change.b_bytes),
        "name": clean_text(change.name),
        "status": change.status,
        "type": change.type,
        "versions_a": [clean_text(version) for version in change.a_versions],
        "versions_b": [clean_text(version) for version in change.b_versions],
    }


def _pair(a: int, b: int) -> PairRow:
    return {"a": a, "b": b, "delta": b - a}
