"""Causes: why the image is big, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from layerscope.analysis.weight.kinds import WEIGHT_WORDS
from layerscope.analysis.words import KIND_WORDS
from layerscope.report.escape import cell_width, fit_end, fit_start, pad
from layerscope.report.page import Page
from layerscope.report.parts.sheet import Sheet, code, prose
from layerscope.report.words import line_number, one_line
from layerscope.units import format_percent, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import AnalysisDocument
    from layerscope.report.document.weight_types import CauseRow, NamedCauseRow

SHOWN: Final = 3
_NARROW: Final = 24
"""With fewer columns for its words, a cause is a paragraph."""
_SHORTEST: Final = 12
"""The fewest columns of a path."""
_LEAST: Final = 100
"""A cause of less than one part in this many of the content is only in the JSON report."""


def cause_words(row: NamedCauseRow) -> str:
    """`package caches`, `deleted files`, `deb packages`, `package pypi torch 2.1`, or `files in /srv`."""
    name = row["name"]
    match row["kind"]:
        case "dead_weight":
            words = {str(kind): text for kind, text in WEIGHT_WORDS.items()}
            return f"dead weight: {words.get(name, one_line(name))}"
        case "waste":
            kinds = {str(kind): text for kind, text in KIND_WORDS.items()}
            return f"wasted: {kinds.get(name, one_line(name))}"
        case "packages":
            return f"{one_line(name)} packages"
        case "package":
            return f"package {one_line(name)}"
        case "directory":
            return (
                "other files" if name == "/" else f"files in {one_line(name)} that no package owns"
            )


def first_causes(document: AnalysisDocument) -> tuple[list[CauseRow], list[CauseRow]]:
    """The largest causes of the Dockerfile's own instructions, and those of the base image."""
    content = document["sizes"]["content"]
    rows = [row for row in document.get("causes", ()) if _LEAST * row["bytes"] >= content]
    return [row for row in rows if not row["base"]][:SHOWN], [row for row in rows if row["base"]]


def where(row: CauseRow, document: AnalysisDocument) -> str:
    """The line or the instruction that most of a cause comes from: `line 8` or `instruction 4`."""
    number = row["instruction"]
    if number is None:
        return ""
    lines = line_number(document["instructions"][number])
    if not lines:
        return f"instruction {number}"
    return f"lines {lines}" if "–" in lines else f"line {lines}"


def text(page: Page, document: AnalysisDocument) -> None:
    """The three largest causes, and the base image in a line of its own."""
    rows = lines(document)
    if not rows:
        return
    content = document["sizes"]["content"]
    page.gap()
    unit = f"in % of the {format_size(content)} of content"
    page.paragraph(unit, indent=17, head=("why it is big  ", "head"))
    places = max(cell_width(place) for _, _, place in rows)
    room = page.width - 23 - (places + 2 if places else 0)
    for size, words, place in rows:
        share = format_percent(size, content)
        if room < _NARROW:
            comma = f", {place}" if place else ""
            page.paragraph(f"{format_size(size)}, {share}: {words}{comma}", indent=4)
            continue
        page.line(
            "  ",
            pad(format_size(size), 10, right=True),
            pad(share, 9, right=True),
            "  ",
            pad(_fitted(words, room), room),
            "  " if places else "",
            (place, "dim"),
        )


def _fitted(words: str, room: int) -> str:
    """The words in a number of columns. Of a path the start is cut, of anything else the end."""
    start, slash, rest = words.partition("/")
    path, space, ending = rest.partition(" that no ")
    left = room - cell_width(start + space + ending)
    if not slash or not space or left < _SHORTEST:
        return fit_start(words, room)
    return start + fit_end(slash + path, left) + space + ending


def lines(document: AnalysisDocument) -> list[tuple[int, str, str]]:
    """The bytes, the words, and the place of each cause that is shown."""
    own, base = first_causes(document)
    rows = [(row["bytes"], cause_words(row), where(row, document)) for row in own]
    if len(own) == SHOWN and base:
        size = sum(row["bytes"] for row in base)
        rows.append((size, f"base image, most of it {cause_words(base[0])}", "base"))
    elif base:
        rows += [(row["bytes"], cause_words(row), "base") for row in base[:SHOWN]]
    return rows


def markdown(sheet: Sheet, document: AnalysisDocument) -> None:
    """The same as a paragraph."""
    rows = lines(document)
    content = document["sizes"]["content"]
    pieces = []
    for size, words, place in rows:
        ending = f", {prose(place)}" if place else ""
        share = format_percent(size, content)
        pieces.append(f"{_quoted(words)} **{format_size(size)}** ({share}{ending})")
    if pieces:
        sheet.add(f"\n**Why it is big**: {' · '.join(pieces)}\n")


def _quoted(words: str) -> str:
    """The words, with a path as code."""
    start, slash, path = words.partition("/")
    return f"{prose(start.rstrip())} {code(slash + path)}" if slash else prose(words)


def csv_rows(rows: Sequence[CauseRow]) -> Iterator[dict[str, object]]:
    """The rows of the table `cause`."""
    for index, row in enumerate(rows):
        yield {
            "table": "cause",
            "index": index,
            "path": row["name"] if row["kind"] == "directory" else "",
            "text": cause_words(row) + (" (base image)" if row["base"] else ""),
            "kind": row["kind"],
            "bytes": row["bytes"],
            "files": row["files"],
            "written_by": row["instruction"],
            "compressed": row["compressed"],
        }
