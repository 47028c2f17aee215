"""The findings of a report for code review formats: each is a rule, a level, a message, and a place."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from layerscope.analysis.advice.advise import RULES
from layerscope.analysis.words import KIND_MEANINGS
from layerscope.report.document.head import is_head
from layerscope.report.parts.change_findings import ADVICE, BASE_WASTE, change_findings
from layerscope.report.parts.finding import Finding, Fingerprints
from layerscope.report.parts.secret_words import finding_cause, finding_place, gap_sentence
from layerscope.report.words import (
    instruction_text,
    is_skipped,
    is_warning,
    one_line,
    rule_sentence,
    rules_of,
)

if TYPE_CHECKING:
    from layerscope.report.document.rows import (
        AnalysisDocument,
        ReportDocument,
        RuleRow,
    )
    from layerscope.report.document.secret_types import FindingRow

DOCKERFILE = "Dockerfile"
"""The file for findings whose file is unknown."""
SECRET = "secret"  # noqa: S105  # the name of a group of findings
"""The prefix of findings about secrets."""
NOT_SEARCHED = "not-searched"
SKIPPED = "skipped"
"""The prefix of findings for skipped rules."""

_TAG = re.compile(r"(@[a-z0-9]+:[0-9a-f]+|:[A-Za-z0-9_][A-Za-z0-9_.-]*)$")
MOST_RELATED = 50
"""The most instructions that one finding points to."""
_TITLES: Final = {rule.id: f"{rule.title}." for rule in RULES}
_SIZE_RULES = ("max_size", "max_tar_size", "max_compressed_size", "max_own_size")


def image_name(document: ReportDocument) -> str:
    """The image's reference without its tag or digest, which is the same from build to build."""
    reference = document["image"]["reference"]
    return one_line(_TAG.sub("", reference)) or one_line(reference)


def findings(document: ReportDocument) -> list[Finding]:
    """Broken and skipped rules in order, then secrets, then advice and waste, largest first."""
    fingerprints = Fingerprints(image_name(document))
    found = [
        _skipped_rule(rule, fingerprints)
        if is_skipped(rule)
        else _broken_rule(document, rule, fingerprints)
        for rule in rules_of(document)
        if not rule["passed"]
    ]
    if is_head(document):
        return found
    found += _not_searched(document, fingerprints)
    found += [_secret(document, row, fingerprints) for row in document.get("findings", ())]
    return found + change_findings(document, fingerprints)


def dockerfile_of(document: ReportDocument) -> str:
    """The file with the most known lines, for findings without a line of their own."""
    files = Counter(
        row["location"]["file"] for row in document["instructions"] if row["location"] is not None
    )
    return min(files, key=lambda name: (-files[name], name), default=DOCKERFILE)


def rule_meaning(rule: str) -> str:
    """A sentence that explains the rule of a finding."""
    group, _, name = rule.partition("/")
    if group == ADVICE:
        return _TITLES.get(name, "A change of the build that makes the image smaller.")
    if rule == BASE_WASTE:
        return (
            "The base image's own instructions waste content. Only another base image changes that."
        )
    if group == "waste":
        return KIND_MEANINGS[name.replace("-", "_")]
    if rule == f"{SECRET}/{NOT_SEARCHED}":
        return "Something in the image was not searched for secrets."
    if group == SECRET:
        return f"A secret in the image, found by the rule {name}. Whoever can pull the image has it, even from a deleted file."
    if group == SKIPPED:
        return f"The rule {name} of the budget has nothing to measure from and is skipped."
    return f"The image breaks the rule {name} of its budget."


def _broken_rule(document: ReportDocument, rule: RuleRow, fingerprints: Fingerprints) -> Finding:
    label = one_line(rule["rule"])
    message = rule_sentence(rule)
    if rule["message"]:
        message += f" ({one_line(rule['message'])})"
    slug = f"budget/{label}"
    causes = _culprits(document, rule)
    return Finding(
        rule=slug,
        level="warning" if is_warning(rule) else "error",
        title=f"Budget broken: {label}",
        message=message,
        instruction=causes[0] if causes else None,
        related=tuple((index, "also at fault") for index in causes[1:]),
        fingerprint=fingerprints.of(slug),
        properties={"actual": rule["actual"], "limit": rule["limit"]},
    )


def _skipped_rule(rule: RuleRow, fingerprints: Fingerprints) -> Finding:
    label = one_line(rule["rule"])
    slug = f"{SKIPPED}/{label}"
    message = rule_sentence(rule)
    if rule["message"]:
        message += f" ({one_line(rule['message'])})"
    return Finding(
        rule=slug,
        level="warning",
        title=f"Rule skipped: {label}",
        message=message,
        instruction=None,
        related=(),
        fingerprint=fingerprints.of(slug),
        properties={"limit": rule["limit"]},
    )


def _culprits(document: ReportDocument, rule: RuleRow) -> tuple[int, ...]:
    """The instructions at fault, largest first. Old reports have only the largest."""
    found = rule.get("instructions")
    if found is not None:
        known = range(len(document["instructions"]))
        return tuple(index for index in found[:MOST_RELATED] if index in known)
    if rule["rule"] in _SIZE_RULES and not is_head(document):
        rows = document["instructions"]
        largest = max(rows, key=lambda row: (row["sizes"]["content"], -row["index"]), default=None)
        return () if largest is None else (int(largest["index"]),)
    return ()


def _not_searched(document: AnalysisDocument, fingerprints: Fingerprints) -> list[Finding]:
    """What was not searched for secrets, as one finding."""
    if "secrets" not in document or not document["secrets"]["gaps"]:
        return []
    missed = document["secrets"]["not_searched"]
    more = f", and {missed - 1:,} more" if missed > 1 else ""
    slug = f"{SECRET}/{NOT_SEARCHED}"
    return [
        Finding(
            rule=slug,
            level="note",
            title="Not searched for secrets",
            message=f"Not searched for secrets: {gap_sentence(document['secrets']['gaps'][0])}{more}",
            instruction=None,
            related=(),
            fingerprint=fingerprints.of(slug),
            properties={"count": missed},
        )
    ]


def _secret(document: AnalysisDocument, row: FindingRow, fingerprints: Fingerprints) -> Finding:
    """Where the secret is and what to do. Its fingerprint doesn't depend on the line or the layer."""
    place, cause = finding_place(row), finding_cause(row)
    message = f"{one_line(row['message'])} in {place}" + (f", {cause}" if cause else "")
    sure = row["confidence"] == "high"
    if row["deleted"]:
        message += ", deleted but still in the image"
    message += (
        ". Revoke it, and keep it out of the build with a secret mount"
        if sure
        else f". In doubt: {one_line(row.get('reason', ''))}"
    )
    slug = f"{SECRET}/{one_line(row['rule'])}"
    index = row.get("instruction")
    where = (row.get("path", ""), row["where"], row.get("name", ""))
    text = "" if index is None else _text_of(document, index)
    return Finding(
        rule=slug,
        level="error" if sure else "note",
        title=f"Secret in {place}",
        message=message,
        instruction=index,
        related=(),
        fingerprint=fingerprints.of(slug, *where, text),
        properties={"layer": row.get("layer"), "line": row.get("line")},
    )


def _text_of(document: ReportDocument, index: int) -> str:
    return instruction_text(document["instructions"][index])
