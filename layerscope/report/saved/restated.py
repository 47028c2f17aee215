"""The document of a saved report, adapted: fewer rows, a new verdict, everything else as it was saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.analysis.masked import Masks
from layerscope.analysis.model import sum_of
from layerscope.errors import UsageError
from layerscope.report.document.defaults import TOP
from layerscope.report.document.duplicate_rows import cut_duplicates
from layerscope.report.document.entry_rows import without_entries
from layerscope.report.document.head import is_head
from layerscope.report.document.verdict_rows import add_parts
from layerscope.report.document.waste_rows import group_rest, waste_rest

if TYPE_CHECKING:
    from layerscope.analysis.budgets.dive import DiveNumbers
    from layerscope.analysis.budgets.growth import Former
    from layerscope.analysis.budgets.verdict import Verdict
    from layerscope.report.document.package_types import OtherPackagesRow, PackageRow, PackagesRow
    from layerscope.report.document.rows import (
        ReportDocument,
        WasteGroupRestRow,
        WasteGroupRow,
        WasteRestRow,
        WasteRow,
    )
    from layerscope.report.saved.report import SavedReport
from layerscope.report.saved.weight import cut_weight

_NO_PACKAGES: OtherPackagesRow = {
    "compressed": 0,
    "content": 0,
    "count": 0,
    "files": 0,
    "live": 0,
    "wasted": 0,
}


def restate(
    saved: SavedReport,
    *,
    top: int | None = TOP,
    files: bool = False,
    verdict: Verdict | None = None,
    baseline: Former | None = None,
    min_change: int = 0,
    dive: DiveNumbers | None = None,
) -> ReportDocument:
    """The document that `build` makes of the image, as far as the report has the data.

    A new verdict replaces the saved one and its baseline. Raises `UsageError` for `files` if the report was saved
    without them.
    """
    document: ReportDocument = saved.document.copy()
    if files and saved.facts.files is None:
        raise UsageError(
            f"the saved report of {saved.facts.name} lists no files",
            hint="save it with `layerscope report IMAGE --json --files -o FILE`",
        )
    if not is_head(document):
        if not files:
            document["layers"] = [without_entries(row) for row in document["layers"]]
        if top is not None:
            document["largest"] = document["largest"][:top]
            document["waste"] = _cut_files(document["waste"], top)
            document["waste_groups"] = _cut_groups(document["waste_groups"], top)
            if "packages" in document and not files:
                document["packages"] = _cut_packages(document["packages"], top)
            if "duplicates" in document:
                document["duplicates"] = cut_duplicates(document["duplicates"], top)
            if "dead_weight" in document and not files:
                document["dead_weight"] = cut_weight(document["dead_weight"], top)
    if verdict is not None:
        document.pop("baseline", None)
    document["notes"] = list(document["notes"])
    if dive is not None:
        document["notes"] = [row for row in document["notes"] if row["code"] != "dive-differs"]
    facts = saved.facts
    add_parts(
        document,
        facts,
        Masks.of(facts.config, [each.instruction for each in facts.instructions], base=facts.base),
        verdict=verdict,
        baseline=baseline,
        min_change=min_change,
        dive=dive,
    )
    return document


def _cut_files(rows: list[WasteRow | WasteRestRow], top: int) -> list[WasteRow | WasteRestRow]:
    """The first `top` rows, and one for the sum of the others, including those cut off before."""
    if sum(row["path"] is not None for row in rows) <= top:
        return rows
    rest = rows[top:]
    size, files = sum(row["bytes"] for row in rest), sum(_files(row) for row in rest)
    cost = sum_of(row.get("compressed") for row in rest)
    return [*rows[:top], waste_rest(size, files, cost)]


def _files(row: WasteRow | WasteRestRow) -> int:
    return row["files"] if row["path"] is None else 1


def _cut_packages(packages: PackagesRow, top: int) -> PackagesRow:
    shown, others = packages["largest"][:top], packages["largest"][top:]
    if not others:
        return packages
    before = packages.get("rest", _NO_PACKAGES)
    listed: list[PackageRow | OtherPackagesRow] = [before, *others]
    rest: OtherPackagesRow = {
        "compressed": sum_of(row.get("compressed") for row in listed),
        "content": before["content"] + sum(row["content"] for row in others),
        "count": before["count"] + len(others),
        "files": before["files"] + sum(row["files"] for row in others),
        "live": before["live"] + sum(row["live"] for row in others),
        "wasted": before["wasted"] + sum(row["wasted"] for row in others),
    }
    return {**packages, "largest": shown, "rest": rest}


def _cut_groups(
    rows: list[WasteGroupRow | WasteGroupRestRow], top: int
) -> list[WasteGroupRow | WasteGroupRestRow]:
    if sum(row["path"] is not None for row in rows) <= top:
        return rows
    rest = rows[top:]
    size, files = sum(row["bytes"] for row in rest), sum(row["files"] for row in rest)
    cost = sum_of(row.get("compressed") for row in rest)
    return [*rows[:top], group_rest(size, files, cost)]
