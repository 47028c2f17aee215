"""The secrets in the report document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from layerscope.report.paths import clean_text, escape_path

if TYPE_CHECKING:
    from layerscope.analysis.model import InstructionSummary
    from layerscope.analysis.secrets.facts import SecretFinding, SecretGap, Secrets
    from layerscope.report.document.secret_types import FindingRow, SecretGapRow, SecretsRow


def secrets_row(secrets: Secrets) -> SecretsRow:
    """What was searched, how much was found, and what was not searched."""
    return {
        "bytes": secrets.bytes,
        "doubtful": secrets.doubtful,
        "everything": secrets.everything,
        "files": secrets.files,
        "found": secrets.found,
        "gaps": [_gap(each) for each in secrets.gaps],
        "not_searched": secrets.not_searched,
        "rules": secrets.rules,
    }


def finding_rows(
    findings: Sequence[SecretFinding], instructions: Sequence[InstructionSummary]
) -> list[FindingRow]:
    """The findings, deleted ones first, with the Dockerfile lines of their instructions."""
    return [_finding(each, instructions) for each in findings]


def _finding(finding: SecretFinding, instructions: Sequence[InstructionSummary]) -> FindingRow:
    row: FindingRow = {
        "confidence": "high" if finding.sure else "low",
        "deleted": finding.deleted,
        "message": clean_text(finding.message),
        "rule": clean_text(finding.rule),
        "where": finding.where,
    }
    if finding.instruction is not None:
        row["instruction"] = finding.instruction
        location = instructions[finding.instruction].instruction.location
        if location is not None:
            row["location"] = {
                "end_line": location.end_line,
                "file": clean_text(location.file),
                "start_line": location.start_line,
            }
    if finding.layer is not None:
        row["layer"] = finding.layer
    if finding.line is not None:
        row["line"] = finding.line
    if finding.name is not None:
        row["name"] = clean_text(finding.name)
    if finding.path is not None:
        row["path"] = escape_path(finding.path)
    if finding.doubt:
        row["reason"] = clean_text(finding.doubt)
    return row


def _gap(gap: SecretGap) -> SecretGapRow:
    row: SecretGapRow = {"layer": gap.layer, "reason": gap.reason}
    if gap.path is not None:
        row["path"] = escape_path(gap.path)
    return row
