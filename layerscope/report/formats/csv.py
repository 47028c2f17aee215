"""The report as one table in CSV (RFC 4180), for spreadsheets: layers, instructions, waste, packages, duplicates, and files.

Every row has every column, and a filter on the first one, `table`, selects a kind of row. Text that a spreadsheet could
mistake for a formula starts with a `'`, control characters are escaped, and an unknown value is an empty cell. JSON has
the same numbers and the original text.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from layerscope.report.document.head import is_head
from layerscope.report.parts.csv_cell import REST, cell
from layerscope.report.sections import causes, duplicates, origin, packages, secrets, weight
from layerscope.report.words import instruction_text

if TYPE_CHECKING:
    from layerscope.report.document.rows import ReportDocument


COLUMNS = (
    "table", "index", "path", "text", "kind", "bytes", "files", "layer", "written_by", "wasted_by",
    "compressed", "tar", "content", "overhead", "live", "wasted", "digest", "line",
    "compressed_live", "compressed_wasted", "compressed_overhead",
)  # fmt: skip


class CsvRenderer:
    """Writes a header and a row for each layer, instruction, wasted file, package, and file, in the order of the document.

    The files are those of each layer if the document has them (`--files`), else the largest live ones.
    """

    def render(self, document: ReportDocument, out: TextIO) -> None:
        writer = csv.DictWriter(
            out, COLUMNS, restval="", lineterminator="\n", extrasaction="ignore"
        )
        writer.writeheader()
        for row in _rows(document):
            writer.writerow({name: cell(value) for name, value in row.items()})


def _rows(document: ReportDocument) -> Iterator[dict[str, object]]:
    for layer in document["layers"]:
        yield {
            "table": "layer",
            "index": layer["index"],
            "text": instruction_text(document["instructions"][layer["instruction"]]),
            "layer": layer["index"],
            "written_by": layer["instruction"],
            "digest": layer["diff_id"],
            "bytes": layer["sizes"]["content"],
            **layer["sizes"],
        }
    for step in document["instructions"]:
        yield {
            "table": "instruction",
            "index": step["index"],
            "text": instruction_text(step),
            "kind": step["keyword"],
            "line": step["location"]["start_line"] if step["location"] else None,
            "bytes": step["sizes"]["content"],
            **step["sizes"],
        }
    for index, row in enumerate(document["waste"] or ()):
        yield {
            "table": "waste",
            "index": index,
            "path": REST if row["path"] is None else row["path"],
            "kind": row["kind"],
            "bytes": row["bytes"],
            "files": row["files"] if row["path"] is None else 1,
            "layer": row["layer"],
            "written_by": row["written_by"],
            "wasted_by": row["wasted_by"],
            "compressed": row.get("compressed"),
        }
    if not is_head(document):
        yield from packages.csv_rows(document.get("packages"))
        yield from duplicates.csv_rows(document.get("duplicates"))
        yield from origin.csv_rows(document.get("origin"))
        yield from weight.csv_rows(document.get("dead_weight"))
        yield from causes.csv_rows(document.get("causes", ()))
        yield from secrets.csv_rows(document.get("findings", ()))
    yield from _files(document)


def _files(document: ReportDocument) -> Iterator[dict[str, object]]:
    index = 0
    if is_head(document):
        return
    if any("entries" in layer for layer in document["layers"]):
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
                    "compressed": entry.get("compressed"),
                }
                index += 1
        return
    for row in document["largest"]:
        yield {
            "table": "file",
            "index": index,
            "path": row["path"],
            "kind": "file",
            "bytes": row["bytes"],
            "files": 1,
            "layer": row["layer"],
            "written_by": row["written_by"],
            "compressed": row.get("compressed"),
        }
        index += 1
