"""The packages in the report document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.analysis.model import sum_of
from layerscope.report.paths import clean_text, escape_path

if TYPE_CHECKING:
    from layerscope.analysis.packages import Held, PackageFacts, Packages
    from layerscope.report.document.package_types import HeldRow, PackageRow, PackagesRow


def packages_row(packages: Packages, top: int | None) -> PackagesRow:
    """All packages in sums, the `top` largest one by one, and the others as one row, with those that a report left out."""
    shown = packages.rows[:top]
    rows = packages.rows[len(shown) :]
    cut = () if packages.rest is None else (packages.rest,)
    others: tuple[Held, ...] = (*rows, *cut)
    left = len(rows) + sum(each.count for each in cut)
    row: PackagesRow = {
        "count": len(shown) + left,
        "largest": [_package(each) for each in shown],
        "owned": _held(packages.owned),
        "unowned": _held(packages.unowned),
        "unreadable": list(packages.unreadable),
    }
    if others:
        row["rest"] = {
            "compressed": sum_of(each.compressed for each in others),
            "content": sum(each.content for each in others),
            "count": left,
            "files": sum(each.files for each in (*rows, *cut)),
            "live": sum(each.live for each in others),
            "wasted": sum(each.wasted for each in others),
        }
    return row


def _package(facts: PackageFacts) -> PackageRow:
    package = facts.package
    return {
        "compressed": facts.compressed,
        "content": facts.content,
        "files": facts.files,
        "inside": facts.inside,
        "installed": facts.installed,
        "installer": None if package.installer is None else clean_text(package.installer),
        "instruction": facts.instruction,
        "layer": facts.layer,
        "live": facts.live,
        "name": clean_text(package.full_name),
        "path": escape_path(facts.where),
        "purl": clean_text(package.purl),
        "type": package.type,
        "version": clean_text(package.version),
        "wasted": facts.wasted,
    }


def _held(held: Held) -> HeldRow:
    return {
        "compressed": held.compressed,
        "content": held.content,
        "live": held.live,
        "wasted": held.wasted,
    }
