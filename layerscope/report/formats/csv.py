"""The report as one table in CSV (RFC 4180), for spreadsheets: layers, instructions, waste and files by their `table`.

Every row has every column, so that it opens as it is; a filter on the first column gives each table. Text that a
spreadsheet could take for a formula begins with a `'`, control characters are shown as escapes, and what cannot be known
is an empty cell. JSON has the same numbers and the text as it was.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

from layerscope.report.escape import escape
from layerscope.report.words import instruction_text

if TYPE_CHECKING:
    from layerscope.report.document.rows import Document

Row = dict[str, Any]

COLUMNS = (
    "table", "index", "path", "text", "kind", "bytes", "files", "layer", "written_by", "wasted_by",
    "compressed", "tar", "content", "overhead", "live", "wasted", "digest", "line",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
REST = "(rest)"
"""Stands in the column `path` for all that was cut off."""


class CsvRenderer:
    """Writes a header and a row for each layer, instruction, wasted file and file, in the order of the document.

    The files are those of each layer where the document has them (`--files`), else the largest ones that are live.
    """

    def render(self, document: Document, out: TextIO) -> None:
        writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        for row in _rows(document):
            writer.writerow({name: cell(value) for name, value in row.items()})


def cell(value: Any) -> Any:
    """Numbers as they are, nothing for what is not known, and text that stays text."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return value
    start = "'" if value.lstrip(" ").startswith(_FORMULA) else ""
    return start + escape(value)


def _rows(document: Document) -> Iterator[Row]:
    for row in document["layers"]:
        yield {
            "table": "layer",
            "index": row["index"],
            "text": instruction_text(document["instructions"][row["instruction"]]),
            "layer": row["index"],
            "written_by": row["instruction"],
            "digest": row["diff_id"],
            "bytes": row["sizes"]["content"],
            **row["sizes"],
        }
    for row in document["instructions"]:
        yield {
            "table": "instruction",
            "index": row["index"],
            "text": instruction_text(row),
            "kind": row["keyword"],
            "line": row["location"]["start_line"] if row["location"] else None,
            "bytes": row["sizes"]["content"],
            **row["sizes"],
        }
    for index, row in enumerate(document["waste"] or ()):
        yield {
            "table": "waste",
            "index": index,
            "path": REST if row["path"] is None else row["path"],
            "kind": row["kind"],
            "bytes": row["bytes"],
            "files": row.get("files", 1),
            "layer": row["layer"],
            "written_by": row["written_by"],
            "wasted_by": row["wasted_by"],
        }
    yield from _files(document)


def _files(document: Document) -> Iterator[Row]:
    index = 0
    if any("entries" in row for row in document["layers"]):
        for layer in document["layers"]:
            for entry in layer["entries"]:
                yield {
                    "table": "file",
                    "index": index,
                    "path": entry["path"],
                    "text": entry.get("linkname", ""),
                    "kind": entry["type"],
                    "bytes": entry["size"],
                    "files": 1,
                    "layer": layer["index"],
                    "written_by": layer["instruction"],
                }
                index += 1
        return
    for row in document["largest"] or ():
        yield {
            "table": "file",
            "index": index,
            "path": row["path"],
            "kind": "file",
            "bytes": row["bytes"],
            "files": 1,
            "layer": row["layer"],
            "written_by": row["written_by"],
        }
        index += 1
