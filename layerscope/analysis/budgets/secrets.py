"""The rule `forbid_secrets`, and its exceptions: single findings, each with a reason and often a date."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from fnmatch import fnmatchcase

from layerscope.analysis.budgets.names import FORBID_SECRETS
from layerscope.analysis.budgets.verdict import RuleResult
from layerscope.analysis.comparison.glob import compile_glob
from layerscope.analysis.model import Facts
from layerscope.analysis.secrets.facts import SecretFinding, SecretGap, Secrets
from layerscope.records import dataclass
from layerscope.units import count

NOT_SEARCHED = "not-searched"
"""The name by which an exception allows what was not searched."""
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowSecret:
    """One exception: a shell pattern for the rule, one for the path or the name, and why. Valid up to the day `until`."""

    reason: str
    rule: str = "*"
    path: str | None = None
    name: str | None = None
    until: date | None = None

    def expired(self, today: date | None) -> bool:
        """Whether its last day has passed. False if `today` is None."""
        return today is not None and self.until is not None and today > self.until

    def covers(self, rule: str, path: bytes | None, name: str | None) -> bool:
        """Whether it allows a finding."""
        if not fnmatchcase(rule, self.rule):
            return False
        if self.path is not None and (path is None or not compile_glob(self.path)(b"/" + path)):
            return False
        return self.name is None or (name is not None and fnmatchcase(name, self.name))


def judge_secrets(
    allows: Sequence[AllowSecret], facts: Facts, today: date | None = None
) -> RuleResult:
    """The result of the rule. What was not searched breaks it, as does an image whose text files were not all searched.

    Findings in doubt don't break it. Once an exception expires, what it allowed counts again.
    """
    secrets = facts.secrets
    if secrets is None or not secrets.everything:
        why = "no text file" if secrets is None else "only well-known files and the configuration"
        return _result(
            None,
            f"unknown: {why} was searched; leave --head, --lazy, and --no-secrets out, and save a report with --secrets",
        )
    valid = [allow for allow in allows if not allow.expired(today)]
    sure = [each for each in secrets.findings if each.sure]
    found = [each for each in sure if not _allowed(valid, each.rule, each)]
    gaps = [each for each in secrets.gaps if not _allowed(valid, NOT_SEARCHED, each)]
    unlisted = secrets.found - len(sure)
    missed = len(gaps) + secrets.not_searched - len(secrets.gaps)
    words = []
    if found:
        words.append(", ".join(_place(each) for each in found[:_SHOWN]))
        if len(found) > _SHOWN:
            words[-1] += f", and {len(found) - _SHOWN:,} more"
    if len(sure) > len(found):
        words.append(f"{count(len(sure) - len(found), 'finding')} allowed by exceptions")
    if secrets.doubtful:
        words.append(f"{count(secrets.doubtful, 'finding')} in doubt not counted")
    number = len(found) + unlisted
    instructions = _instructions(found)
    if missed and not number:
        return _result(None, f"unknown: {_gap_words(gaps, missed, secrets)}", instructions)
    if missed:
        words.append(_gap_words(gaps, missed, secrets))
    return _result(number, "; ".join(words), instructions)


def _result(actual: int | None, message: str, instructions: tuple[int, ...] = ()) -> RuleResult:
    return RuleResult(
        rule=FORBID_SECRETS,
        limit=0,
        actual=actual,
        passed=actual == 0,
        message=message,
        unit="count",
        instructions=instructions,
    )


def _allowed(allows: Iterable[AllowSecret], rule: str, what: SecretFinding | SecretGap) -> bool:
    name = what.name if isinstance(what, SecretFinding) else None
    return any(allow.covers(rule, what.path, name) for allow in allows)


def _place(finding: SecretFinding) -> str:
    if finding.path is not None:
        return f"{finding.rule} in {_text(finding.path)}" + (
            " (deleted)" if finding.deleted else ""
        )
    return f"{finding.rule} in {finding.where}" + (f" {finding.name}" if finding.name else "")


def _text(path: bytes) -> str:
    return "/" + path.decode("utf-8", "backslashreplace")


def _gap_words(gaps: Sequence[SecretGap], missed: int, secrets: Secrets) -> str:
    first = (gaps or secrets.gaps)[0]
    place = f"layer {first.layer}" if first.path is None else _text(first.path)
    more = f" and {missed - 1:,} more" if missed > 1 else ""
    verb = "were" if missed > 1 else "was"
    return f"{place}{more} {verb} not searched ({first.reason})"


def _instructions(found: Iterable[SecretFinding]) -> tuple[int, ...]:
    """The instructions at fault, in the order of the findings."""
    indexes = (each.instruction for each in found if each.instruction is not None)
    return tuple(dict.fromkeys(indexes))
