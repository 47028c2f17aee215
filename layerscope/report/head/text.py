"""The text report of an image whose layers were not read: what a pull transfers for each instruction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.report.escape import cell_width, fit_end, fit_start, pad
from layerscope.report.page import Page, Span, bar
from layerscope.report.words import (
    base_instructions,
    has_lines,
    instruction_text,
    line_number,
    one_line,
    short_digest,
)
from layerscope.units import count, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import HeadDocument, ReportDocument


MOST_INSTRUCTIONS = 1000
MOST_NOTES = 12
_BAR = 12


def write_head(page: Page, document: HeadDocument) -> None:
    """Write the whole report except the verdict."""
    _header(page, document)
    _facts(page, document)
    _instructions(page, document)
    _notes(page, document)


def base_words(document: ReportDocument) -> str:
    """`debian:12 (2 layers)`, or "" if the end of the base image is unknown."""
    base = document.get("base")
    if base is None:
        return ""
    name = one_line(base["name"] or "unnamed").partition("@")[0]
    return f"{name} ({count(base['layers'], 'layer')})"


def _header(page: Page, document: HeadDocument) -> None:
    image = document["image"]
    name = one_line(image["reference"])
    digest = short_digest(image["manifest_digest"] or image["config_digest"])
    facts = f"{one_line(image['platform'])}  {image['source']}  {digest}"
    counts = (
        f"{count(len(document['layers']), 'layer')},"
        f" {count(len(document['instructions']), 'instruction')}"
    )
    if sum(map(cell_width, (name, facts, counts))) + 4 <= page.width:
        page.line((name, "title"), "  ", facts, "  ", counts)
        return
    page.line((fit_end(name, page.width), "title"))
    page.line("  ", fit_start(facts, page.width - 2))
    page.line("  ", fit_start(counts, page.width - 2))


def _facts(page: Page, document: HeadDocument) -> None:
    download = document["sizes"]["compressed"]
    known = "compressed, one pull"
    if download is None:
        known = "unknown: not all layers are compressed"
    rows = [("download", f"{pad(format_size(download), 10, right=True)}  {known}")]
    if document["image"]["created"]:
        rows.append(("created", one_line(document["image"]["created"])))
    base = base_words(document)
    if base:
        rows.append(("base", base))
    page.gap()
    for name, text in rows:
        page.line("  ", pad(name, 9), fit_start(text, page.width - 11))


def _instructions(page: Page, document: HeadDocument) -> None:
    rows = document["instructions"]
    if not rows:
        return
    sizes = [row["sizes"]["compressed"] or 0 for row in rows]
    most = max(sizes)
    shown = rows
    if len(rows) > MOST_INSTRUCTIONS:
        ranked = sorted(range(len(rows)), key=lambda index: (-sizes[index], index))
        shown = [rows[index] for index in sorted(ranked[:MOST_INSTRUCTIONS])]
    lines = page.width >= 56 and has_lines(document)
    base = base_instructions(document)
    numbers = max(2, len(str(rows[-1]["index"])))
    bars = _BAR if page.width >= 76 else 0
    room = page.width - numbers - 16 - (bars + 1 if bars else 0) - (6 if lines else 0)
    page.gap()
    head = f"  {pad('#', numbers, right=True)}  {pad('instruction', room)}{pad('download', 11, right=True)}"
    head += " " * (bars + 1 if bars else 0) + ("  line" if lines else "")
    page.line((head, "head"))
    for row in shown:
        size = row["sizes"]["compressed"] if row["layers"] else None
        spans: list[Span] = [
            "  ",
            pad(str(row["index"]), numbers, right=True),
            "  ",
            (pad(instruction_text(row, room), room), "" if row["layers"] else "dim"),
            pad(format_size(size), 11, right=True),
        ]
        if bars:
            spans += [" ", (pad(bar(size or 0, most, bars), bars), "bar")]
        if lines and row["index"] in base:
            spans.append(("  base", "dim"))
        elif lines and row["location"]:
            spans.append(pad(line_number(row), 6, right=True))
        page.line(*spans)
    if len(rows) > len(shown):
        page.line("  ", f"and {len(rows) - len(shown):,} smaller instructions, in the JSON report")


def _notes(page: Page, document: HeadDocument) -> None:
    notes = document["notes"]
    page.gap()
    for note in notes[:MOST_NOTES]:
        where = f"layer {note['layer']}: " if "layer" in note else ""
        page.paragraph(f"{where}{one_line(note['message'])}", indent=8, head=("note  ", "dim"))
    if notes[MOST_NOTES:]:
        page.line("        ", f"and {len(notes) - MOST_NOTES} more, all of them in the JSON report")
