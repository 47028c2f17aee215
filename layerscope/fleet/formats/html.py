"""The report on a fleet as one HTML page with charts."""

from __future__ import annotations

from typing import Any, TextIO

from layerscope.fleet.document import QUESTIONS, Document
from layerscope.fleet.questions.question import Question
from layerscope.fleet.words import facts, shown
from layerscope.report.parts.html_page import write_page

_HEIGHT = 120
_WIDE = 28
_FEWEST, _MOST = 24, 480
"""Months that a chart has room for, so that one month isn't as wide as the page, and a wrong date doesn't hide all others."""


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
    places = [_month(row["month"]) for row in dated]
    if places and places[-1] - places[0] >= _MOST:
        places = list(range(len(dated)))
    count = places[-1] - places[0] + 1 if places else 0
    highest = max((row["stored"] for row in dated), default=0)
    return {
        "most": most,
        "highest": highest,
        "height": _HEIGHT,
        "width": max(_FEWEST, count) * _WIDE,
        "columns": [
            {
                "height": round(_HEIGHT * row["stored"] / highest, 2) if highest else 0,
                "row": row,
                "x": (place - places[0]) * _WIDE + 2,
            }
            for place, row in zip(places, dated, strict=True)
        ],
    }


def _month(text: str) -> int:
    """The number of a month, such as 2025-03, so that months without images leave room."""
    year, _, month = text.partition("-")
    return 12 * int(year) + int(month)
