"""Advice, secrets, waste, and broken rules as GitLab's code quality report, a subset of Code Climate's format."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, TextIO

from layerscope.report.parts.finding import Finding
from layerscope.report.parts.findings import dockerfile_of, findings
from layerscope.report.words import instruction_text, one_line

if TYPE_CHECKING:
    from layerscope.report.document.rows import ReportDocument

_SEVERITIES = {"error": "critical", "warning": "minor", "note": "info"}


class GitlabRenderer:
    """Writes a list of issues, in the order of the findings."""

    def render(self, document: ReportDocument, out: TextIO) -> None:
        issues = [_issue(document, finding) for finding in findings(document)]
        out.write(json.dumps(issues, indent=2, sort_keys=True) + "\n")


def _issue(document: ReportDocument, finding: Finding) -> dict[str, object]:
    row = None
    if finding.instruction is not None:
        row = document["instructions"][finding.instruction]
    place = None if row is None else row["location"]
    description = finding.message
    if row is not None and place is None:
        text = instruction_text(row, 80)
        description += "" if text in description else f" ({row['index']} is {text})"
    lines = (
        {"begin": 1} if place is None else {"begin": place["start_line"], "end": place["end_line"]}
    )
    return {
        "check_name": f"layerscope/{finding.rule}",
        "description": description,
        "fingerprint": finding.fingerprint,
        "location": {
            "lines": lines,
            "path": one_line(
                posixpath.normpath(dockerfile_of(document) if place is None else place["file"])
            ),
        },
        "severity": _SEVERITIES[finding.level],
    }
