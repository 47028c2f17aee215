"""One side of a comparison, from a saved report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.analysis.comparison.explained import CauseKey, Explained, GivenAdvice
from layerscope.analysis.comparison.side import Side
from layerscope.errors import LayerscopeError
from layerscope.report.document.head import is_head
from layerscope.report.paths import unescape_path

if TYPE_CHECKING:
    from layerscope.analysis.model import Facts
    from layerscope.report.document.rows import AnalysisDocument, ReportDocument
    from layerscope.report.document.weight_types import CauseRow


def side_of(facts: Facts, document: ReportDocument, *, show_args: bool = False) -> Side:
    """The facts of a report, and the causes and the advice that it was saved with."""
    explained = None if is_head(document) else _explained(document)
    return Side.of_facts(facts, show_args=show_args, explained=explained)


def _explained(document: AnalysisDocument) -> Explained | None:
    """None for a report of an older version, which has no causes or no rules of advice."""
    causes = document.get("causes")
    rows = document["advice"]
    if causes is None or not all("rule" in row for row in rows):
        return None
    instructions = document["instructions"]
    texts: dict[int | None, str] = {row["index"]: row["text"] for row in instructions}
    try:
        return Explained(
            causes={_key(row): row["bytes"] for row in causes},
            advice=tuple(
                GivenAdvice(
                    rule=row["rule"],
                    message=row["message"],
                    bytes=row["bytes"],
                    compressed=row.get("compressed"),
                    instruction=row.get("instruction"),
                    text=texts.get(row.get("instruction"), ""),
                )
                for row in rows
            ),
        )
    except LayerscopeError:
        return None


def _key(row: CauseRow) -> CauseKey:
    name = row["name"]
    return CauseKey(
        row["base"],
        row["kind"],
        unescape_path(name).removeprefix(b"/") if row["kind"] == "directory" else name,
    )
