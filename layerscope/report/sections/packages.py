"""Packages: what each one stores, largest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from layerscope.report.page import Page
from layerscope.report.parts.csv_cell import REST
from layerscope.report.parts.file_table import file_table, remainder
from layerscope.report.parts.sheet import Sheet, code
from layerscope.report.words import one_line
from layerscope.units import format_percent, format_size

if TYPE_CHECKING:
    from layerscope.report.document.package_types import PackageRow, PackagesRow

SHOWN = 5
"""The most packages that the text report lists; `layerscope packages` lists all."""


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


def text(page: Page, packages: PackagesRow | None, rows: int) -> None:
    """The largest packages, at most `rows` and `SHOWN`."""
    if packages is None or not packages["count"]:
        return
    page.gap()
    page.paragraph(packages_sentence(packages), indent=12, head=("packages  ", "head"))
    shown = packages["largest"][: min(rows, SHOWN)]
    if not shown:
        return
    table = [
        (
            row["content"],
            package_name(row),
            f"{format_size(row['wasted'])} wasted" if row["wasted"] else "",
            f"installed by {row['instruction']}",
        )
        for row in shown
    ]
    file_table(page, table)
    remainder(page, packages["owned"]["content"] - sum(row["content"] for row in shown))


def markdown(sheet: Sheet, packages: PackagesRow | None, rows: int) -> None:
    """A folded table of the `rows` largest packages."""
    if packages is None or not packages["count"]:
        return
    shown = packages["largest"][:rows]
    left = packages["owned"]["content"] - sum(row["content"] for row in shown)
    sheet.table(
        ("content>", "wasted>", "package", "version", "installed by>"),
        (
            (
                format_size(row["content"]),
                format_size(row["wasted"] or None),
                code(f"{row['type']}:{row['name']}"),
                code(row["version"]) if row["version"] else "",
                str(row["instruction"]),
            )
            for row in shown
        ),
        total=len(shown),
        rest=f"{format_size(left)} in others" if left else "",
        fold=f"<b>Packages</b>: {packages_sentence(packages)}",
    )


def csv_rows(packages: PackagesRow | None) -> Iterator[dict[str, object]]:
    """The rows of the table `package`."""
    if packages is None:
        return
    for index, row in enumerate(packages["largest"]):
        yield {
            "table": "package",
            "index": index,
            "path": row["path"],
            "text": row["purl"],
            "kind": row["type"],
            "bytes": row["content"],
            "files": row["files"],
            "layer": row["layer"],
            "written_by": row["instruction"],
            "compressed": row.get("compressed"),
            "content": row["content"],
            "live": row["live"],
            "wasted": row["wasted"],
        }
    if "rest" in packages:
        rest = packages["rest"]
        yield {
            "table": "package",
            "index": len(packages["largest"]),
            "path": REST,
            "bytes": rest["content"],
            "files": rest["files"],
            "compressed": rest.get("compressed"),
            "content": rest["content"],
            "live": rest["live"],
            "wasted": rest["wasted"],
        }
