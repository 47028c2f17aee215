"""The report as text: how large the image is, which instruction is to blame, what is wasted, and what to do first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from layerscope.analysis.mentions import short_command
from layerscope.analysis.words import KIND_WORDS
from layerscope.report.document.head import is_head
from layerscope.report.escape import cell_width, fit_end, fit_start, pad
from layerscope.report.head.text import write_head
from layerscope.report.page import Page, Span, bar
from layerscope.report.parts.file_table import file_table, remainder
from layerscope.report.sections import advice, causes, duplicates, origin, packages, secrets, weight
from layerscope.report.sections.copied import copied_words
from layerscope.report.words import (
    base_instructions,
    blame,
    has_lines,
    line_number,
    one_line,
    wasted_kinds,
)
from layerscope.units import format_percent, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import (
        AnalysisDocument,
        InstructionRow,
        ReportDocument,
        WastePairRow,
    )
    from layerscope.report.formats.format import Display

ROWS = 10
"""The default number of rows of each list of files."""
MOST_NOTES = 12
MOST_INSTRUCTIONS = 1000


class TextRenderer:
    """Writes the report as text for a page of `display.width` columns."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def render(self, document: ReportDocument, out: TextIO) -> None:
        rows = ROWS if self._display.rows is None else self._display.rows
        page = self._display.page(out)
        if is_head(document):
            write_head(page, document)
        else:
            _header(page, document)
            _sizes(page, document)
            causes.text(page, document)
            advice.text(page, document, rows)
            origin.text(page, document)
            _instructions(page, document)
            _waste(page, document, rows)
            packages.text(page, document.get("packages"), rows)
            duplicates.text(page, document.get("duplicates"), rows)
            weight.text(page, document, rows)
            _largest(page, document, rows)
            secrets.text(page, document.get("secrets"), document.get("findings", ()), rows)
            _notes(page, document)
        if "verdict" in document:
            from layerscope.report.parts.verdict import write_verdict

            page.gap()
            write_verdict(page, document)


def _size(size: int | None) -> str:
    """A size for a column of sizes, where zero is a dash."""
    return format_size(size or None)


def _count(count: int, one: str) -> str:
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"


def _header(page: Page, document: AnalysisDocument) -> None:
    image = document["image"]
    digest = image["manifest_digest"] or image["config_digest"]
    algorithm, _, value = digest.partition(":")
    name = one_line(image["reference"])
    other = [tag for tag in image["tags"] if tag not in image["reference"]]
    if len(other) == len(image["tags"]) > 0:
        name += f" ({one_line(other[0])}{', …' if other[1:] else ''})"
    facts = f"{one_line(image['platform'])}  {image['source']}  {algorithm}:{value[:12]}"
    counts = ", ".join(
        (
            _count(len(document["layers"]), "layer"),
            _count(len(document["instructions"]), "instruction"),
            _count(document["files"]["regular"], "file"),
        )
    )
    used = sum(cell_width(text) for text in (name, facts, counts)) + 4
    if used <= page.width:
        page.line((name, "title"), "  ", facts, " " * (page.width - used + 2), counts)
        return
    page.line((fit_end(name, page.width), "title"))
    if cell_width(facts) + cell_width(counts) + 4 <= page.width:
        page.line("  ", facts, "  ", counts)
    else:
        page.line("  ", fit_start(facts, page.width - 2))
        page.line("  ", fit_start(counts, page.width - 2))


def _sizes(page: Page, document: AnalysisDocument) -> None:
    sizes = document["sizes"]
    content, wasted = sizes["content"], sizes["wasted"]
    share = format_percent(wasted, content)
    efficiency = f"efficiency {100 * document['efficiency']:.1f} %"
    lines = (
        ("content", content, "what all layers store"),
        ("live", sizes["live"], "what the container sees"),
        ("wasted", wasted, f"{share}, {efficiency}" if content else efficiency),
    )
    download = sizes["compressed"]
    tar = f"{format_size(sizes['overhead'])} of it headers"
    if sizes["tar"] is None:
        tar = "not known: a table of contents does not say"
    words = max(*(len(text) for _, _, text in lines), len(tar))
    room = page.width - 25 - words
    columns = max(0, min(48, room)) if room >= 8 else 0
    page.gap()
    for name, size, text in lines:
        style = "waste" if name == "wasted" and wasted else "bar"
        start: list[Span] = ["  ", pad(name, 9), pad(format_size(size), 10, right=True), "  "]
        if columns:
            start += [(pad(bar(size, content, columns), columns), style), "  "]
        page.line(*start, fit_start(text, page.width - 23))
    known = (
        "compressed, one pull"
        if download is not None
        else "unknown: only the uncompressed layers are there"
    )
    for name, value, text in (("download", download, known), ("tar", sizes["tar"], tar)):
        start = ["  ", pad(name, 9), pad(format_size(value), 10, right=True), "  "]
        margin = columns + 2 if columns and columns + 25 + len(text) <= page.width else 0
        page.line(*start, " " * margin, fit_start(text, page.width - 23 - margin))


