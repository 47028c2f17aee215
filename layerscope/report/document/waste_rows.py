"""Rows of the report about files: what is wasted, by file, folder, and instruction, and what is largest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.analysis.largest import largest_files
from layerscope.analysis.model import sum_of
from layerscope.report.paths import escape_path

if TYPE_CHECKING:
    from layerscope.analysis.grouping import WasteSummary
    from layerscope.analysis.model import Analysis, WastedFile
    from layerscope.report.document.rows import (
        LiveRow,
        WasteGroupRestRow,
        WasteGroupRow,
        WastePairRow,
        WasteRestRow,
        WasteRow,
    )


def largest_rows(analysis: Analysis, top: int | None) -> list[LiveRow]:
    return [
        {
            "bytes": file.bytes,
            "compressed": file.compressed,
            "layer": file.layer,
            "path": escape_path(file.path),
            "written_by": file.written_by,
        }
        for file in largest_files(analysis)[:top]
    ]


def pair_rows(summary: WasteSummary) -> list[WastePairRow]:
    return [
        {
            "bytes": pair.bytes,
            "changed": list(pair.changed),
            "compressed": pair.compressed,
            "files": pair.files,
            "kind": pair.kind,
            "wasted_by": pair.wasted_by,
            "written_by": pair.written_by,
        }
        for pair in summary.pairs()
    ]


def waste_rows(waste: tuple[WastedFile, ...], top: int | None) -> list[WasteRow | WasteRestRow]:
    shown = waste if top is None else waste[:top]
    rows: list[WasteRow | WasteRestRow] = [_wasted_file(file) for file in shown]
    if len(waste) > len(shown):
        rest = waste[len(shown) :]
        cost = sum_of(file.compressed for file in rest)
        rows.append(waste_rest(sum(file.bytes for file in rest), len(rest), cost))
    return rows


def _wasted_file(file: WastedFile) -> WasteRow:
    row: WasteRow = {
        "bytes": file.bytes,
        "compressed": file.compressed,
        "kind": file.kind,
        "layer": file.layer,
        "path": escape_path(file.path),
        "wasted_by": file.wasted_by,
        "written_by": file.written_by,
    }
    if file.changed:
        row["changed"] = list(file.changed)
    return row


def group_rows(summary: WasteSummary, top: int | None) -> list[WasteGroupRow | WasteGroupRestRow]:
    groups = summary.groups()
    shown = groups if top is None else groups[:top]
    rows: list[WasteGroupRow | WasteGroupRestRow] = [
        {
            "bytes": group.bytes,
            "changed": list(group.changed),
            "compressed": group.compressed,
            "files": group.files,
            "kind": group.kind,
            "path": escape_path(group.path),
            "rest": group.rest,
            "wasted_by": group.wasted_by,
            "written_by": group.written_by,
        }
        for group in shown
    ]
    if len(groups) > len(shown):
        rest = groups[len(shown) :]
        size, files = sum(group.bytes for group in rest), sum(group.files for group in rest)
        rows.append(group_rest(size, files, sum_of(group.compressed for group in rest)))
    return rows


def waste_rest(size: int, files: int, compressed: int | None) -> WasteRestRow:
    """The row that sums up the wasted files that were cut off."""
    return {
        "bytes": size,
        "compressed": compressed,
        "files": files,
        "kind": None,
        "layer": None,
        "path": None,
        "wasted_by": None,
        "written_by": None,
    }


def group_rest(size: int, files: int, compressed: int | None) -> WasteGroupRestRow:
    """The same for `waste_groups`."""
    return {
        "bytes": size,
        "compressed": compressed,
        "changed": [],
        "files": files,
        "kind": None,
        "path": None,
        "rest": True,
        "wasted_by": None,
        "written_by": None,
    }
