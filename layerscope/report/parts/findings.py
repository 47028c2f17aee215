"""The findings of a report for code review formats: each is a rule, a level, a message, and a place."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Literal

from layerscope.analysis.words import KIND_MEANINGS
from layerscope.records import dataclass
from layerscope.report.document.head import is_head
from layerscope.report.parts.secret_words import finding_cause, finding_place, gap_sentence
from layerscope.report.words import (
    blame,
    instruction_text,
    is_skipped,
    is_warning,
    one_line,
    rule_sentence,
    rules_of,
)
from layerscope.units import count, format_percent, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import (
        AdviceRow,
        AnalysisDocument,
        ReportDocument,
        RuleRow,
        WastePairRow,
    )
    from layerscope.report.document.secret_types import FindingRow

Level = Literal["error", "warning", "note"]

WORTH_A_WARNING = 100
"""Waste of at least one part in this many of the content is a warning, less is a note."""
WORTH_A_WORD = 1000
"""Waste of less than one part in this many of the content is not a finding."""

DOCKERFILE = "Dockerfile"
"""The file for findings whose file is unknown."""
SECRET = "secret"  # noqa: S105  # the name of a group of findings
"""The prefix of findings about secrets."""
NOT_SEARCHED = "not-searched"
MOST_SECRETS = 200
"""The most secrets that are findings."""
SKIPPED = "skipped"
"""The prefix of findings for skipped rules."""

_TAG = re.compile(r"(@[a-z0-9]+:[0-9a-f]+|:[A-Za-z0-9_][A-Za-z0-9_.-]*)$")
MOST_RELATED = 50
"""The most instructions that one finding points to."""
_SIZE_RULES = ("max_size", "max_tar_size", "max_compressed_size", "max_own_size")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. `instruction` is the index of the one to look at first, `related` others with how they're involved.

    `fingerprint` stays the same as long as the same instructions are at fault, even if the numbers change.
    """

    rule: str
    level: Level
    title: str
    message: str
    instruction: int | None
    related: tuple[tuple[int, str], ...]
    fingerprint: str
    properties: dict[str, float | None]


def image_name(document: ReportDocument) -> str:
    """The image's reference without its tag or digest, which is the same from build to build."""
    reference = document["image"]["reference"]
    return one_line(_TAG.sub("", reference)) or one_line(reference)


def findings(document: ReportDocument) -> list[Finding]:
    """Broken and skipped rules in order, then secrets, then waste by pair of instructions, largest first."""
    seen: Counter[str] = Counter()
    name = image_name(document)
    found = [
        _skipped_rule(rule, name, seen)
        if is_skipped(rule)
        else _broken_rule(document, rule, name, seen)
        for rule in rules_of(document)
        if not rule["passed"]
    ]
    if is_head(document):
        return found
    found += _not_searched(document, name, seen)
    found += [
        _secret(document, row, name, seen) for row in document.get("findings", ())[:MOST_SECRETS]
    ]
    content = document["sizes"]["content"]
    advice = {_key(row): row["message"] for row in document["advice"]}
    found += [
        _waste(document, pair, advice.get(_key(pair)), name, seen)
        for pair in document["waste_pairs"]
        if pair["bytes"] and WORTH_A_WORD * pair["bytes"] >= content
    ]
    return found


def dockerfile_of(document: ReportDocument) -> str:
    """The file with the most known lines, for findings without a line of their own."""
    files = Counter(
        row["location"]["file"] for row in document["instructions"] if row["location"] is not None
    )
    return min(files, key=lambda name: (-files[name], name), default=DOCKERFILE)


def rule_meaning(rule: str) -> str:
    """A sentence that explains the rule of a finding."""
    group, _, name = rule.partition("/")
    if group == "waste":
        return KIND_MEANINGS[name.replace("-", "_")]
    if rule == f"{SECRET}/{NOT_SEARCHED}":
        return "Something in the image was not searched for secrets."
    if group == SECRET:
        return f"A secret in the image, found by the rule {name}. Whoever can pull the image has it, even from a deleted file."
    if group == SKIPPED:
        return f"The rule {name} of the budget has nothing to measure from and is skipped."
    return f"The image breaks the rule {name} of its budget."


def _key(row: AdviceRow | WastePairRow) -> tuple[str | None, int | None, int | None]:
    return row["kind"], row["written_by"], row["wasted_by"]


def _broken_rule(document: ReportDocument, rule: RuleRow, name: str, seen: Counter[str]) -> Finding:
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
        fingerprint=_fingerprint(seen, name, slug),
        properties={"actual": rule["actual"], "limit": rule["limit"]},
    )


def _skipped_rule(rule: RuleRow, name: str, seen: Counter[str]) -> Finding:
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
        fingerprint=_fingerprint(seen, name, slug),
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


def _waste(
    document: AnalysisDocument,
    pair: WastePairRow,
    advice: str | None,
    name: str,
    seen: Counter[str],
) -> Finding:
    content = document["sizes"]["content"]
    share = format_percent(pair["bytes"], content)
    message = (
        f"{format_size(pair['bytes'])} ({share} of the image) in {count(pair['files'], 'file')} "
        f"written by {pair['written_by']} are {blame(pair)}"
    )
    if advice:
        message += f". What to do: {one_line(advice)}"
    slug = f"waste/{pair['kind'].replace('_', '-')}"
    return Finding(
        rule=slug,
        level="warning" if WORTH_A_WARNING * pair["bytes"] >= content else "note",
        title=f"{format_size(pair['bytes'])} wasted: {blame(pair)}",
        message=message,
        instruction=pair["wasted_by"],
        related=_writer(pair),
        fingerprint=_fingerprint(
            seen,
            name,
            slug,
            _text_of(document, pair["written_by"]),
            _text_of(document, pair["wasted_by"]),
        ),
        properties={
            "bytes": pair["bytes"],
            "files": pair["files"],
            "wasted_by": pair["wasted_by"],
            "written_by": pair["written_by"],
        },
    )


def _not_searched(document: AnalysisDocument, name: str, seen: Counter[str]) -> list[Finding]:
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
            fingerprint=_fingerprint(seen, name, slug),
            properties={"count": missed},
        )
    ]


def _secret(document: AnalysisDocument, row: FindingRow, name: str, seen: Counter[str]) -> Finding:
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
        fingerprint=_fingerprint(seen, name, slug, *where, text),
        properties={"layer": row.get("layer"), "line": row.get("line")},
    )


def _writer(pair: WastePairRow) -> tuple[tuple[int, str], ...]:
    index = pair["written_by"]
    return () if index == pair["wasted_by"] else ((index, f"written by {index}"),)


def _text_of(document: ReportDocument, index: int) -> str:
    return instruction_text(document["instructions"][index])


def _fingerprint(seen: Counter[str], *parts: str) -> str:
    """A hash of the parts. If a report has the same parts twice, the second gets another hash, always the same one."""
    text = "\0".join(parts)
    seen[text] += 1
    return hashlib.sha256(f"{text}\0{seen[text]}".encode()).hexdigest()[:40]
