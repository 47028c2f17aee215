"""Words about packages that differ, the same in every human-readable format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from layerscope.report.comparison.words import one_line
from layerscope.units import format_delta

if TYPE_CHECKING:
    from layerscope.analysis.comparison.packages import PackageStatus
    from layerscope.report.comparison.rows import (
        ComparedPackagesRow,
        ComparisonDocument,
        PackageChangeRow,
    )

STATUS_WORDS: Final[dict[PackageStatus, str]] = {
    "added": "added",
    "removed": "removed",
    "upgraded": "upgraded",
    "downgraded": "downgraded",
    "changed": "changed",
    "resized": "resized",
}
_COUNTED: Final[dict[PackageStatus, str]] = {
    **STATUS_WORDS,
    "changed": "with other versions",
    "resized": "with other bytes only",
}
_VERSIONS: Final = 3
"""The most versions of a package that are shown for one image."""


def packages_that_differ(document: ComparisonDocument) -> ComparedPackagesRow | None:
    """The packages, if they were compared and any differ."""
    packages = document["packages"]
    return packages if packages is not None and packages["changes"] else None


def packages_words(packages: ComparedPackagesRow) -> str:
    """`2 added, 1 upgraded, 40 the same; owned content +3.1 MB, unowned −20 kB`."""
    counts = packages["counts"]
    parts = [f"{counts[status]:,} {words}" for status, words in _COUNTED.items() if counts[status]]
    if counts["same"]:
        parts.append(f"{counts['same']:,} the same")
    owned, unowned = packages["owned"]["delta"], packages["unowned"]["delta"]
    return (
        f"{', '.join(parts)}; owned content {format_delta(owned)}, unowned {format_delta(unowned)}"
    )


def versions_words(row: PackageChangeRow) -> str:
    """`1.0 → 2.0`, or the versions of the only image that has the package."""
    before, after = _versions(row["versions_a"]), _versions(row["versions_b"])
    if before == after or not after:
        return before
    return f"{before} → {after}" if before else after


def _versions(versions: list[str]) -> str:
    text = one_line(", ".join(versions[:_VERSIONS]))
    left = len(versions) - _VERSIONS
    return f"{text} and {left} more" if left > 0 else text


def package_words(row: PackageChangeRow) -> str:
    """`deb libc6 2.36 → 2.41`."""
    return " ".join(
        part for part in (row["type"], one_line(row["name"]), versions_words(row)) if part
    )
