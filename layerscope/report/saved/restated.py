"""The document of a saved report, adapted: fewer rows, a new verdict, everything else as it was saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.analysis.masked import Masks
from layerscope.errors import UsageError
from layerscope.report.document.builder import add_parts
from layerscope.report.document.rows import TOP, Document, Row

if TYPE_CHECKING:
    from layerscope.analysis.budgets.dive import DiveNumbers
    from layerscope.analysis.budgets.growth import Former
    from layerscope.analysis.budgets.verdict import Verdict
    from layerscope.report.saved.report import SavedReport


def restate(
    saved: SavedReport,
    *,
    top: int | None = TOP,
    files: bool = False,
    verdict: Verdict | None = None,
    baseline: Former | None = None,
    min_change: int = 0,
    dive: DiveNumbers | None = None,
) -> Document:
    """The document that `build` makes of the image, as far as the report has the data.

    A new verdict replaces the saved one and its baseline. Raises `UsageError` for `files` if the report was saved
    without them.
    """
    document = dict(saved.document)
    if files and saved.facts.files is None:
        raise UsageError(
            f"the saved report of {saved.facts.name} lists no files",
            hint="save it with `layerscope report IMAGE --json --files -o FILE`",
        )
    if not files:
        document["layers"] = [_without_entries(row) for row in document["layers"]]
    if top is not None:
        if not saved.facts.head:
            document["largest"] = document["largest"][:top]
        for key in () if saved.facts.head else ("waste", "waste_groups"):
            document[key] = _cut(document[key], top)
    if verdict is not None:
        document.pop("baseline", None)
    document["notes"] = list(document["notes"])
    if dive is not None:
        document["notes"] = [row for row in document["notes"] if row["code"] != "dive-differs"]
    facts = saved.facts
    add_parts(
        document,
        facts,
        Masks.of(facts.config, [each.instruction for each in facts.instructions]),
        verdict=verdict,
        baseline=baseline,
        min_change=min_change,
        dive=dive,
    )
    return document


def _without_entries(row: Row) -> Row:
    return {key: value for key, value in row.items() if key != "entries"}


def _cut(rows: list[Row], top: int) -> list[Row]:
    """The first `top` rows, and one that sums up all others, including those cut off before."""
    whole = sum(row["path"] is not None for row in rows)
    if whole <= top:
        return rows
    rest = rows[top:]
    shape = (
        "bytes",
        "changed",
        "files",
        "kind",
        "layer",
        "path",
        "rest",
        "wasted_by",
        "written_by",
    )
    group = "rest" in rest[0]
    row: Row = dict.fromkeys(
        key for key in shape if (key not in ("changed", "rest") if not group else key != "layer")
    )
    row["bytes"] = sum(each["bytes"] for each in rest)
    row["files"] = sum(each.get("files", 1) for each in rest)
    if group:
        row |= {"changed": [], "rest": True}
    return [*rows[:top], row]
