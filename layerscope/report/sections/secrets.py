"""Secrets: where they are, by which rule, and who stored them, but never which they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from layerscope.report.page import Page
from layerscope.report.parts.secret_words import finding_cause, finding_place, gap_sentence
from layerscope.report.parts.sheet import Sheet, code
from layerscope.report.words import one_line
from layerscope.units import count, format_size

if TYPE_CHECKING:
    from layerscope.report.document.secret_types import FindingRow, SecretsRow

SHOWN = 5
"""The most findings that the text report lists; `layerscope secrets` lists all."""


def secrets_sentence(secrets: SecretsRow) -> str:
    """`3 secrets, and 2 findings in doubt, in 120 files of 3.4 MB and the configuration`."""
    found = count(secrets["found"], "secret") if secrets["found"] else "no secret"
    doubt = (
        f", and {count(secrets['doubtful'], 'finding')} in doubt," if secrets["doubtful"] else ""
    )
    which = "text" if secrets["everything"] else "well-known"
    files = f"{count(secrets['files'], f'{which} file')} ({format_size(secrets['bytes'])})"
    return f"{found}{doubt} in the configuration and {files}"


def deleted_first(
    rows: Sequence[FindingRow],
) -> tuple[list[FindingRow], list[FindingRow], list[FindingRow]]:
    """The sure findings that were deleted, the other sure ones, and those in doubt."""
    sure = [row for row in rows if row["confidence"] == "high"]
    return (
        [row for row in sure if row["deleted"]],
        [row for row in sure if not row["deleted"]],
        [row for row in rows if row["confidence"] != "high"],
    )


def is_shown(secrets: SecretsRow | None) -> bool:
    """Whether there is anything to say about secrets: a finding that is not in doubt, or something that was not searched."""
    return secrets is not None and bool(secrets["found"] or secrets["not_searched"])


def gaps_sentence(secrets: SecretsRow) -> str:
    """The first thing that was not searched, and how many more there are; empty if there is none."""
    if not secrets["gaps"]:
        return ""
    more = secrets["not_searched"] - 1
    tail = f", and {more:,} more" if more else ""
    return f"not searched: {gap_sentence(secrets['gaps'][0])}{tail}"


def state(row: FindingRow) -> str:
    """`deleted` if it only ships, and `in doubt` if it may be no secret."""
    if row["confidence"] != "high":
        return "in doubt"
    return "deleted" if row["deleted"] else ""


def text(page: Page, secrets: SecretsRow | None, rows: Sequence[FindingRow], most: int) -> None:
    """The first findings that are not in doubt, at most `most` and `SHOWN`."""
    if secrets is None or not is_shown(secrets):
        return
    page.gap()
    page.paragraph(secrets_sentence(secrets), indent=11, head=("secrets  ", "head"))
    sure = [row for row in rows if row["confidence"] == "high"]
    shown = sure[: min(most, SHOWN)]
    for row in shown:
        words = [finding_place(row), row["rule"], state(row), finding_cause(row)]
        page.paragraph("  ".join(one_line(word) for word in words if word), indent=4)
    if secrets["found"] > len(shown):
        page.line(
            f"    and {secrets['found'] - len(shown):,} more; list them with layerscope secrets"
        )
    gaps = gaps_sentence(secrets)
    if gaps:
        page.paragraph(gaps, indent=4)


def markdown(
    sheet: Sheet, secrets: SecretsRow | None, rows: Sequence[FindingRow], most: int
) -> None:
    """A table of the first `most` findings, folded unless one of them is sure."""
    if secrets is None or not (is_shown(secrets) or rows):
        return
    shown = rows[:most]
    left = secrets["found"] + secrets["doubtful"] - len(shown)
    sheet.table(
        ("secret", "rule", "", "layer>", "instruction>"),
        (
            (
                code(finding_place(row)),
                code(row["rule"]),
                state(row),
                str(row.get("layer", "")),
                str(row.get("instruction", "")),
            )
            for row in shown
        ),
        total=len(shown),
        rest=f"and {count(left, 'other finding')}" if left else "",
        fold=f"<b>Secrets</b>: {secrets_sentence(secrets)}",
    )
    gaps = gaps_sentence(secrets)
    if gaps:
        sheet.add(f"\n{code(gaps, 400)}\n")


def csv_rows(rows: Sequence[FindingRow]) -> Iterator[dict[str, object]]:
    """The rows of the table `secret`."""
    for index, row in enumerate(rows):
        yield {
            "table": "secret",
            "index": index,
            "path": row.get("path", ""),
            "text": row["rule"] if "name" not in row else f"{row['rule']} {row['name']}",
            "kind": row["where"] + ("" if not state(row) else f" ({state(row)})"),
            "layer": row.get("layer"),
            "written_by": row.get("instruction"),
            "line": row.get("line"),
        }
