"""The report of an image whose layers were not read (`--head`). Everything that depends on layers is null."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing_extensions import TypeIs

    from layerscope.report.document.rows import (
        AnalysisDocument,
        HeadDocument,
        HeadInstructionRow,
        HeadLayerRow,
        InstructionRow,
        LayerRow,
        MaybeSizesRow,
        ReportDocument,
        SizesRow,
    )


def is_head(document: ReportDocument) -> TypeIs[HeadDocument]:
    """Whether the report is about an image whose layers were not read."""
    return document.get("head") is True


def without_layers(document: AnalysisDocument) -> HeadDocument:
    """The report with null for everything that depends on layers. Instructions without a layer keep their zeros."""
    head: HeadDocument = {
        "advice": None,
        "config": document["config"],
        "efficiency": None,
        "files": {
            "directories": None,
            "hardlinks": None,
            "others": None,
            "regular": None,
            "symlinks": None,
            "whiteouts": None,
        },
        "head": True,
        "image": document["image"],
        "instructions": [_instruction(row) for row in document["instructions"]],
        "kind": document["kind"],
        "largest": None,
        "layers": [_layer(row) for row in document["layers"]],
        "layerscope": document["layerscope"],
        "notes": document["notes"],
        "schema_version": document["schema_version"],
        "sizes": _unknown(document["sizes"]),
        "waste": None,
        "waste_groups": None,
        "waste_pairs": None,
        "wasted_by_kind": {
            "deleted": None,
            "duplicate_entry": None,
            "identical_rewrite": None,
            "metadata_only": None,
            "overwritten": None,
        },
    }
    if "base" in document:
        head["base"] = document["base"]
    return head


def _instruction(row: InstructionRow) -> HeadInstructionRow:
    return {**row, "sizes": _unknown(row["sizes"]) if row["layers"] else {**row["sizes"]}}


def _layer(row: LayerRow) -> HeadLayerRow:
    head: HeadLayerRow = {
        "changes": {"added": None, "deleted": None, "modified": None},
        "compression": row["compression"],
        "diff_id": row["diff_id"],
        "digest": row["digest"],
        "index": row["index"],
        "indexed": False,
        "instruction": row["instruction"],
        "media_type": row["media_type"],
        "sizes": _unknown(row["sizes"]),
        "verified": False,
    }
    if "base" in row:
        head["base"] = row["base"]
    return head


def _unknown(sizes: SizesRow | MaybeSizesRow) -> MaybeSizesRow:
    return {
        "compressed": sizes["compressed"],
        "content": None,
        "live": None,
        "overhead": None,
        "tar": None,
        "wasted": None,
    }
