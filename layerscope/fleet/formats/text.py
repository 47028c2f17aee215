"""The report on a fleet as text for a terminal or a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from layerscope.fleet.document import QUESTIONS, Document
from layerscope.fleet.words import facts, shown
from layerscope.report.escape import cell_width, fit_start, pad
from layerscope.report.page import bar

if TYPE_CHECKING:
    from layerscope.fleet.questions.question import Question
    from layerscope.report.formats.format import Display
    from layerscope.report.page import Page

_BAR = 12


class FleetText:
    """Writes the sums, then a table for each question."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def render(self, document: Document, out: TextIO) -> None:
        page = self._display.page(out)
        rows = facts(document["summary"])
        width = max(len(name) for name, _, _ in rows)
        amount = max(len(value) for _, value, _ in rows)
        for name, value, meaning in rows:
            page.line(f"{name.ljust(width)}  ", (value.rjust(amount), "title"), f"  {meaning}")
        for question in QUESTIONS:
            if document[question.key]["rows"]:
                page.gap()
                _table(page, question, document)


def _table(page: Page, question: Question, document: Document) -> None:
    answer = document[question.key]
    page.line((question.title, "head"))
    page.paragraph(question.meaning, indent=2, head=("", ""))
    columns = question.columns
    cells = [[shown(column, row[column.key]) for column in columns] for row in answer["rows"]]
    widths = [
        max([cell_width(column.title), *(cell_width(row[at]) for row in cells)])
        for at, column in enumerate(columns)
    ]
    room = page.width - 2 - (_BAR + 2) - sum(width + 2 for width in widths[:-1])
    widths[-1] = max(16, min(widths[-1], room))
    most = max((row[question.bar] or 0 for row in answer["rows"]), default=0)
    head = [
        pad(fit_start(column.title, width), width, right=column.kind != "text")
        for column, width in zip(columns, widths, strict=True)
    ]
    page.line(("  " + " " * (_BAR + 2) + "  ".join(head), "dim"))
    for row, texts in zip(answer["rows"], cells, strict=True):
        drawn = bar(row[question.bar] or 0, most, _BAR)
        line = [
            pad(fit_start(text, width), width, right=column.kind != "text")
            for column, text, width in zip(columns, texts, widths, strict=True)
        ]
        page.line("  ", (pad(drawn, _BAR), "bar"), "  ", "  ".join(line))
    left = answer["count"] - len(answer["rows"])
    if left > 0:
        page.line("  ", (f"and {left:,} more", "dim"))
