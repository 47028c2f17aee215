"""The report document, which every renderer shows. Its schema is `schema/analysis-1.json`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import layerscope
from layerscope.analysis.causes import causes_of
from layerscope.analysis.grouping import WasteSummary
from layerscope.analysis.masked import NO_MASKS, masked, masks_of
from layerscope.analysis.model import Analysis
from layerscope.report.document.advice_rows import advice_rows
from layerscope.report.document.configuration import configuration
from layerscope.report.document.defaults import SCHEMA_VERSION, TOP
from layerscope.report.document.duplicate_rows import duplicates_row
from layerscope.report.document.head import without_layers
from layerscope.report.document.image_rows import (
    base_row,
    files_row,
    image_row,
    instruction_row,
    layer_row,
    note_row,
    sizes_row,
)
from layerscope.report.document.origin_rows import origin_row
from layerscope.report.document.package_rows import packages_row
from layerscope.report.document.secret_rows import finding_rows, secrets_row
from layerscope.report.document.verdict_rows import add_parts
from layerscope.report.document.waste_rows import (
    group_rows,
    largest_rows,
    pair_rows,
    waste_rows,
)
from layerscope.report.document.weight_rows import cause_row, dead_weight_row

if TYPE_CHECKING:
    from layerscope.analysis.budgets.dive import DiveNumbers
    from layerscope.analysis.budgets.growth import Former
    from layerscope.analysis.budgets.verdict import Verdict
    from layerscope.report.document.rows import AnalysisDocument, ReportDocument


def build(
    analysis: Analysis,
    *,
    top: int | None = TOP,
    files: bool = False,
    verdict: Verdict | None = None,
    show_args: bool = False,
    hashes: bool = False,
    baseline: Former | None = None,
    min_change: int = 0,
    dive: DiveNumbers | None = None,
) -> ReportDocument:
    """The report of one image. The same image always gives the same document.

    It lists the `top` largest rows of waste (all of them for None) and sums up the rest in one more row. `files` adds
    the entries of each layer and all packages. `hashes` adds the hash of each live content, so that the report can replace the image in
    a comparison; content not read yet is read now, so the image must be open. Secrets and the values of build arguments
    are masked in all texts unless `show_args`. `baseline` adds its sizes and the instructions that grew since by
    `min_change` bytes or more, and `dive` adds dive's numbers.
    """
    masks = NO_MASKS if show_args else masks_of(analysis)
    if not show_args:
        analysis = masked(analysis, masks)
    read = _document(analysis, top, show_args)
    document: ReportDocument = without_layers(read) if analysis.facts.head else read
    if files and not analysis.facts.head:
        if analysis.facts.packages is not None:
            read["packages"] = packages_row(analysis.facts.packages, None)
        if analysis.facts.weight is not None:
            read["dead_weight"] = dead_weight_row(analysis.facts.weight, None)
        if hashes:
            from layerscope.analysis.content_hashes import live_contents, read_contents

            read_contents(live_contents(analysis.tree), analysis.indexes)
        from layerscope.report.document.entry_rows import EntryRows

        for row, layer in zip(read["layers"], analysis.tree.layers, strict=True):
            row["entries"] = EntryRows(layer, hashes=hashes)
    add_parts(
        document,
        analysis.facts,
        masks,
        verdict=verdict,
        baseline=baseline,
        min_change=min_change,
        dive=dive,
    )
    return document


def _document(analysis: Analysis, top: int | None, show_args: bool) -> AnalysisDocument:
    image = analysis.image
    summary = WasteSummary(analysis.waste)
    wasted = analysis.wasted_by_kind
    document: AnalysisDocument = {
        "advice": advice_rows(analysis, summary),
        "config": configuration(image.config),
        "efficiency": analysis.sizes.efficiency,
        "files": files_row(analysis.files),
        "image": image_row(image),
        "instructions": [instruction_row(each, show_args) for each in analysis.instructions],
        "kind": "analysis",
        "largest": largest_rows(analysis, top),
        "layers": [layer_row(each, image.base) for each in analysis.layers],
        "layerscope": layerscope.__version__,
        "notes": [note_row(each) for each in analysis.notes],
        "schema_version": SCHEMA_VERSION,
        "sizes": sizes_row(analysis.sizes),
        "waste": waste_rows(analysis.waste, top),
        "waste_groups": group_rows(summary, top),
        "waste_pairs": pair_rows(summary),
        "wasted_by_kind": {
            "deleted": wasted.get("deleted", 0),
            "duplicate_entry": wasted.get("duplicate_entry", 0),
            "identical_rewrite": wasted.get("identical_rewrite", 0),
            "metadata_only": wasted.get("metadata_only", 0),
            "overwritten": wasted.get("overwritten", 0),
        },
    }
    if image.base is not None:
        document["base"] = base_row(image.base)
    if analysis.facts.packages is not None:
        document["packages"] = packages_row(analysis.facts.packages, top)
    if analysis.facts.origin is not None:
        document["origin"] = origin_row(analysis.facts.origin)
    if analysis.facts.duplicates is not None:
        document["duplicates"] = duplicates_row(analysis.facts.duplicates, analysis.layers, top)
    if analysis.facts.secrets is not None:
        document["findings"] = finding_rows(analysis.facts.secrets.findings, analysis.instructions)
        document["secrets"] = secrets_row(analysis.facts.secrets)
    if analysis.facts.weight is not None:
        document["dead_weight"] = dead_weight_row(analysis.facts.weight, top)
    if not analysis.facts.head:
        document["causes"] = [cause_row(each) for each in causes_of(analysis, summary)]
    return document
