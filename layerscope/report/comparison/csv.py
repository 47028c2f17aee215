"""The comparison as one table in CSV (RFC 4180): sizes, instructions, layers, directories, files, and settings.

The `table` column says which kind a row is. As in the report's CSV, every row has every column, text that a spreadsheet
could mistake for a formula starts with a `'`, and an unknown value is an empty cell.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

from layerscope.report.comparison.words import change_details, full_text
from layerscope.report.formats.csv import REST, cell

if TYPE_CHECKING:
    from layerscope.report.document.rows import Document

Row = dict[str, Any]

COLUMNS = (
    "table", "status", "index_a", "index_b", "path", "text", "a", "b", "delta",
    "compressed_a", "compressed_b", "compressed_delta", "files", "details",
)  # fmt: skip


class ComparisonCsv:
    """Writes a header and a row for each pair, in the order of the document.

    `a`, `b`, and `delta` are bytes of content for instructions and layers, bytes of live files for directories and
    files, and plain values for settings.
    """

    def render(self, document: Document, out: TextIO) -> None:
        writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        for row in _rows(document):
            writer.writerow({name: cell(value) for name, value in row.items()})


def _rows(document: Document) -> Iterator[Row]:
    for name, pair in document["sizes"].items():
        yield {"table": "size", "text": name, **_pair(pair)}
    for name, pair in document["wasted_by_kind"].items():
        yield {"table": "waste", "text": name, **_pair(pair)}
    for row in document["instructions"]:
        yield {"table": "instruction", "text": full_text(row), **_aligned(row)}
    for row in document["layers"]:
        diff_ids = (row["diff_id_a"], row["diff_id_b"])
        shown = dict.fromkeys(diff_id for diff_id in diff_ids if diff_id is not None)
        yield {"table": "layer", "text": " ".join(shown), **_aligned(row)}
    for row in document["directories"]:
        yield {
            "table": "directory",
            "path": row["path"],
            "files": row["changes"],
            **_pair(row),
        }
    for row in document["changes"]:
        listed = row["path"] is not None
        yield {
            "table": "file",
            "status": row["kind"],
            "path": row["path"] if listed else REST,
            "files": row.get("count", 1),
            "details": change_details(row) if listed else None,
            **_pair(row),
        }
    for row in document["config"]:
        yield {
            "table": "setting",
            "status": "known" if row["known"] else "unknown",
            "path": row["field"],
            "text": row["name"],
            "a": row["a"],
            "b": row["b"],
        }


def _pair(row: Row) -> Row:
    return {name: row[name] for name in ("a", "b", "delta")}


def _aligned(row: Row) -> Row:
    compressed = row["sizes"]["compressed"]
    return {
        "status": row["status"],
        "index_a": row["a"],
        "index_b": row["b"],
        **_pair(row["sizes"]["content"]),
        **{f"compressed_{name}": compressed[name] for name in ("a", "b", "delta")},
    }
