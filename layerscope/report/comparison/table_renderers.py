"""Several images on one host, as text and Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TextIO

from layerscope.report.comparison.naming import fit_apart
from layerscope.report.comparison.words import one_line
from layerscope.report.escape import cell_width, pad
from layerscope.report.formats.format import Display, Format
from layerscope.report.formats.renderers import JSON
from layerscope.report.parts.sheet import code
from layerscope.units import count, format_size

if TYPE_CHECKING:
    from layerscope.report.comparison.rows import HostImageRow, ImagesDocument

Measure = Literal["compressed", "tar"]
_COLUMNS = ("layers", "download", "content", "wasted", "shared", "unique")


def _measure(document: ImagesDocument) -> Measure:
    """Which bytes to count: what a pull transfers if that's known for all images, else the uncompressed tars."""
    return "tar" if document["total"]["compressed"] is None else "compressed"


def _cells(row: HostImageRow, measure: Measure) -> tuple[str, ...]:
    sizes = row["sizes"]
    return (
        f"{row['image']['layers']:,}",
        format_size(sizes["compressed"]),
        format_size(sizes["content"]),
        format_size(sizes["wasted"]),
        format_size(row["shared"][measure]),
        format_size(row["unique"][measure]),
    )


def _total(document: ImagesDocument, measure: Measure) -> str:
    total = document["total"]
    known = format_size(total[measure])
    more = f", {format_size(total['tar'])} uncompressed" if measure == "compressed" else ""
    what = "to pull" if measure == "compressed" else "uncompressed"
    return f"all {len(document['images'])} on one host, each of the {count(total['layers'], 'layer')} once: {known} {what}{more}"


class TableText:
    """Writes the images as a table of text."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def render(self, document: ImagesDocument, out: TextIO) -> None:
        page = self._display.page(out)
        measure = _measure(document)
        rows = [_cells(row, measure) for row in document["images"]]
        names = [one_line(row["image"]["name"]) for row in document["images"]]
        used = 11 * len(_COLUMNS) + 4
        room = max(12, min(page.width - used, max(5, *(cell_width(name) for name in names))))
        head = "".join(pad(name, 11, right=True) for name in _COLUMNS)
        page.line(("  " + pad("image", room) + head, "head"))
        for name, cells in zip(fit_apart(names, room), rows, strict=True):
            page.line("  ", pad(name, room), *(pad(cell, 11, right=True) for cell in cells))
        page.gap()
        page.paragraph(_total(document, measure), indent=2)


class TableMarkdown:
    """Writes the images as a table of Markdown."""

    def __init__(self, display: Display) -> None:
        self._display = display

    def render(self, document: ImagesDocument, out: TextIO) -> None:
        measure = _measure(document)
        out.write("<!-- layerscope compare -->\n### layerscope: images on one host\n\n")
        out.write("| image | " + " | ".join(_COLUMNS) + " |\n")
        out.write("|:--" + "|--:" * len(_COLUMNS) + "|\n")
        for row in document["images"]:
            cells = " | ".join(_cells(row, measure))
            out.write(f"| {code(row['image']['name'])} | {cells} |\n")
        out.write(f"\n{_total(document, measure)}\n")


TABLE_RENDERERS: dict[str, Format[ImagesDocument]] = {
    each.name: each
    for each in (
        Format(
            name="text",
            suffix=".txt",
            help="For people, in a terminal or a log.",
            create=TableText,
        ),
        JSON,
        Format(
            name="markdown",
            suffix=".md",
            help="For a pull request or a job summary.",
            create=TableMarkdown,
        ),
    )
}
