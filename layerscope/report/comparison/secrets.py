"""What a comparison says of secrets, in every format: which are new, and which are gone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from layerscope.report.comparison.differing import differing, differing_words
from layerscope.report.document.secret_rows import finding_rows
from layerscope.report.document.secret_types import ComparedFindingsRow, FindingRow
from layerscope.report.page import Page
from layerscope.report.parts.secret_words import finding_place
from layerscope.units import count

if TYPE_CHECKING:
    from layerscope.analysis.comparison.compare import Comparison
    from layerscope.report.comparison.rows import ComparisonDocument


def findings_row(comparison: Comparison) -> ComparedFindingsRow | None:
    found = comparison.secrets
    if found is None:
        return None
    return {
        "added": finding_rows(found.added, comparison.b.instructions),
        "removed": finding_rows(found.removed, comparison.a.instructions),
        "same": found.same,
    }


def secrets_that_differ(document: ComparisonDocument) -> ComparedFindingsRow | None:
    """The secrets, if they were compared and any differ."""
    row = document.get("findings")
    return row if row is not None and (row["added"] or row["removed"]) else None


def secrets_words(row: ComparedFindingsRow) -> str:
    """`2 new, 1 gone, 3 in both`."""
    return differing_words(row["added"], row["removed"], row["same"])


def listed(row: ComparedFindingsRow) -> list[tuple[str, FindingRow]]:
    """Every finding that differs, with `new` or `gone`."""
    return differing(row["added"], row["removed"])


def doubt(row: FindingRow) -> str:
    if row["confidence"] != "high":
        return "in doubt"
    return "deleted" if row["deleted"] else ""


def text(page: Page, document: ComparisonDocument, rows: int) -> None:
    found = secrets_that_differ(document)
    if found is None:
        return
    page.gap()
    page.paragraph(secrets_words(found), indent=11, head=("secrets  ", "head"))
    every = listed(found)
    for word, row in every[:rows]:
        style = "waste" if word == "new" and row["confidence"] == "high" else ""
        page.line("    ", (word.ljust(6), style), *_spans(row))
    if every[rows:]:
        page.line(f"    and {count(len(every) - rows, 'other')}")


def _spans(row: FindingRow) -> Sequence[str]:
    state = doubt(row)
    return [f"{finding_place(row)}  {row['rule']}", f"  {state}" if state else ""]


def csv_rows(document: ComparisonDocument) -> Iterator[dict[str, object]]:
    """The rows of the table `secret`."""
    row = document.get("findings")
    for word, each in listed(row) if row is not None else ():
        yield {
            "table": "secret",
            "status": "added" if word == "new" else "removed",
            "path": each.get("path", ""),
            "text": f"{each['rule']} {each['name']}" if "name" in each else each["rule"],
            "details": doubt(each),
        }
