"""The packages of two images side by side: which come, go, or change their version, and what that does to the content."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Literal

from layerscope.analysis.model import Facts, sum_of
from layerscope.analysis.packages import Packages
from layerscope.notes import Note
from layerscope.packages.order import newer, shown_version
from layerscope.packages.package import Package, PackageType
from layerscope.records import dataclass

PackageStatus = Literal["added", "removed", "upgraded", "downgraded", "changed", "resized"]
PACKAGE_STATUSES: tuple[PackageStatus, ...] = (
    "added",
    "removed",
    "upgraded",
    "downgraded",
    "changed",
    "resized",
)
"""`changed` is a change of versions that isn't plainly up or down, `resized` other bytes of the same versions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageChange:
    """A package by its name, in all versions. The versions are the installed ones, the bytes those of all versions.

    A version that a later layer replaces isn't installed, but its bytes still count. Compressed bytes are None if unknown.
    """

    type: PackageType
    name: str
    status: PackageStatus
    a_bytes: int
    b_bytes: int
    a_compressed: int | None
    b_compressed: int | None
    a_versions: tuple[str, ...]
    b_versions: tuple[str, ...]

    @property
    def delta(self) -> int:
        return self.b_bytes - self.a_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class PackageComparison:
    """The packages that differ, largest difference first, and the number of those that don't."""

    changes: tuple[PackageChange, ...]
    same: int
    a: Packages
    b: Packages


@dataclass(slots=True)
class _Named:
    """All versions of a package in one image."""

    content: int = 0
    compressed: int | None = 0
    versions: dict[str, Package] = field(default_factory=dict)


_NOTHING = _Named()


def compare_packages(a: Facts, b: Facts) -> PackageComparison | None:
    """The packages that differ. None if those of an image are unknown, or a saved report cut some off."""
    if a.packages is None or b.packages is None or a.packages.rest or b.packages.rest:
        return None
    one, other = _by_name(a.packages), _by_name(b.packages)
    changes = []
    for key in one.keys() | other.keys():
        before, after = one.get(key, _NOTHING), other.get(key, _NOTHING)
        status = _status(before, after)
        if status is not None:
            changes.append(_change(key, status, before, after))
    changes.sort(key=lambda change: (-abs(change.delta), change.type, change.name))
    same = len(one.keys() | other.keys()) - len(changes)
    return PackageComparison(changes=tuple(changes), same=same, a=a.packages, b=b.packages)


def package_notes(a: Facts, b: Facts) -> Iterator[Note]:
    """Why packages are not compared. An image without layers has a note of its own."""
    for side, name in ((a, "A"), (b, "B")):
        if side.head or (side.packages is not None and side.packages.rest is None):
            continue
        problem = f"the packages of {name} were not read"
        if side.packages is not None:
            problem = (
                f"the saved report of {name} lists only its largest packages; "
                "save it with `layerscope report --json --files`"
            )
        elif side.saved:
            problem = f"the saved report of {name} has no packages; save it again with them"
        yield Note("no-packages", f"packages are not compared: {problem}")


def _by_name(packages: Packages) -> dict[tuple[PackageType, str], _Named]:
    found: dict[tuple[PackageType, str], _Named] = {}
    for row in packages.rows:
        named = found.setdefault((row.package.type, row.package.full_name), _Named())
        named.content += row.content
        named.compressed = sum_of((named.compressed, row.compressed))
        if row.installed:
            named.versions[shown_version(row.package)] = row.package
    return found


def _change(
    key: tuple[PackageType, str], status: PackageStatus, before: _Named, after: _Named
) -> PackageChange:
    return PackageChange(
        type=key[0],
        name=key[1],
        status=status,
        a_bytes=before.content,
        b_bytes=after.content,
        a_compressed=before.compressed,
        b_compressed=after.compressed,
        a_versions=tuple(sorted(before.versions)),
        b_versions=tuple(sorted(after.versions)),
    )


def _status(before: _Named, after: _Named) -> PackageStatus | None:
    one, other = before.versions, after.versions
    if one.keys() == other.keys():
        return None if before.content == after.content else "resized"
    if not one:
        return "added"
    if not other:
        return "removed"
    gone = [package for version, package in one.items() if version not in other]
    come = [package for version, package in other.items() if version not in one]
    if not gone or not come or len(gone) * len(come) > 1000:
        return "changed"
    ups = {newer(old, new) for old in gone for new in come}
    if ups == {True}:
        return "upgraded"
    return "downgraded" if ups == {False} else "changed"
