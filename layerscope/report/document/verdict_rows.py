"""Rows of the report about what an image was checked against: the verdict, the baseline, and dive's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.report.document.head import is_head
from layerscope.report.document.image_rows import maybe_sizes_row, text_or_none
from layerscope.report.paths import clean_text

if TYPE_CHECKING:
    from layerscope.analysis.budgets.dive import DiveNumbers
    from layerscope.analysis.budgets.growth import Former
    from layerscope.analysis.budgets.verdict import RuleResult, Verdict
    from layerscope.analysis.masked import Masks
    from layerscope.analysis.model import Facts
    from layerscope.report.document.rows import (
        BaselineRow,
        ReportDocument,
        RuleRow,
        VerdictRow,
    )


def add_parts(
    document: ReportDocument,
    facts: Facts,
    masks: Masks,
    *,
    verdict: Verdict | None,
    baseline: Former | None,
    min_change: int,
    dive: DiveNumbers | None,
) -> None:
    """Add what the image was checked against: the verdict, the baseline's sizes, and dive's numbers."""
    if verdict is not None:
        document["verdict"] = _verdict(verdict, masks)
    if baseline is not None and baseline.side is not None:
        document["baseline"] = _baseline(facts, baseline.name, baseline.side, min_change)
    if dive is not None and not is_head(document):
        document["dive_compatible"] = {
            "efficiencyScore": dive.efficiency_score,
            "inefficientBytes": dive.inefficient_bytes,
            "sizeBytes": dive.size_bytes,
            "userWastedPercent": dive.user_wasted_percent,
        }
        difference = dive.difference(facts)
        if difference is not None:
            document["notes"].append({"code": "dive-differs", "message": difference})


def _baseline(facts: Facts, name: str, side: Facts, min_change: int) -> BaselineRow:
    from layerscope.analysis.budgets.growth import grown_instructions

    return {
        "grown": [
            {"before": each.before, "bytes": each.bytes, "instruction": each.instruction}
            for each in grown_instructions(facts, side, min_change)
        ],
        "reference": clean_text(name),
        "sizes": maybe_sizes_row(side.sizes, known=all(layer.indexed for layer in side.layers)),
    }


def _verdict(verdict: Verdict, masks: Masks) -> VerdictRow:
    row: VerdictRow = {
        "passed": verdict.passed,
        "rules": [_rule(result, masks) for result in verdict.rules],
        "skipped": verdict.skipped,
        "warnings": verdict.warnings,
    }
    if verdict.allowed:
        row["allowed"] = [
            {
                "bytes": each.bytes,
                "files": each.files,
                "glob": clean_text(each.allow.glob),
                "name": clean_text(each.allow.label),
                "reason": clean_text(each.allow.reason),
                "until": text_or_none(each.allow.until),
            }
            for each in verdict.allowed
        ]
    return row


def _rule(result: RuleResult, masks: Masks) -> RuleRow:
    row: RuleRow = {
        "actual": result.actual,
        "level": result.level,
        "limit": result.limit,
        "message": clean_text(masks.text(result.message)),
        "passed": result.passed,
        "rule": result.rule,
        "skipped": result.skipped,
        "unit": result.unit,
    }
    if result.instructions:
        row["instructions"] = list(result.instructions)
    if result.written:
        row["written"] = clean_text(result.written)
    if result.reason:
        row["reason"] = clean_text(result.reason)
    if result.scope is not None:
        row["scope"] = clean_text(result.scope)
    return row
