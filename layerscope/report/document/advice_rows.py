"""The rows of `advice`: what to change in the build, the largest saving first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.analysis.advice.advise import advise
from layerscope.report.document.copied_rows import location_row
from layerscope.report.paths import clean_text

if TYPE_CHECKING:
    from layerscope.analysis.advice.advice import Advice
    from layerscope.analysis.grouping import WasteSummary
    from layerscope.analysis.model import Analysis
    from layerscope.report.document.rows import AdviceRow


def advice_rows(analysis: Analysis, summary: WasteSummary) -> list[AdviceRow]:
    return [advice_row(advice) for advice in advise(analysis, summary)]


def advice_row(advice: Advice) -> AdviceRow:
    return {
        "bytes": advice.bytes,
        "compressed": advice.compressed,
        "files": advice.files,
        "instruction": advice.instruction,
        "kind": advice.kind,
        "location": None if advice.location is None else location_row(advice.location),
        "message": clean_text(advice.message),
        "rule": advice.rule,
        "wasted_by": advice.wasted_by,
        "written_by": advice.written_by,
    }
