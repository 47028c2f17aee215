"""Words about packages that several formats share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.report.words import one_line
from layerscope.units import format_percent, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import PackageRow, PackagesRow


def packages_sentence(packages: PackagesRow) -> str:
    """How much the packages own: `580 packages own 379.9 MB (72.6 %), 143.3 MB belongs to none`."""
    owned, unowned = packages["owned"]["content"], packages["unowned"]["content"]
    count = packages["count"]
    who = "1 package owns" if count == 1 else f"{count:,} packages own"
    share = format_percent(owned, owned + unowned)
    return f"{who} {format_size(owned)} ({share}), {format_size(unowned)} belongs to none"


def package_name(row: PackageRow) -> str:
    """`deb libc6 2.36-9`."""
    return one_line(" ".join(part for part in (row["type"], row["name"], row["version"]) if part))
