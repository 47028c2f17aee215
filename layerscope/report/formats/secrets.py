"""The formats of `layerscope secrets`: what a report says of secrets, and nothing else of it."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Final, TextIO

from layerscope.report.formats.format import Display, Format, Renderer
from layerscope.report.formats.renderers import RENDERERS
from layerscope.report.parts.csv_cell import cell
from layerscope.report.parts.secret_words import finding_cause, finding_place, gap_sentence
from layerscope.report.parts.sheet import Sheet, code
from layerscope.report.sections.secrets import deleted_first, markdown, secrets_sentence, state
from layerscope.report.words import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from layerscope.report.document.rows import AnalysisDocument
    from layerscope.report.document.secret_types import FindingRow

MOST_DOUBTFUL: Final = 20
"""The most findings in doubt that the text lists."""
_COLUMNS: Final = (
    "rule", "where", "path", "line", "name", "state", "reason", "layer", "instruction", "file", "start_line",
)  # fmt: skip
_REVIEW: Final = ("sarif", "github", "gitlab")
"""Formats for code review, which list findings of any kind."""


class _Text:
    """Deleted secrets first, those in doubt last, then what was not searched."""

    def __init__(self, _: Display) -> None:
        pass

    def render(self, document: AnalysisDocument, out: TextIO) -> None:
        summary, rows = document["secrets"], document["findings"]
        deleted, live, doubtful = deleted_first(rows)
        for head, part in (
            ("deleted, but still in a layer", deleted),
            ("in the image", live),
            ("in doubt", doubtful),
        ):
            if part:
                out.write(f"{head}:\n")
                shown = part[:MOST_DOUBTFUL] if part is doubtful else part
                _write_rows(out, shown)
                if len(part) > len(shown):
                    left = len(part) - len(shown)
                    out.write(f"  and {left:,} more in doubt; --json lists them\n\n")
        total = summary["found"] + summary["doubtful"]
        if total > len(rows):
            out.write(f"and {total - len(rows):,} more\n\n")
        out.writelines(f"not searched: {gap_sentence(gap)}\n" for gap in summary["gaps"])
        if summary["not_searched"] > len(summary["gaps"]):
            out.write(f"not searched: {summary['not_searched'] - len(summary['gaps']):,} more\n")
        out.write(f"{secrets_sentence(summary)}\n")


def _write_rows(out: TextIO, rows: Sequence[FindingRow]) -> None:
    width = max(len(row["rule"]) for row in rows)
    for row in rows:
        parts = [finding_place(row), finding_cause(row), row.get("reason", "")]
        shown = (one_line(part) for part in parts if part)
        out.write("  " + "  ".join([row["rule"].ljust(width), *shown]) + "\n")
    out.write("\n")


class _Json:
    """One object with the report's keys `findings` and `secrets`."""

    def __init__(self, _: Display) -> None:
        pass

    def render(self, document: AnalysisDocument, out: TextIO) -> None:
        shown = {"findings": document["findings"], "secrets": document["secrets"]}
        out.write(json.dumps(shown, indent=1, sort_keys=True) + "\n")


class _Markdown:
    """The report's table with all findings that fit."""

    def __init__(self, _: Display) -> None:
        pass

    def render(self, document: AnalysisDocument, out: TextIO) -> None:
        sheet = Sheet()
        summary, rows = document["secrets"], document["findings"]
        sheet.add(f"### Secrets in {code(document['image']['reference'])}\n")
        if rows or summary["not_searched"]:
            markdown(sheet, summary, rows, len(rows))
        else:
            sheet.add(f"\n{secrets_sentence(summary)}\n")
        out.write(sheet.text())


class _Csv:
    """A row for each finding."""

    def __init__(self, _: Display) -> None:
        pass

    def render(self, document: AnalysisDocument, out: TextIO) -> None:
        writer = csv.DictWriter(out, _COLUMNS, restval="", lineterminator="\n")
        writer.writeheader()
        for row in document["findings"]:
            place = row.get("location") or {"file": None, "start_line": None}
            found = {
                "rule": row["rule"],
                "where": row["where"],
                "state": state(row),
                "file": place["file"],
                "start_line": place["start_line"],
                **{
                    name: row.get(name)
                    for name in ("path", "line", "name", "reason", "layer", "instruction")
                },
            }
            writer.writerow({name: cell(value) for name, value in found.items()})


def _review(name: str) -> Format[AnalysisDocument]:
    """A format of the report that gets nothing but the secrets."""
    inner = RENDERERS[name]

    class Review:
        def __init__(self, display: Display) -> None:
            self._renderer: Renderer[AnalysisDocument] = inner.create(display)

        def render(self, document: AnalysisDocument, out: TextIO) -> None:
            self._renderer.render({**document, "advice": [], "waste_pairs": []}, out)

    return Format(name=name, suffix=inner.suffix, help=inner.help, create=Review)


SECRET_RENDERERS: dict[str, Format[AnalysisDocument]] = {
    each.name: each
    for each in (
        Format(name="text", suffix=".txt", help="For people.", create=_Text),
        Format(name="json", suffix=".json", help="One object, for programs.", create=_Json),
        Format(name="markdown", suffix=".md", help="A table.", create=_Markdown),
        Format(name="csv", suffix=".csv", help="A row for each finding.", create=_Csv),
        *map(_review, _REVIEW),
    )
}
