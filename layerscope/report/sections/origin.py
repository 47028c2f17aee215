"""What is the base image's, and what the image's own instructions add."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from layerscope.report.escape import pad
from layerscope.report.page import Page
from layerscope.report.parts.sheet import Sheet
from layerscope.report.words import base_name
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.report.document.origin_types import OriginPartRow, OriginRow
    from layerscope.report.document.rows import AnalysisDocument


def part_words(part: OriginPartRow) -> str:
    """`3 layers, 580 packages with 379.9 MB, 12.0 MB of it dead weight`."""
    words = [f"{part['layers']:,} {'layer' if part['layers'] == 1 else 'layers'}"]
    packages = part["packages"]
    if packages is not None and packages["count"]:
        noun = "package" if packages["count"] == 1 else "packages"
        words.append(f"{packages['count']:,} {noun} with {format_size(packages['content'])}")
    if part["dead_weight"]:
        words.append(f"{format_size(part['dead_weight'])} dead weight")
    return ", ".join(words)


def waste_words(origin: OriginRow) -> str:
    """What own instructions waste of the base image, if anything."""
    size = origin["base_wasted_by_own"]
    return f"{format_size(size)} of it in files of the base image" if size else ""


def text(page: Page, document: AnalysisDocument) -> None:
    """One line for each part: content, waste, layers, and packages."""
    origin = document.get("origin")
    if origin is None:
        return
    page.gap()
    titles = pad("", 7) + pad("content", 10, right=True) + pad("wasted", 12, right=True)
    page.line("  ", (titles, "head"))
    details = {
        "base": f"{base_name(document)}: {part_words(origin['base'])}",
        "own": "; ".join(filter(None, (part_words(origin["own"]), waste_words(origin)))),
    }
    for name, part in (("base", origin["base"]), ("own", origin["own"])):
        head = (
            pad(name, 7)
            + pad(format_size(part["content"]), 10, right=True)
            + pad(format_size(part["wasted"] or None), 12, right=True)
            + "  "
        )
        page.paragraph(details[name], indent=33, head=(head, ""))


def markdown(sheet: Sheet, document: AnalysisDocument) -> None:
    """A table of the two parts."""
    origin = document.get("origin")
    if origin is None:
        return
    parts = (("base", origin["base"]), ("own", origin["own"]))
    sheet.table(
        ("", "content>", "live>", "wasted>", "packages>", "dead weight>"),
        (
            (
                f"**{name}**",
                format_size(part["content"]),
                format_size(part["live"]),
                format_size(part["wasted"]),
                "–" if part["packages"] is None else format_size(part["packages"]["content"]),
                format_size(part["dead_weight"]),
            )
            for name, part in parts
        ),
        total=2,
        rest=waste_words(origin).replace(" of it", " of own waste"),
        fold="<b>Base image and own instructions</b>",
    )


def csv_rows(origin: OriginRow | None) -> Iterator[dict[str, object]]:
    """The rows of the table `origin`."""
    if origin is None:
        return
    for index, (name, part) in enumerate((("base", origin["base"]), ("own", origin["own"]))):
        yield {
            "table": "origin",
            "index": index,
            "text": name,
            "bytes": part["content"],
            "compressed": part["compressed"],
            "content": part["content"],
            "live": part["live"],
            "wasted": part["wasted"],
        }