def _instructions(page: Page, document: AnalysisDocument) -> None:
    rows: Sequence[InstructionRow] = document["instructions"]
    if not rows:
        return
    most = max(row["sizes"]["content"] for row in rows)
    rows, rest = _largest_rows(rows)
    numbers = max(2, len(str(rows[-1]["index"])))
    lines = page.width >= 56 and has_lines(document)
    bars = 12 if page.width >= 76 else 0
    costs = page.width >= 76 and any(row["sizes"]["compressed"] for row in rows)
    fixed = 2 + numbers + 2 + 10 + (bars + 1 if bars else 0) + 10 + (6 if lines else 0)
    fixed += 10 if costs else 0
    room = page.width - fixed - 1
    page.gap()
    head: list[Span] = ["  ", pad("#", numbers, right=True), "  ", pad("instruction", room)]
    head += [
        pad("content", 11, right=True),
        " " * (bars + 1 if bars else 0),
        pad("wasted", 10, right=True),
        pad("download", 10, right=True) if costs else "",
    ]
    page.line(("".join(str(span) for span in head) + ("  line" if lines else ""), "head"))
    marks = _marks(document["waste_pairs"])
    base = base_instructions(document)
    for row in rows:
        sizes = row["sizes"]
        quiet = "" if row["layers"] else "dim"
        spans: list[Span] = [
            "  ",
            pad(str(row["index"]), numbers, right=True),
            "  ",
            (pad(fit_start(_instruction_text(row), room), room), quiet),
            pad(_size(sizes["content"]), 11, right=True),
        ]
        if bars:
            spans += [" ", (pad(bar(sizes["content"], most, bars), bars), "bar")]
        spans.append((pad(_size(sizes["wasted"]), 10, right=True), "waste"))
        if costs:
            spans.append(pad(_size(sizes["compressed"] or 0), 10, right=True))
        if lines and row["index"] in base:
            spans.append(("  base", "dim"))
        elif lines and row["location"]:
            spans.append(pad(line_number(row), 6, right=True))
        page.line(*spans)
        if row["index"] in marks:
            page.paragraph(marks[row["index"]], indent=6 + numbers, head=("◀ ", "waste"))
        if "copied_from" in row:
            page.paragraph(copied_words(row), indent=6 + numbers, head=("◁ ", "dim"))
    if rest:
        page.paragraph(_summed(rest), indent=4 + numbers)


def _instruction_text(row: InstructionRow) -> str:
    return one_line(short_command(row["text"])) or one_line(row["created_by"]) or "–"


def _summed(rest: Sequence[InstructionRow]) -> str:
    content = sum(row["sizes"]["content"] for row in rest)
    wasted = sum(row["sizes"]["wasted"] for row in rest)
    return (
        f"and {len(rest):,} smaller instructions: {format_size(content)} content,"
        f" {format_size(wasted)} wasted (the JSON report lists them all)"
    )


def _largest_rows(
    rows: Sequence[InstructionRow],
) -> tuple[Sequence[InstructionRow], Sequence[InstructionRow]]:
    """The instructions that the table lists, in order, and the smaller ones that it sums up."""
    if len(rows) <= MOST_INSTRUCTIONS:
        return rows, ()
    ranked = sorted(
        rows,
        key=lambda row: (-row["sizes"]["content"], -row["sizes"]["wasted"], row["index"]),
    )
    listed = sorted(ranked[:MOST_INSTRUCTIONS], key=lambda row: row["index"])
    return listed, ranked[MOST_INSTRUCTIONS:]


def _marks(pairs: Sequence[WastePairRow]) -> dict[int, str]:
    """For each instruction with wasted content, who wasted it: the three largest, and the sum of the rest."""
    by_writer: dict[int, list[WastePairRow]] = {}
    for pair in pairs:
        if pair["bytes"]:
            by_writer.setdefault(pair["written_by"], []).append(pair)
    marks = {}
    for writer, blamed in by_writer.items():
        texts = [f"{format_size(pair['bytes'])} {blame(pair)}" for pair in blamed[:3]]
        if blamed[3:]:
            texts.append(f"{format_size(sum(pair['bytes'] for pair in blamed[3:]))} by others")
        marks[writer] = ", ".join(texts)
    return marks


def _waste(page: Page, document: AnalysisDocument, rows: int) -> None:
    kinds = wasted_kinds(document)
    named = [f"{KIND_WORDS[kind]} {format_size(size)}" for kind, size in kinds]
    if not named:
        return
    page.gap()
    page.paragraph(" · ".join(named), indent=18, head=("wasted by kind  ", "head"))
    groups = [row for row in document["waste_groups"] if row["bytes"] and row["path"] is not None]
    if not rows or not groups:
        return
    shown = groups[:rows]
    page.gap()
    page.line("  ", ("largest wasted", "head"))
    table = []
    for row in shown:
        files = (
            ""
            if row["files"] == 1
            else _count(row["files"], "other file" if row["rest"] else "file")
        )
        path = row["path"] if row["files"] == 1 or row["path"] == "/" else row["path"] + "/"
        table.append((row["bytes"], path, files, f"written by {row['written_by']}, {blame(row)}"))
    file_table(page, table)
    remainder(page, document["sizes"]["wasted"] - sum(row["bytes"] for row in shown))


def _largest(page: Page, document: AnalysisDocument, rows: int) -> None:
    shown = document["largest"][:rows]
    if not shown:
        return
    page.gap()
    page.line("  ", ("largest files", "head"))
    table = [
        (
            row["bytes"],
            row["path"],
            "",
            f"written by {row['written_by']}{_cost(row.get('compressed'))}",
        )
        for row in shown
    ]
    file_table(page, table)
    remainder(page, document["sizes"]["live"] - sum(row["bytes"] for row in shown))


def _cost(compressed: int | None) -> str:
    return "" if compressed is None else f", download {format_size(compressed)}"


def _notes(page: Page, document: AnalysisDocument) -> None:
    notes = document["notes"]
    if not notes:
        return
    page.gap()
    for note in notes[:MOST_NOTES]:
        where = f"layer {note['layer']}: " if "layer" in note else ""
        path = f" ({one_line(note['path'])})" if "path" in note else ""
        page.paragraph(
            f"{where}{one_line(note['message'])}{path}", indent=8, head=("note  ", "dim")
        )
    if notes[MOST_NOTES:]:
        page.line("        ", f"and {len(notes) - MOST_NOTES} more, all of them in the JSON report")
