"""Dead weight: live content that a running container hardly needs, by kind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from layerscope.analysis.weight.kinds import EVIDENCE_WORDS, WEIGHT_WORDS
from layerscope.report.escape import fit_end
from layerscope.report.page import Page
from layerscope.report.parts.csv_cell import REST
from layerscope.report.parts.file_table import file_table, remainder
from layerscope.report.parts.sheet import Sheet, code
from layerscope.report.words import one_line
from layerscope.units import format_percent, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import AnalysisDocument
    from layerscope.report.document.weight_types import (
        DeadWeightRow,
        KindWeightRow,
        WeightPathRow,
    )

SHOWN: Final = 8
"""The most kinds that the text report lists."""
_PATH: Final = 28
"""The most columns of a path in the text report."""
_ROWS: Final = 200
"""The most rows of the table in HTML."""


def weight_sentence(weight: DeadWeightRow, live: int) -> str:
    """How much a container hardly needs: `167.6 MB of what is live (35.5 %), 95.3 MB of it in the base image`."""
    text = (
        f"{format_size(weight['bytes'])} of what is live ({format_percent(weight['bytes'], live)})"
    )
    base = weight["base"]
    if base is not None and base["bytes"]:
        text += f", {format_size(base['bytes'])} of it in the base image"
    return text


def tools_of(kind: KindWeightRow) -> str:
    """The tools that left a kind behind, the one with most bytes first: `apt, pip`."""
    return ", ".join(
        dict.fromkeys(one_line(each["tool"]) for each in kind["parts"] if each["tool"])
    )


def kind_name(kind: KindWeightRow) -> str:
    """`package caches (apt, pip)`."""
    tools = tools_of(kind)
    return WEIGHT_WORDS[kind["kind"]] + (f" ({tools})" if tools else "")


def largest_path(kind: KindWeightRow) -> str:
    return one_line(kind["paths"][0]["path"]) if kind["paths"] else ""


def how_known(path: WeightPathRow) -> str:
    """How it is known that an archive was unpacked; empty for other paths."""
    return EVIDENCE_WORDS[path["evidence"]] if "evidence" in path else ""


def by_instruction(kind: KindWeightRow) -> str:
    """The instructions that store a kind, the one with most bytes first, at most three."""
    numbers = list(dict.fromkeys(each["instruction"] for each in kind["parts"]))
    return ", ".join(map(str, numbers[:3])) + (", …" if numbers[3:] else "")


def _count(files: int) -> str:
    return "1 file" if files == 1 else f"{files:,} files"


def text(page: Page, document: AnalysisDocument, rows: int) -> None:
    """The largest kinds, with the place that holds most of each."""
    weight = document.get("dead_weight")
    if weight is None or not weight["bytes"]:
        return
    page.gap()
    sentence = weight_sentence(weight, document["sizes"]["live"])
    page.paragraph(sentence, indent=15, head=("dead weight  ", "head"))
    shown = weight["kinds"][: min(rows, SHOWN)]
    if not shown:
        return
    table = [
        (
            kind["bytes"],
            kind_name(kind),
            _count(kind["files"]),
            f"{fit_end(largest_path(kind), _PATH)}, written by {by_instruction(kind)}",
        )
        for kind in shown
    ]
    file_table(page, table)
    remainder(page, weight["bytes"] - sum(kind["bytes"] for kind in shown))


def markdown(sheet: Sheet, document: AnalysisDocument, rows: int) -> None:
    """A folded table of all kinds."""
    weight = document.get("dead_weight")
    if weight is None or not weight["bytes"]:
        return
    shown = weight["kinds"][:rows]
    left = weight["bytes"] - sum(kind["bytes"] for kind in shown)
    sheet.table(
        ("bytes>", "files>", "kind", "most of it in", "written by"),
        (
            (
                format_size(kind["bytes"]),
                f"{kind['files']:,}",
                kind_name(kind),
                code(kind["paths"][0]["path"]) if kind["paths"] else "",
                by_instruction(kind),
            )
            for kind in shown
        ),
        total=len(shown),
        rest=f"{format_size(left)} in others" if left else "",
        fold=f"<b>Dead weight</b>: {weight_sentence(weight, document['sizes']['live'])}",
    )


def table_values(document: AnalysisDocument) -> dict[str, object]:
    """What the HTML table shows: the largest paths of all kinds, and the bytes in the others."""
    weight = document.get("dead_weight")
    if weight is None or not weight["bytes"]:
        return {"dead_weight": None}
    rows = [
        (WEIGHT_WORDS[kind["kind"]], path) for kind in weight["kinds"] for path in kind["paths"]
    ]
    rows.sort(key=lambda each: -each[1]["bytes"])
    shown = rows[:_ROWS]
    left = weight["bytes"] - sum(path["bytes"] for _, path in shown)
    return {"dead_weight": weight, "weight_rows": shown, "weight_left": left}


def csv_rows(weight: DeadWeightRow | None) -> Iterator[dict[str, object]]:
    """The rows of the table `dead_weight`: the paths of each kind, and what is not listed of it."""
    index = 0
    for kind in () if weight is None else weight["kinds"]:
        for path in kind["paths"]:
            yield {
                "table": "dead_weight",
                "index": index,
                "path": path["path"],
                "text": ": ".join(filter(None, (path["tool"], how_known(path)))),
                "kind": kind["kind"],
                "bytes": path["bytes"],
                "files": path["files"],
                "layer": path["layer"],
                "written_by": path["instruction"],
                "compressed": path["compressed"],
            }
            index += 1
        if "rest" in kind:
            yield {
                "table": "dead_weight",
                "index": index,
                "path": REST,
                "kind": kind["kind"],
                "bytes": kind["rest"]["bytes"],
                "files": kind["rest"]["files"],
                "compressed": kind["rest"]["compressed"],
            }
            index += 1
