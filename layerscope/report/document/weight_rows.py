"""The dead weight in the report document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from layerscope.analysis.weight.facts import total
from layerscope.report.paths import clean_text, escape_path

if TYPE_CHECKING:
    from layerscope.analysis.causes import Cause
    from layerscope.analysis.weight.facts import (
        DeadWeight,
        KindWeight,
        Weight,
        WeightPart,
        WeightPath,
    )
    from layerscope.report.document.weight_types import (
        CauseRow,
        DeadWeightRow,
        KindWeightRow,
        WeightPartRow,
        WeightPathRow,
        WeightRow,
    )

PATHS: Final = 100
"""The most paths of each kind that a report lists, unless it lists all files."""


def dead_weight_row(weight: DeadWeight, top: int | None) -> DeadWeightRow:
    """All kinds, each with its `top` largest paths and the sum of the others."""
    most = None if top is None else min(top, PATHS)
    return {
        **weight_row(weight),
        "base": None if weight.base is None else weight_row(weight.base),
        "kinds": [_kind(each, most) for each in weight.kinds],
        "unmeasured": list(weight.unmeasured),
    }


def weight_row(weight: Weight) -> WeightRow:
    return {"bytes": weight.bytes, "compressed": weight.compressed, "files": weight.files}


def _kind(weight: KindWeight, most: int | None) -> KindWeightRow:
    shown = weight.paths[:most]
    others = weight.paths[len(shown) :]
    row: KindWeightRow = {
        "base": None if weight.base is None else weight_row(weight.base),
        "bytes": weight.bytes,
        "compressed": weight.compressed,
        "files": weight.files,
        "kind": weight.kind,
        "parts": [_part(each) for each in weight.parts],
        "paths": [_path(each) for each in shown],
    }
    if others:
        row["rest"] = weight_row(total(others))
    return row


def _part(part: WeightPart) -> WeightPartRow:
    return {
        **weight_row(part),
        "instruction": part.instruction,
        "layer": part.layer,
        "tool": part.tool,
    }


def _path(path: WeightPath) -> WeightPathRow:
    row: WeightPathRow = {
        "bytes": path.bytes,
        "compressed": path.compressed,
        "files": path.files,
        "instruction": path.instruction,
        "layer": path.layer,
        "path": escape_path(path.path),
        "tool": path.tool,
    }
    if path.evidence is not None:
        row["evidence"] = path.evidence
    return row


def cause_row(cause: Cause) -> CauseRow:
    name = escape_path(cause.name) if isinstance(cause.name, bytes) else clean_text(cause.name)
    return {
        "base": cause.base,
        "bytes": cause.bytes,
        "compressed": cause.compressed,
        "files": cause.files,
        "instruction": cause.instruction,
        "kind": cause.kind,
        "name": name,
    }
