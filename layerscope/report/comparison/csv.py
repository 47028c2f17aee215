"""The comparison as one table in CSV (RFC 4180): sizes, instructions, layers, packages, directories, files, and settings.

The `table` column says which kind a row is. As in the report's CSV, every row has every column, text that a spreadsheet
could mistake for a formula starts with a `'`, and an unknown value is an empty cell.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TextIO

from layerscope.analysis.model import WASTE_KINDS
from layerscope.report.comparison import explained, secrets
from layerscope.report.comparison.package_words import versions_words
from layerscope.report.comparison.words import change_details, full_text
from layerscope.report.document.rows import SIZE_NAMES
from layerscope.report.parts.csv_cell import REST, cell

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import (
        ComparedInstructionRow,
        ComparedLayerRow,
        ComparisonDocument,
        CostedPairRow,
        MaybePairRow,
    )


COLUMNS = (
    "table", "status", "index_a", "index_b", "path", "text", "a", "b", "delta",
    "compressed_a", "compressed_b", "compressed_delta", "files", "details",
)  # fmt: skip


class ComparisonCsv:
    """Writes a header and a row for each pair, in the order of the document.

    `a`, `b`, and `delta` are bytes of content for instructions, layers, and packages, bytes of live files for directories and
    files, and plain values for settings. `compressed_a` and so on are the compressed bytes of the same content.
    """

    def render(self, document: ComparisonDocument, out: TextIO) -> None:
        writer = csv.DictWriter(
            out, COLUMNS, restval="", lineterminator="\n", extrasaction="ignore"
        )
        writer.writeheader()
        for row in _rows(document):
            writer.writerow({name: cell(value) for name, value in row.items()})


def _rows(document: ComparisonDocument) -> Iterator[dict[str, object]]:
    sizes, wasted = document["sizes"], document["wasted_by_kind"]
    for size in SIZE_NAMES:
        yield {"table": "size", "text": size, **_pair(sizes[size])}
    yield {"table": "size", "text": "duplicates", **_pair(document["duplicates"])}
    for part in ("base", "own"):
        for name, pair in (
            ("content", document["origin"][part]["content"]),
            ("wasted", document["origin"][part]["wasted"]),
        ):
            yield {"table": "size", "text": f"{part}_{name}", **_pair(pair)}
    yield {"table": "size", "text": "dead_weight", **_pair(document["dead_weight"]["total"])}
    for weight in document["dead_weight"]["kinds"]:
        yield {"table": "dead_weight", "text": weight["kind"], **_pair(weight)}
    yield from explained.csv_rows(document)
    for kind in WASTE_KINDS:
        yield {"table": "waste", "text": kind, **_pair(wasted[kind])}
    for row in document["instructions"]:
        yield {"table": "instruction", "text": full_text(row), **_aligned(row)}
    for layer in document["layers"]:
        diff_ids = (layer["diff_id_a"], layer["diff_id_b"])
        shown = dict.fromkeys(diff_id for diff_id in diff_ids if diff_id is not None)
        yield {"table": "layer", "text": " ".join(shown), **_aligned(layer)}
    yield from _packages(document)
    yield from secrets.csv_rows(document)
    for directory in document["directories"]:
        yield {
            "table": "directory",
            "path": directory["path"],
            "files": directory["changes"],
            **_costed(directory),
        }
    for change in document["changes"]:
        yield {
            "table": "file",
            "status": change["kind"],
            "path": REST if change["path"] is None else change["path"],
            "files": change["count"] if change["path"] is None else 1,
            "details": None if change["path"] is None else change_details(change),
            **_costed(change),
        }
    for setting in document["config"]:
        yield {
            "table": "setting",
            "status": "known" if setting["known"] else "unknown",
            "path": setting["field"],
            "text": setting["name"],
            "a": setting["a"],
            "b": setting["b"],
        }


def _packages(document: ComparisonDocument) -> Iterator[dict[str, object]]:
    packages = document["packages"]
    if packages is None:
        return
    for row in packages["changes"]:
        yield {
            "table": "package",
            "status": row["status"],
            "text": f"{row['type']} {row['name']}",
            "details": versions_words(row),
            **_costed(row),
        }
    if "rest" in packages:
        yield {
            "table": "package",
            "text": REST,
            "details": f"{packages['rest']['count']:,} packages",
            **_costed(packages["rest"]),
        }


def _pair(row: Mapping[str, object]) -> dict[str, object]:
    return {name: row[name] for name in ("a", "b", "delta")}


def _costed(row: CostedPairRow) -> dict[str, object]:
    return {**_pair(row), **_compressed(row["compressed"])}


def _compressed(pair: MaybePairRow) -> dict[str, object]:
    return {f"compressed_{name}": value for name, value in _pair(pair).items()}


def _aligned(row: ComparedInstructionRow | ComparedLayerRow) -> dict[str, object]:
    return {
        "status": row["status"],
        "index_a": row["a"],
        "index_b": row["b"],
        **_pair(row["sizes"]["content"]),
        **_compressed(row["sizes"]["compressed"]),
    }
