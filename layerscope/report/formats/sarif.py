"""Advice, secrets, waste, and broken rules as SARIF 2.1.0 (OASIS), on lines of the Dockerfile if they are known."""

from __future__ import annotations

import json
import posixpath
import re
from typing import TYPE_CHECKING, Final, TextIO
from urllib.parse import quote

from layerscope.report.parts.change_findings import ADVICE
from layerscope.report.parts.finding import Finding
from layerscope.report.parts.findings import (
    NOT_SEARCHED,
    SECRET,
    dockerfile_of,
    findings,
    image_name,
    rule_meaning,
)
from layerscope.report.parts.pages import HOME, page_uri
from layerscope.report.words import instruction_text

if TYPE_CHECKING:
    from layerscope.report.document.copied_types import LocationRow
    from layerscope.report.document.rows import ReportDocument


SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
ROOT = "%SRCROOT%"
"""The base of relative Dockerfile paths: the source tree, wherever the reader keeps it."""

SECURITY_SEVERITY: Final = "8.0"
"""How GitHub ranks secrets, from 0 to 10: high."""
_PAGES: Final = {
    "budget": "docs/budgets.md",
    SECRET: "docs/secrets.md",
    "skipped": "docs/budgets.md",
}
_TAGS: Final = {
    ADVICE: "size",
    "budget": "budget",
    SECRET: "security",
    "skipped": "budget",
    "waste": "size",
}
_SPECIAL = re.compile(r"[\[\]\\]")


MOST_RESULTS: Final = 25_000
"""The most results in a run that GitHub accepts."""
MOST_BYTES: Final = 20_000_000
"""The size of the log. GitHub refuses one that is larger than 10 MB when it is compressed."""
_INDENT: Final = 10
"""The spaces before each line of a result or a rule."""
_LEVELS: Final = ("error", "warning", "note")


class SarifRenderer:
    """Writes one log with one run. If not all results fit, the most severe ones do, and a notification counts the others."""

    def render(self, document: ReportDocument, out: TextIO) -> None:
        found = findings(document)
        results = _fitting(document, found, MOST_BYTES - len(_text(_log(document, [], []))))
        out.write(_text(_log(document, results, found)))


def _log(
    document: ReportDocument, results: list[Finding], found: list[Finding]
) -> dict[str, object]:
    rules = sorted({finding.rule for finding in results})
    numbers = {rule: number for number, rule in enumerate(rules)}
    run: dict[str, object] = {
        "automationDetails": {"id": f"layerscope/{image_name(document)}"},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True} | _left_out(len(found) - len(results))],
        "results": [_result(document, finding, numbers[finding.rule]) for finding in results],
        "tool": {
            "driver": {
                "informationUri": HOME,
                "name": "layerscope",
                "rules": [_rule(rule, document["layerscope"]) for rule in rules],
                "version": document["layerscope"],
            }
        },
    }
    return {"$schema": SCHEMA, "runs": [run], "version": "2.1.0"}


def _text(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"


def _fitting(document: ReportDocument, found: list[Finding], room: int) -> list[Finding]:
    """The findings whose results and rules take at most `room` bytes, the most severe ones, in their order."""
    order = sorted(range(len(found)), key=lambda number: _LEVELS.index(found[number].level))
    room -= len(_text(_left_out(len(found)))) + _INDENT * 10
    taken: list[int] = []
    rules: set[str] = set()
    for number in order[:MOST_RESULTS]:
        finding = found[number]
        room -= _size(_result(document, finding, len(found)))
        if finding.rule not in rules:
            room -= _size(_rule(finding.rule, document["layerscope"]))
            rules.add(finding.rule)
        if room < 0:
            break
        taken.append(number)
    return [found[number] for number in sorted(taken)]


def _size(value: object) -> int:
    """The bytes that a result or a rule takes in the log."""
    text = _text(value)
    return len(text) + _INDENT * text.count("\n") + 2


def _left_out(number: int) -> dict[str, object]:
    """What an invocation says if results are left out."""
    if not number:
        return {}
    text = f"{number:,} results are left out, because code scanning takes at most "
    text += f"{MOST_RESULTS:,} results and {MOST_BYTES // 1_000_000} MB. The JSON report has them."
    return {"toolExecutionNotifications": [{"level": "warning", "message": {"text": text}}]}


def _rule(rule: str, version: str) -> dict[str, object]:
    words = rule.replace("/", " ").replace("-", " ").replace("_", " ").split()
    group, _, name = rule.partition("/")
    meaning = rule_meaning(rule)
    title = meaning.rstrip(".") if group == ADVICE else " ".join(words).capitalize()
    page = f"docs/advice/{name}.md" if group == ADVICE else _PAGES.get(group, "docs/report.md")
    uri = page_uri(page, version)
    secret = group == SECRET and name != NOT_SEARCHED
    properties: dict[str, object] = {"tags": ["security", SECRET] if secret else [_TAGS[group]]}
    if secret:
        properties["security-severity"] = SECURITY_SEVERITY
    return {
        "defaultConfiguration": {"level": "error" if group == "budget" or secret else "warning"},
        "fullDescription": {"text": _message(meaning)},
        "help": {
            "markdown": f"{_message(meaning)} [How to fix it, and when to ignore it]({uri})",
            "text": _message(f"{meaning} How to fix it, and when to ignore it: {uri}"),
        },
        "helpUri": uri,
        "id": rule,
        "name": "".join(word.capitalize() for word in words),
        "properties": properties,
        "shortDescription": {"text": _message(title)},
    }


def _result(document: ReportDocument, finding: Finding, rule: int) -> dict[str, object]:
    result: dict[str, object] = {
        "level": finding.level,
        "message": {"text": _message(finding.message)},
        "partialFingerprints": {"layerscope/v1": finding.fingerprint},
        "properties": finding.properties,
        "ruleId": finding.rule,
        "ruleIndex": rule,
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
