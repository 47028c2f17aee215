"""The report on a fleet as one HTML page with charts."""

from __future__ import annotations

from typing import Any, TextIO

from layerscope.fleet.document import QUESTIONS, Document
from layerscope.fleet.questions.question import Question
from layerscope.fleet.words import facts, shown
from layerscope.report.parts.html_page import write_page

_HEIGHT = 120
_WIDE = 28


class FleetHtml:
    """Writes the page. Everything is in the file, and nothing is loaded."""

    def render(self, document: Document, out: TextIO) -> None:
        write_page(
            out,
            "fleet.html.j2",
            ("tables.js",),
            document,
            words={"shown": shown},
            values={
                "document_word": "report",
                "facts": facts(document["summary"]),
                "sections": [
                    {"question": each, **document[each.key], "drawing": _drawing(each, document)}
                    for each in QUESTIONS
                    if document[each.key]["rows"]
                ],
            },
        )


def _drawing(question: Question, document: Document) -> dict[str, Any]:
    """The largest value, for bars; for months the columns of a chart."""
    rows = document[question.key]["rows"]
    most = max((row[question.bar] or 0 for row in rows), default=0)
    if question.chart != "months":
        return {"most": most, "columns": ()}
    dated = [row for row in rows if row["month"] is not None]
    return {
        "most": most,
        "height": _HEIGHT,
        "width": max(1, len(dated)) * _WIDE,
        "columns": [
            {
                "height": round(_HEIGHT * (row["stored"] or 0) / most, 2) if most else 0,
                "row": row,
                "x": number * _WIDE + 2,
            }
            for number, row in enumerate(dated)
        ],
    }
