"""The Markdown report of an image whose layers were not read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from layerscope.report.head.text import base_words
from layerscope.report.words import (
    base_instructions,
    has_lines,
    instruction_text,
    line_number,
)
from layerscope.units import format_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerscope.report.document.rows import HeadDocument

MOST = 40
"""The most instructions in the table."""


def size_rows(document: HeadDocument, code: Callable[[str], str]) -> list[tuple[str, str, str]]:
    """What is known about the image: name, value, and meaning."""
    download = document["sizes"]["compressed"]
    known = "one pull" if download is not None else "unknown: not all layers are compressed"
    rows = [("**download**", f"**{format_size(download)}**", known)]
    base = base_words(document)
    if base:
        rows.append(("**base**", "", code(base)))
    return rows


def instruction_titles(document: HeadDocument) -> tuple[str, ...]:
    """The titles of the table. One that ends in `>` marks a column of numbers."""
    return ("#>", "instruction", "download>", *(("line>",) if has_lines(document) else ()))


def instruction_rows(
    document: HeadDocument, code: Callable[[str, int], str]
) -> Iterator[list[str]]:
    """The `MOST` instructions with the largest downloads, in build order."""
    full = [row for row in document["instructions"] if row["layers"]]
    ranked = sorted(full, key=lambda row: (-(row["sizes"]["compressed"] or 0), row["index"]))
    base = base_instructions(document)
    lines = has_lines(document)
    for row in sorted(ranked[:MOST], key=lambda row: int(row["index"])):
        size = row["sizes"]["compressed"]
        cells = [str(row["index"]), code(instruction_text(row), 100), format_size(size)]
        if lines:
            cells.append("base" if row["index"] in base else line_number(row))
        yield cells
