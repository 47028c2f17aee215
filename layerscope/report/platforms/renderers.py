"""An image for all its platforms as a table: one row per platform, and the total download."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from layerscope.report.document.head import is_head
from layerscope.report.document.serialize import pieces
from layerscope.report.escape import cell_width, fit_end, pad
from layerscope.report.formats.format import Display, Format
from layerscope.report.parts.csv_cell import cell
from layerscope.report.parts.sheet import code, prose
from layerscope.report.words import one_line, short_digest, verdict_words
from layerscope.units import count, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import ReportDocument, SizeName
    from layerscope.report.platforms.rows import PlatformsDocument

MOST_NOTES = 12
_SIZES: tuple[SizeName, ...] = ("compressed", "content", "live", "wasted")
_COLUMNS = ("layers", "download", "content", "live", "wasted", "efficiency")
_CSV = (
    "platform", "layers", "instructions", "compressed", "tar", "content", "overhead", "live", "wasted",
    "efficiency", "manifest_digest", "config_digest", "verdict",
    "compressed_live", "compressed_wasted", "compressed_overhead",
)  # fmt: skip


def _cells(report: ReportDocument) -> tuple[str, ...]:
    sizes = report["sizes"]
    share = "–" if report["efficiency"] is None else f"{100 * report['efficiency']:.1f} %"
    return (
        f"{len(report['layers']):,}",
        *(format_size(sizes[name]) for name in _SIZES),
        share,
    )


def _verdict(report: ReportDocument) -> str:
    return f"verdict: {verdict_words(report)}" if "verdict" in report else ""


def _total(document: PlatformsDocument) -> str:
    total = document["total"]
    names = count(len(document["platforms"]), "platform")
    text = f"{names}, each of the {count(total['layers'], 'layer')} once:"
    if total["compressed"] is not None:
        text += f" {format_size(total['compressed'])} compressed"
        return text if total["tar"] is None else f"{text}, {format_size(total['tar'])} uncompressed"
    return f"{text} {format_size(total['tar'])} uncompressed"


def _notes(document: PlatformsDocument) -> Iterator[tuple[str, str]]:
    """Each platform with a note about it. A note that applies to all platforms is given once, without a platform."""
    reports = document["platforms"]
    for platform in document["absent"]:
        yield platform, "the index lists this platform, but the source doesn't have it"
    messages = [
        [note["message"] for note in report["notes"] if "layer" not in note] for report in reports
    ]
    shared = [text for text in messages[0] if all(text in others for others in messages)]
    for text in dict.fromkeys(shared):
        yield "", text
    for report, texts in zip(reports, messages, strict=True):
        own = [text for text in texts if text not in shared]
        for text in own:
            yield report["image"]["platform"], text
        about_layers = len(report["notes"]) - len(texts)
        if about_layers:
            yield (
                report["image"]["platform"],
                f"{count(about_layers, 'note')} on layers, in the JSON report",
            )


class PlatformsText:
    """Writes the platforms as a table of text."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def render(self, document: PlatformsDocument, out: TextIO) -> None:
        page = self._display.page(out)
        image = document["image"]
        digest = image["index_digest"]
        facts = [image["source"], *([short_digest(digest)] if digest else [])]
        page.line((fit_end(one_line(image["reference"]), page.width), "title"))
        page.line("  ", "  ".join(facts))
        page.gap()
        names = [one_line(report["image"]["platform"]) for report in document["platforms"]]
        columns: tuple[str, ...] = _COLUMNS
        if all(map(is_head, document["platforms"])):
            columns = _COLUMNS[:2]
        room = max(
            8, min(page.width - 11 * len(columns) - 4, max(map(cell_width, ("platform", *names))))
        )
        head = "".join(pad(name, 11, right=True) for name in columns)
        page.line((f"  {pad('platform', room)}{head}", "head"))
        for name, report in zip(names, document["platforms"], strict=True):
            cells = _cells(report)[: len(columns)]
            page.line(
                "  ", pad(fit_end(name, room), room), *(pad(text, 11, right=True) for text in cells)
            )
            verdict = _verdict(report)
            if verdict:
                page.line("    ", (verdict, "" if report["verdict"]["passed"] else "waste"))
        page.gap()
        page.paragraph(_total(document), indent=2)
        notes = list(_notes(document))
        if notes:
            page.gap()
        for platform, text in notes[:MOST_NOTES]:
            start = f"{one_line(platform)}: " if platform else ""
            page.paragraph(f"{start}{one_line(text)}", indent=8, head=("note  ", "dim"))
        if notes[MOST_NOTES:]:
            page.line("        ", f"and {len(notes) - MOST_NOTES} more, in the JSON report")


