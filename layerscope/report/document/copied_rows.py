"""What `COPY --from` takes, in the report document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.report.paths import clean_text

if TYPE_CHECKING:
    from layerscope.image.instruction import CopiedFrom, Location
    from layerscope.report.document.copied_types import CopiedFromRow, LocationRow


def copied_row(copied: CopiedFrom) -> CopiedFromRow:
    row: CopiedFromRow = {
        "evidence": copied.evidence,
        "image": None if copied.image is None else clean_text(copied.image),
        "instructions": [
            {
                "location": None if step.location is None else location_row(step.location),
                "stage": None if step.stage is None else clean_text(step.stage),
                "text": clean_text(step.text),
            }
            for step in copied.instructions
        ],
        "narrowed": copied.narrowed,
        "stage": None if copied.stage is None else clean_text(copied.stage),
    }
    if copied.left_out:
        row["left_out"] = copied.left_out
    return row


def location_row(location: Location) -> LocationRow:
    return {
        "end_line": location.end_line,
        "file": clean_text(location.file),
        "start_line": location.start_line,
    }
