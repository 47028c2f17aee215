"""Advice, secrets, waste, and broken rules as workflow commands, which GitHub shows as annotations on lines of the Dockerfile."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from layerscope.report.document.head import is_head
from layerscope.report.parts.finding import Finding
from layerscope.report.parts.findings import findings
from layerscope.report.words import one_line, verdict_words
from layerscope.units import format_percent, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import ReportDocument

MOST = 10
"""The most annotations of one level that GitHub shows for a step. It drops the rest."""
_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


class GithubRenderer:
    """Writes lines for a job's log: at most ten commands of each level. The tenth sums up what didn't fit."""

    def render(self, document: ReportDocument, out: TextIO) -> None:
        by_level: dict[str, list[Finding]] = {level: [] for level in _COMMANDS}
        for finding in findings(document):
            by_level[finding.level].append(finding)
        for level, found in by_level.items():
            most = MOST - 1 if level == "note" else MOST
            shown = found if len(found) <= most else found[: most - 1]
            for finding in shown:
                out.write(_annotation(document, finding))
            if len(found) > len(shown):
                out.write(command(_COMMANDS[level], _rest(found[len(shown) :]), title="layerscope"))
        out.write(command("notice", _summary(document), title="layerscope"))


def command(name: str, message: str, **properties: object) -> str:
    """A workflow command as a line. Values are encoded the way the runner decodes them, so none can end it early."""
    pairs = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{name} {pairs}::{_data(message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _annotation(document: ReportDocument, finding: Finding) -> str:
    place: dict[str, str | int] = {}
    if finding.instruction is not None:
        location = document["instructions"][finding.instruction]["location"]
        if location is not None:
            place = {
                "file": one_line(location["file"]),
                "line": location["start_line"],
                "endLine": location["end_line"],
            }
    return command(
        _COMMANDS[finding.level], finding.message, **place, title=f"layerscope: {finding.title}"
    )


def _rest(found: list[Finding]) -> str:
    return f"{len(found):,} more of these, all of them in the JSON report"


def _summary(document: ReportDocument) -> str:
    parts = []
    if not is_head(document):
        sizes = document["sizes"]
        share = format_percent(sizes["wasted"], sizes["content"])
        parts.append(f"content {format_size(sizes['content'])}")
        parts.append(f"wasted {format_size(sizes['wasted'])} ({share})")
    download = document["sizes"]["compressed"]
    if download is not None:
        parts.append(f"download {format_size(download)}")
    if "verdict" in document:
        parts.append(f"verdict: {verdict_words(document)}")
    name = one_line(document["image"]["reference"])
    return f"{name}: {', '.join(parts) or 'no layer was read'}"