class PlatformsMarkdown:
    """Writes the platforms as a table of Markdown."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def render(self, document: PlatformsDocument, out: TextIO) -> None:
        reports = document["platforms"]
        verdicts = any("verdict" in report for report in reports)
        titles = ["platform", *_COLUMNS, *(["verdict"] if verdicts else [])]
        out.write(
            f"<!-- layerscope -->\n### layerscope: {code(document['image']['reference'])}\n\n"
        )
        out.write(f"| {' | '.join(titles)} |\n|:--{'|--:' * len(_COLUMNS)}{'|:--' * verdicts}|\n")
        for report in reports:
            cells = [code(report["image"]["platform"]), *_cells(report)]
            if verdicts:
                cells.append(verdict_words(report) if "verdict" in report else "")
            out.write(f"| {' | '.join(cells)} |\n")
        out.write(f"\n{_total(document)}\n")
        for platform, text in list(_notes(document))[:MOST_NOTES]:
            start = f"{code(platform)}: " if platform else ""
            out.write(f"\n> {start}{prose(text)}\n")


class PlatformsCsv:
    """Writes a header and a row per platform."""

    def render(self, document: PlatformsDocument, out: TextIO) -> None:
        writer = csv.DictWriter(out, _CSV, restval="", lineterminator="\n", extrasaction="ignore")
        writer.writeheader()
        for report in document["platforms"]:
            image = report["image"]
            row = {
                "platform": image["platform"],
                "layers": len(report["layers"]),
                "instructions": len(report["instructions"]),
                **report["sizes"],
                "efficiency": report["efficiency"],
                "manifest_digest": image["manifest_digest"],
                "config_digest": image["config_digest"],
                "verdict": verdict_words(report) if "verdict" in report else None,
            }
            writer.writerow({name: cell(value) for name, value in row.items()})


class PlatformsJson:
    """Writes the document with the full report of each platform."""

    def render(self, document: PlatformsDocument, out: TextIO) -> None:
        rest = {key: value for key, value in document.items() if key != "platforms"}
        before = {key: value for key, value in rest.items() if key < "platforms"}
        after = {key: value for key, value in rest.items() if key > "platforms"}
        out.write("".join(pieces(before)).removesuffix("\n}\n"))
        out.write(',\n  "platforms": [\n')
        for number, report in enumerate(document["platforms"]):
            out.write(",\n" if number else "")
            last = ""
            for piece in pieces(report):
                out.write(last)
                last = piece
            out.write(last.rstrip("\n"))
        out.write("\n  ],\n")
        out.write("".join(pieces(after)).removeprefix("{\n"))


PLATFORMS_RENDERERS: dict[str, Format[PlatformsDocument]] = {
    each.name: each
    for each in (
        Format(
            name="text",
            suffix=".txt",
            help="For people, in a terminal or a log.",
            create=PlatformsText,
        ),
        Format(
            name="json",
            suffix=".json",
            help="The report of each platform, for programs.",
            create=lambda _: PlatformsJson(),
            filesystem=True,
            entries=True,
        ),
        Format(
            name="markdown",
            suffix=".md",
            help="For a pull request or a job summary.",
            create=PlatformsMarkdown,
        ),
        Format(
            name="csv",
            suffix=".csv",
            help="A row for each platform, for spreadsheets.",
            create=lambda _: PlatformsCsv(),
        ),
    )
}
