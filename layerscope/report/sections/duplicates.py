"""Duplicates: contents that are stored more than once, and packages that are installed more than once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from layerscope.report.page import Page
from layerscope.report.parts.csv_cell import REST
from layerscope.report.parts.file_table import file_table, remainder
from layerscope.report.parts.sheet import Sheet, code
from layerscope.report.words import one_line
from layerscope.units import count, format_size

if TYPE_CHECKING:
    from layerscope.report.document.duplicate_types import (
        DuplicatePackageRow,
        DuplicatePackagesRow,
        DuplicateRow,
        DuplicatesRow,
    )

SHOWN = 5
"""The most groups, and the most packages, that the text report lists."""
MOST_PATHS = 10
"""The most paths of one group that the HTML page lists."""
VERSIONS = 5
"""The most versions of one package that are listed."""


def duplicates_sentence(duplicates: DuplicatesRow) -> str:
    """`34 files store what another file has: one copy of each content would save 8.4 MB`."""
    copies = duplicates["copies"]
    if not copies:
        found = f"no content from {format_size(duplicates['min_bytes'])} is stored twice"
    else:
        who = "1 file stores" if copies == 1 else f"{copies:,} files store"
        least = "at least " if duplicates["saving"] is None else ""
        found = (
            f"{who} what another file has: one copy of each content would save"
            f" {least}{format_size(duplicates['saving_at_least'])}"
        )
    if "unread" in duplicates:
        unread = duplicates["unread"]
        found += (
            f"; {count(unread['files'], 'file')} with {format_size(unread['bytes'])} not compared"
        )
    return found


def duplicate_packages_sentence(packages: DuplicatePackagesRow) -> str:
    """`2 packages are installed more than once: all copies but one hold 3.1 MB`."""
    number = packages["count"]
    who = "1 package is" if number == 1 else f"{number:,} packages are"
    return (
        f"{who} installed more than once: all copies but one hold {format_size(packages['saving'])}"
    )


def duplicate_package_name(row: DuplicatePackageRow) -> str:
    """`npm lodash 4.17.20, 4.17.21`."""
    shown = ", ".join(row["versions"][:VERSIONS])
    more = len(row["versions"]) - VERSIONS
    tail = f" and {count(more, 'other version')}" if more > 0 else ""
    return one_line(f"{row['type']} {row['name']} {shown}{tail}")


def instruction_numbers(row: DuplicateRow | DuplicatePackageRow) -> str:
    """`2, 5, 7 and 3 others`."""
    numbers = row["instructions"]
    tail = f" and {len(numbers) - 3} others" if numbers[3:] else ""
    return ", ".join(map(str, numbers[:3])) + tail


def is_shown(duplicates: DuplicatesRow | None) -> bool:
    """Whether there is anything to say about duplicates."""
    return duplicates is not None and bool(
        duplicates["count"] or "unread" in duplicates or _packages(duplicates)
    )


def text(page: Page, duplicates: DuplicatesRow | None, rows: int) -> None:
    """The groups and packages with the largest savings, at most `rows` and `SHOWN` of each."""
    if duplicates is None or not is_shown(duplicates):
        return
    page.gap()
    page.paragraph(duplicates_sentence(duplicates), indent=14, head=("duplicates  ", "head"))
    shown = duplicates["groups"][: min(rows, SHOWN)]
    if shown:
        table = [
            (
                row["saving"],
                row["paths"][0],
                f"{row['copies']:,} copies",
                f"written by {instruction_numbers(row)}",
            )
            for row in shown
        ]
        file_table(page, table)
        remainder(page, duplicates["saving_at_least"] - sum(row["saving"] for row in shown))
    packages = _packages(duplicates)
    if packages is None:
        return
    page.paragraph(duplicate_packages_sentence(packages), indent=14)
    listed = packages["groups"][: min(rows, SHOWN)]
    if listed:
        entries = [
            (
                row["saving"],
                duplicate_package_name(row),
                f"{row['copies']:,} places",
                f"installed by {instruction_numbers(row)}",
            )
            for row in listed
        ]
        file_table(page, entries)
        remainder(page, packages["saving"] - sum(row["saving"] for row in listed))


def markdown(sheet: Sheet, duplicates: DuplicatesRow | None, rows: int) -> None:
    """Folded tables of the `rows` groups and packages with the largest savings."""
    if duplicates is None or not is_shown(duplicates):
        return
    shown = duplicates["groups"][:rows]
    left = duplicates["saving_at_least"] - sum(row["saving"] for row in shown)
    sheet.table(
        ("saving>", "one copy>", "copies>", "path", "written by>"),
        (
            (
                format_size(row["saving"]),
                format_size(row["bytes"]),
                f"{row['copies']:,}",
                code(row["paths"][0]) + _others(row),
                instruction_numbers(row),
            )
            for row in shown
        ),
        total=len(shown),
        rest=f"{format_size(left)} in others" if left else "",
        fold=f"<b>Duplicates</b>: {duplicates_sentence(duplicates)}",
    )
    packages = _packages(duplicates)
    if packages is None:
        return
    listed = packages["groups"][:rows]
    left = packages["saving"] - sum(row["saving"] for row in listed)
    sheet.table(
        ("saving>", "package", "versions", "places>", "installed by>"),
        (
            (
                format_size(row["saving"]),
                code(f"{row['type']}:{row['name']}"),
                code(", ".join(row["versions"][:VERSIONS])),
                f"{row['copies']:,}",
                instruction_numbers(row),
            )
            for row in listed
        ),
        total=len(listed),
        rest=f"{format_size(left)} in others" if left else "",
        fold=f"<b>Packages installed more than once</b>: {duplicate_packages_sentence(packages)}",
    )


def csv_rows(duplicates: DuplicatesRow | None) -> Iterator[dict[str, object]]:
    """The rows of the tables `duplicate`, `duplicate_path`, and `duplicate_package`.

    `bytes` is the saving, and `content` one copy.
    """
    if duplicates is None:
        return
    for index, row in enumerate(duplicates["groups"]):
        yield {
            "table": "duplicate",
            "index": index,
            "path": row["paths"][0],
            "text": row["hash"],
            "bytes": row["saving"],
            "files": row["copies"],
            "compressed": row["compressed"],
            "content": row["bytes"],
        }
    if "rest" in duplicates:
        rest = duplicates["rest"]
        yield {
            "table": "duplicate",
            "index": len(duplicates["groups"]),
            "path": REST,
            "bytes": rest["saving"],
            "files": rest["copies"],
            "compressed": rest["compressed"],
        }
    for index, row in enumerate(duplicates["groups"]):
        for path in row["paths"]:
            yield {"table": "duplicate_path", "index": index, "path": path, "content": row["bytes"]}
    packages = _packages(duplicates)
    if packages is not None:
        yield from _package_rows(packages)


def _package_rows(packages: DuplicatePackagesRow) -> Iterator[dict[str, object]]:
    for index, each in enumerate(packages["groups"]):
        yield {
            "table": "duplicate_package",
            "index": index,
            "path": each["places"][0],
            "text": duplicate_package_name(each),
            "kind": each["type"],
            "bytes": each["saving"],
            "files": each["copies"],
            "live": each["bytes"],
        }
    if "rest" in packages:
        yield {
            "table": "duplicate_package",
            "index": len(packages["groups"]),
            "path": REST,
            "bytes": packages["rest"]["saving"],
            "files": packages["rest"]["copies"],
        }


def _packages(duplicates: DuplicatesRow) -> DuplicatePackagesRow | None:
    packages = duplicates.get("packages")
    return packages if packages is not None and packages["count"] else None


def _others(row: DuplicateRow) -> str:
    return f" and {row['copies'] - 1:,} more"
