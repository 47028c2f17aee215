"""The report on a fleet as Markdown."""

from __future__ import annotations

from typing import TextIO

from layerscope.fleet.document import QUESTIONS, Document
from layerscope.fleet.words import facts, shown
from layerscope.report.parts.sheet import code, prose


class FleetMarkdown:
    """Writes the sums, then a table for each question."""

    def render(self, document: Document, out: TextIO) -> None:
        out.write("<!-- layerscope fleet -->\n## layerscope: the fleet\n\n| | | |\n|:--|--:|:--|\n")
        out.writelines(
            f"| {name} | **{value}** | {prose(meaning)} |\n"
            for name, value, meaning in facts(document["summary"])
        )
        for question in QUESTIONS:
            answer = document[question.key]
            if not answer["rows"]:
                continue
            out.write(f"\n### {question.title}\n\n{prose(question.meaning)}\n\n")
            out.write(f"| {' | '.join(column.title for column in question.columns)} |\n")
            marks = ("--:" if column.is_number else ":--" for column in question.columns)
            out.write(f"|{'|'.join(marks)}|\n")
            for row in answer["rows"]:
                cells = [
                    code(shown(column, row[column.key]))
                    if not column.is_number and row[column.key] is not None
                    else shown(column, row[column.key])
                    for column in question.columns
                ]
                out.write(f"| {' | '.join(cells)} |\n")
            left = answer["count"] - len(answer["rows"])
            if left > 0:
                out.write(f"\nand {left:,} more\n")
