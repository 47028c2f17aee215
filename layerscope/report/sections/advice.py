"""Advice: what to change in the build, the largest saving first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.report.page import Page
from layerscope.report.parts.sheet import Sheet, code, prose
from layerscope.report.words import base_name, one_line
from layerscope.units import count, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import AdviceRow, AnalysisDocument

SHOWN = 3
"""The pieces of advice in the text report."""
WORTH_A_WORD = 1000
"""A saving of less than one part in this many of the content is only in the JSON report."""


def worthwhile(document: AnalysisDocument) -> list[AdviceRow]:
    """The advice to show, the largest saving first. What saves time, or was not measured, is at the end."""
    content = document["sizes"]["content"]
    return [
        row
        for row in document["advice"]
        if row["bytes"] is None or WORTH_A_WORD * row["bytes"] >= content
    ]


def page_of(row: AdviceRow) -> str | None:
    """The page about the rule in the documentation; None for advice of an older version."""
    rule = row.get("rule")
    return None if rule is None else f"docs/advice/{one_line(rule)}.md"


def text(page: Page, document: AnalysisDocument, rows: int = SHOWN) -> None:
    """The changes that save the most, at most `rows` and `SHOWN`, or that there is nothing to do."""
    page.gap()
    shown = worthwhile(document)[: max(1, min(rows, SHOWN))]
    if not shown:
        page.paragraph(idle_words(document), indent=17, head=("nothing to do: ", "good"))
        return
    for number, row in enumerate(shown):
        head = " then: " if number else "first: "
        page.paragraph(one_line(row["message"]), indent=9, head=(head, "good"))
        where = page_of(row)
        if where is not None and not number:
            page.paragraph(where, indent=9, head=("  how: ", "dim"))


def idle_words(document: AnalysisDocument) -> str:
    """Why there is no advice: how little the own instructions waste, and what only another base image can change."""
    origin = document.get("origin")
    sizes = document["sizes"]
    wasted = sizes["wasted"] if origin is None else origin["own"]["wasted"]
    only = "only " if 100 * wasted < sizes["content"] else ""
    if origin is None:
        return f"{only}{format_size(wasted)} are wasted" if wasted else "no byte is wasted"
    name, inherited = base_name(document), origin["base"]["wasted"]
    if not wasted and not origin["own"]["content"]:
        words = f"all content comes from {name}"
    else:
        words = f"own instructions waste {only}{format_size(wasted)}" if wasted else ""
        words = words or "own instructions waste no byte"
    if not inherited:
        return words
    return f"{words}, and the {format_size(inherited)} that {name} wastes need another base image"


def markdown(sheet: Sheet, document: AnalysisDocument) -> None:
    """The change that saves the most, and a folded list of the others; or why there is nothing to do."""
    rows = worthwhile(document)
    if not rows:
        sheet.add(f"\n**Nothing to do**: {prose(idle_words(document))}\n")
        return
    first, *others = rows
    sheet.add(f"\n**First**: {_piece(first)}\n")
    if others:
        sheet.table(
            ("what to do next",),
            ((_piece(row),) for row in others),
            total=len(others),
            fold=f"Then {count(len(others), 'more piece')} of advice",
        )


def _piece(row: AdviceRow) -> str:
    """The message, and the id of the rule that gives it."""
    rule = row.get("rule")
    return prose(row["message"]) + (f" ({code(rule)})" if rule is not None else "")
