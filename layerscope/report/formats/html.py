"""The report as one HTML page. Without JavaScript you lose only the zoom, sorting, and filters."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from layerscope.analysis.words import KIND_MEANINGS, KIND_WORDS
from layerscope.report.document.entry_rows import without_entries
from layerscope.report.document.head import is_head
from layerscope.report.formats.svg import draw
from layerscope.report.head.text import base_words
from layerscope.report.parts.html_page import data_block, write_page
from layerscope.report.parts.palette import OTHER, Palette
from layerscope.report.parts.secret_words import finding_place
from layerscope.report.parts.treemap import Rect, Spacing
from layerscope.report.sections import advice, causes, duplicates, secrets, weight
from layerscope.report.sections.copied import copied_words
from layerscope.report.sections.packages import packages_sentence
from layerscope.report.words import (
    base_instructions,
    base_name,
    blame,
    has_lines,
    instruction_text,
    is_warning,
    rule_bound,
    rule_numbers,
    rule_word,
    verdict_words,
    wasted_kinds,
)

if TYPE_CHECKING:
    from layerscope.report.document.rows import AnalysisDocument, ReportDocument


ADVICE = 3
"""The number of pieces of advice that are not folded away."""
MAP = Rect(0, 0, 1200, 620)
_COARSE = Spacing(smallest=6)
"""For the drawing in the file. The script draws smaller tiles."""
_WORDS = {
    "ADVICE": ADVICE,
    "KIND_MEANINGS": KIND_MEANINGS,
    "KIND_WORDS": KIND_WORDS,
    "base_instructions": base_instructions,
    "blame": blame,
    "has_lines": has_lines,
    "instruction_text": instruction_text,
    "is_warning": is_warning,
    "MOST_PATHS": duplicates.MOST_PATHS,
    "duplicate_package_name": duplicates.duplicate_package_name,
    "duplicate_packages_sentence": duplicates.duplicate_packages_sentence,
    "duplicates_sentence": duplicates.duplicates_sentence,
    "finding_place": finding_place,
    "base_name": base_name,
    "copied_words": copied_words,
    "gaps_sentence": secrets.gaps_sentence,
    "packages_sentence": packages_sentence,
    "secret_state": secrets.state,
    "secrets_sentence": secrets.secrets_sentence,
    "rule_bound": rule_bound,
    "rule_numbers": rule_numbers,
    "rule_word": rule_word,
    "verdict_words": verdict_words,
    "how_known": weight.how_known,
    "weight_sentence": weight.weight_sentence,
}


class HtmlRenderer:
    """Writes the page. A document without the key `filesystem` gets no treemap."""

    def render(self, document: ReportDocument, out: TextIO) -> None:
        if is_head(document):
            write_page(
                out,
                "head.html.j2",
                ("tables.js",),
                document,
                words=_WORDS,
                values={"base": base_words(document), "document_word": "report"},
            )
            return
        palette = Palette(document)
        drawing = ""
        if "filesystem" in document:
            drawing = "\n".join(draw(document, MAP, palette, spacing=_COARSE))
        kinds = _kinds(document)
        values = {
            "advice": advice.worthwhile(document),
            "idle_words": advice.idle_words(document),
            "causes": causes.lines(document),
            "document_word": "report",
            "drawing": drawing,
            "kind_choices": [(row["kind"], KIND_WORDS[str(row["kind"])]) for row in kinds],
            "kinds": kinds,
            "duplicates_shown": duplicates.is_shown(document.get("duplicates")),
            "secrets_shown": secrets.is_shown(document.get("secrets")),
            "legend": _legend(document, palette),
            "map": MAP,
            "most": max((row["sizes"]["content"] for row in document["instructions"]), default=0),
            "palette": palette,
            "segments": _segments(document, palette),
            **weight.table_values(document),
            "view": data_block(_view(document, palette)),
        }
        write_page(
            out,
            "report.html.j2",
            ("treemap.js", "tables.js"),
            {**document, "layers": [without_entries(row) for row in document["layers"]]},
            words=_WORDS,
            values=values,
        )


def _view(document: AnalysisDocument, palette: Palette) -> dict[str, list[int] | list[str]]:
    """What the script shows besides the numbers: the color and text of each instruction."""
    return {
        "colors": [palette.color(row["index"]) for row in document["instructions"]],
        "texts": [instruction_text(row, 160) for row in document["instructions"]],
    }


def _legend(document: AnalysisDocument, palette: Palette) -> list[dict[str, object]]:
    rows = []
    others = 0
    for row in document["instructions"]:
        live = row["sizes"]["live"]
        if row["index"] in palette.instructions and live:
            rows.append(
                {
                    "color": palette.color(row["index"]),
                    "index": row["index"],
                    "live": live,
                    "text": instruction_text(row, 60),
                }
            )
        elif live:
            others += live
    if others:
        rows.append({"color": OTHER, "index": "", "live": others, "text": "all other instructions"})
    return rows


def _segments(document: AnalysisDocument, palette: Palette) -> list[dict[str, object]]:
    """The layers along a bar of 1000 units, the live part of each first."""
    whole = document["sizes"]["content"]
    segments = []
    x = 0.0
    for layer in document["layers"]:
        sizes = layer["sizes"]
        if not sizes["content"]:
            continue
        width = 1000 * sizes["content"] / whole
        instruction = document["instructions"][layer["instruction"]]
        segments.append(
            {
                "color": palette.color(layer["instruction"]),
                "layer": layer["index"],
                "sizes": sizes,
                "text": f"{layer['instruction']}, {instruction_text(instruction, 100)}",
                "wasted": round(width * (sizes["wasted"] or 0) / sizes["content"], 2),
                "width": round(width, 2),
                "x": round(x, 2),
            }
        )
        x += width
    return segments


def _kinds(document: AnalysisDocument) -> list[dict[str, object]]:
    """The kinds of waste along a bar of 1000 units, largest first."""
    whole = document["sizes"]["wasted"]
    rows: list[dict[str, object]] = []
    x = 0.0
    ordered = sorted(wasted_kinds(document), key=lambda item: (-item[1], item[0]))
    for number, (kind, size) in enumerate(ordered):
        width = 1000 * size / whole
        rows.append(
            {
                "bytes": size,
                "kind": kind,
                "number": number,
                "width": round(width, 2),
                "x": round(x, 2),
            }
        )
        x += width
    return rows
