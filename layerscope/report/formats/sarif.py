"""Waste and broken rules as SARIF 2.1.0 (OASIS), on lines of the Dockerfile if they are known."""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING, TextIO
from urllib.parse import quote

from layerscope.report.parts.findings import (
    Finding,
    dockerfile_of,
    findings,
    image_name,
    rule_meaning,
)
from layerscope.report.words import instruction_text

if TYPE_CHECKING:
    from layerscope.report.document.copied_types import LocationRow
    from layerscope.report.document.rows import ReportDocument


SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
ROOT = "%SRCROOT%"
"""The base of relative Dockerfile paths: the source tree, wherever the reader keeps it."""

_SPECIAL = re.compile(r"[\[\]\\]")


class SarifRenderer:
    """Writes one log with one run."""

    def render(self, document: ReportDocument, out: TextIO) -> None:
        found = findings(document)
        rules = sorted({finding.rule for finding in found})
        log = {
            "$schema": SCHEMA,
            "runs": [
                {
                    "automationDetails": {"id": f"layerscope/{image_name(document)}"},
                    "columnKind": "unicodeCodePoints",
                    "results": [_result(document, finding, rules) for finding in found],
                    "tool": {
                        "driver": {
                            "name": "layerscope",
                            "rules": [_rule(rule) for rule in rules],
                            "version": document["layerscope"],
                        }
                    },
                }
            ],
            "version": "2.1.0",
        }
        out.write(json.dumps(log, indent=2, sort_keys=True) + "\n")


def _rule(rule: str) -> dict[str, object]:
    words = rule.replace("/", " ").replace("-", " ").replace("_", " ").split()
    return {
        "defaultConfiguration": {"level": "error" if rule.startswith("budget/") else "warning"},
        "fullDescription": {"text": _message(rule_meaning(rule))},
        "id": rule,
        "name": "".join(word.capitalize() for word in words),
        "shortDescription": {"text": _message(" ".join(words).capitalize())},
    }


def _result(document: ReportDocument, finding: Finding, rules: list[str]) -> dict[str, object]:
    result: dict[str, object] = {
        "level": finding.level,
        "message": {"text": _message(finding.message)},
        "partialFingerprints": {"layerscope/v1": finding.fingerprint},
        "properties": finding.properties,
        "ruleId": finding.rule,
        "ruleIndex": rules.index(finding.rule),
    }
    result["locations"] = [
        {"physicalLocation": _physical(document, None)}
        if finding.instruction is None
        else _location(document, finding.instruction)
    ]
    if finding.related:
        result["relatedLocations"] = [
            _location(document, index) | {"id": number, "message": {"text": text}}
            for number, (index, text) in enumerate(finding.related, start=1)
        ]
    return result


def _location(document: ReportDocument, index: int) -> dict[str, object]:
    """The lines of the Dockerfile, and the instruction by its number and text."""
    row = document["instructions"][index]
    return {
        "logicalLocations": [
            {
                "fullyQualifiedName": f"instructions/{index}",
                "kind": "instruction",
                "name": instruction_text(row, 200),
            }
        ],
        "physicalLocation": _physical(document, row["location"]),
    }


def _physical(document: ReportDocument, place: LocationRow | None) -> dict[str, object]:
    """A place in a file, which code scanning requires of every result. If none is known, line 1 of the Dockerfile."""
    if place is None:
        return {
            "artifactLocation": _artifact(dockerfile_of(document)),
            "region": {"startLine": 1},
        }
    return {
        "artifactLocation": _artifact(place["file"]),
        "region": {"endLine": place["end_line"], "startLine": place["start_line"]},
    }


def _artifact(path: str) -> dict[str, object]:
    """A file path as a URI (RFC 3986), encoded so that no part can be mistaken for a scheme or a query."""
    if path.startswith("/"):
        return {"uri": f"file://{quote('/' + posixpath.normpath(path).lstrip('/'))}"}
    return {"uri": quote(posixpath.normpath(path)), "uriBaseId": ROOT}


def _message(text: str) -> str:
    """A plain text message. Brackets would be links (section 3.11.6) and braces placeholders (3.11.5)."""
    return _SPECIAL.sub(r"\\\g<0>", text).replace("{", "{{").replace("}", "}}")
