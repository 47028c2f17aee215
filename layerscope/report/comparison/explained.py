"""What a comparison says of causes and advice, in every format."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from layerscope.report.comparison.differing import differing, differing_words
from layerscope.report.page import Page
from layerscope.report.paths import clean_text, escape_path
from layerscope.report.sections.causes import cause_words
from layerscope.report.words import one_line
from layerscope.units import format_delta, format_size

if TYPE_CHECKING:
    from layerscope.analysis.comparison.compare import Comparison
    from layerscope.analysis.comparison.explained import CausePair, GivenAdvice
    from layerscope.report.comparison.rows import (
        CausePairRow,
        ComparedAdviceRow,
        ComparisonDocument,
        GivenAdviceRow,
    )

SHOWN: Final = 3
"""The causes of a summary."""
LISTED: Final = 10
"""The causes of a table."""


def causes_rows(comparison: Comparison) -> list[CausePairRow] | None:
    found = comparison.causes
    return None if found is None else [_cause(each) for each in found]


def _cause(pair: CausePair) -> CausePairRow:
    key, one, other = pair
    name = escape_path(key.name) if isinstance(key.name, bytes) else clean_text(key.name)
    return {
        "a": one,
        "b": other,
        "base": key.base,
        "delta": other - one,
        "kind": key.kind,
        "name": name,
    }


def advice_row(comparison: Comparison) -> ComparedAdviceRow | None:
    found = comparison.advice
    if found is None:
        return None
    return {
        "added": [_advice(each) for each in found.added],
        "removed": [_advice(each) for each in found.removed],
        "same": found.same,
    }


def _advice(advice: GivenAdvice) -> GivenAdviceRow:
    return {
        "bytes": advice.bytes,
        "compressed": advice.compressed,
        "message": clean_text(advice.message),
        "rule": advice.rule,
    }


def changed_causes(document: ComparisonDocument) -> list[CausePairRow]:
    """The causes that grew or shrank, the largest difference first."""
    return [row for row in document["causes"] or () if row["delta"]]


def pair_words(row: CausePairRow) -> str:
    """`deb packages (base image)`."""
    return cause_words(row) + (" (base image)" if row["base"] else "")


def causes_words(document: ComparisonDocument) -> str:
    """The three causes that changed most: `deb packages +12.0 MB, logs −1.0 kB`; empty if none did."""
    rows = changed_causes(document)[:SHOWN]
    return ", ".join(f"{pair_words(row)} {format_delta(row['delta'])}" for row in rows)


def advice_that_differs(document: ComparisonDocument) -> ComparedAdviceRow | None:
    """The advice, if it was compared and any differs."""
    row = document["advice"]
    return row if row is not None and (row["added"] or row["removed"]) else None


def advice_words(row: ComparedAdviceRow) -> str:
    """`2 new, 1 gone, 3 in both`."""
    return differing_words(row["added"], row["removed"], row["same"])


def listed(row: ComparedAdviceRow) -> list[tuple[str, GivenAdviceRow]]:
    """All advice that differs, with `new` or `gone`."""
    return differing(row["added"], row["removed"])


def text(page: Page, document: ComparisonDocument, rows: int) -> None:
    """The causes that changed most, and the advice that differs."""
    words = causes_words(document)
    if words:
        page.gap()
        page.paragraph(words, indent=10, head=("causes  ", "head"))
    found = advice_that_differs(document)
    if found is None:
        return
    page.gap()
    page.paragraph(advice_words(found), indent=10, head=("advice  ", "head"))
    every = listed(found)
    for word, row in every[:rows]:
        page.paragraph(one_line(row["message"]), indent=10, head=(f"{word.rjust(8)}: ", ""))
    if every[rows:]:
        page.line(f"    and {len(every) - rows:,} more")


def csv_rows(document: ComparisonDocument) -> Iterator[dict[str, object]]:
    """The rows of the tables `cause` and `advice`."""
    for row in document["causes"] or ():
        yield {
            "table": "cause",
            "path": row["name"] if row["kind"] == "directory" else "",
            "text": pair_words(row),
            "a": row["a"],
            "b": row["b"],
            "delta": row["delta"],
        }
    advice = document["advice"]
    for word, each in () if advice is None else listed(advice):
        yield {
            "table": "advice",
            "status": "added" if word == "new" else "removed",
            "text": each["rule"],
            "details": each["message"],
            "a" if word == "gone" else "b": each["bytes"],
        }


def table_rows(rows: Sequence[CausePairRow]) -> Iterator[tuple[str, str, str, str]]:
    """The change, the cause, and its bytes in both images, for a table."""
    for row in rows[:LISTED]:
        yield (
            format_delta(row["delta"]),
            pair_words(row),
            format_size(row["a"]),
            format_size(row["b"]),
        )
