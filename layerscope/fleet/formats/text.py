"""The report on a fleet as text for a terminal or a log."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from layerscope.fleet.document import QUESTIONS, Document
from layerscope.fleet.words import facts, shown
from layerscope.report.escape import cell_width, fit_end, fit_start, pad
from layerscope.report.page import bar, wrap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerscope.fleet.questions.question import Column, Question
    from layerscope.report.formats.format import Display
    from layerscope.report.page import Page

_BAR = 12
_LEAST = 16
_ENOUGH = 36
"""Columns in which most references and paths can be told from each other."""


class FleetText:
    """Writes the sums, then a table for each question."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def render(self, document: Document, out: TextIO) -> None:
        page = self._display.page(out)
        rows = facts(document["summary"])
        width = max(len(name) for name, _, _ in rows)
        amount = max(len(value) for _, value, _ in rows)
        margin = width + amount + 4
        for name, value, meaning in rows:
            first, *others = wrap(meaning, max(_LEAST, page.width - margin))
            page.line(f"{name.ljust(width)}  ", (value.rjust(amount), "title"), f"  {first}")
            for part in others:
                page.line(" " * margin, part)
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
    room = page.width - 2 - sum(width + 2 for width in widths[:-1])
    # The bar is left out before the text becomes too short to tell rows apart.
    length = _BAR if room - (_BAR + 2) >= min(widths[-1], _ENOUGH) else 0
    indent = " " * (2 + (length + 2 if length else 0))
    widths[-1] = min(widths[-1], max(_LEAST, room + 2 - len(indent)))
    most = max((row[question.bar] or 0 for row in answer["rows"]), default=0)
    page.line((indent + _row(columns, [column.title for column in columns], widths), "dim"))
    for row, texts in zip(answer["rows"], cells, strict=True):
        drawn = bar(row[question.bar] or 0, most, length)
        page.line("  ", (pad(drawn, len(indent) - 2), "bar"), _row(columns, texts, widths))
    left = answer["count"] - len(answer["rows"])
    if left > 0:
        page.line("  ", (f"and {left:,} more", "dim"))


def _row(columns: Sequence[Column], texts: Sequence[str], widths: Sequence[int]) -> str:
    cells = []
    for column, text, width in zip(columns, texts, widths, strict=True):
        fit = fit_end if column.kind == "path" and text != column.title else fit_start
        cells.append(pad(fit(text, width), width, right=column.is_number))
    return "  ".join(cells)
