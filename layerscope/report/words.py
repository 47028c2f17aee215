"""The words and numbers of a report, the same in every human-readable format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from layerscope.analysis import words
from layerscope.analysis.base_instructions import Step, base_range, own_steps
from layerscope.analysis.budgets.rules import LOWER_LIMITS, RULES
from layerscope.analysis.mentions import short_command
from layerscope.analysis.model import WASTE_KINDS, WasteKind
from layerscope.report.escape import escape, fit_start
from layerscope.units import format_size, parse_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import (
        AnalysisDocument,
        HeadInstructionRow,
        InstructionRow,
        ReportDocument,
        RuleRow,
        WasteGroupRow,
        WastePairRow,
        WasteRow,
    )


_SPACE = re.compile(r"[ \t\r\n]+")


def one_line(text: str, width: int | None = None) -> str:
    """Text from an image on one line, control and invisible characters escaped, cut to `width` columns if given."""
    line = escape(_SPACE.sub(" ", text).strip())
    return line if width is None else fit_start(line, width)


def instruction_text(row: InstructionRow | HeadInstructionRow, width: int | None = None) -> str:
    """The text of an instruction, as written in the Dockerfile if that's known."""
    text = row["text"] if width is None else short_command(row["text"])
    return one_line(text, width) or one_line(row["created_by"], width) or "–"


def base_instructions(document: ReportDocument) -> range:
    """The instructions of the base image: all before the Dockerfile's own first one; none if it is unknown."""
    if "base" not in document:
        return range(0)
    owners = [row["instruction"] for row in document["layers"] if row.get("base")]
    steps = (
        Step(
            row["index"],
            row["location"] is not None,
            row["created_by"],
            row["comment"],
            None if row["range"] is None else (row["range"][0], row["range"][1]),
        )
        for row in document["instructions"]
    )
    return base_range(owners, own_steps(steps, owners, document["base"]["evidence"]))


def base_name(document: AnalysisDocument) -> str:
    """The base image's name, without its digest."""
    name = document["base"]["name"] if "base" in document else None
    return one_line((name or "the base image").partition("@")[0], 60)


def has_lines(document: ReportDocument) -> bool:
    """Whether the origin of any instruction is known: a line of the Dockerfile, or the base image."""
    return "base" in document or any(row["location"] for row in document["instructions"])


def line_number(row: InstructionRow | HeadInstructionRow) -> str:
    """The line that an instruction begins at, or the first and last line of several in one layer; empty if unknown."""
    place = row["location"]
    if place is None:
        return ""
    if row["range"] is None or place["start_line"] == place["end_line"]:
        return str(place["start_line"])
    return f"{place['start_line']}–{place['end_line']}"


def blame(row: WasteRow | WasteGroupRow | WastePairRow) -> str:
    """`rewritten by 11 (owner only)`."""
    return words.blame_words(row["kind"], row["wasted_by"], row.get("changed", ()))


def group_path(row: WasteGroupRow) -> str:
    """The path of a row of `waste_groups`. A trailing slash means all files below it."""
    path = one_line(row["path"])
    return path if row["files"] == 1 or path == "/" else f"{path}/"


def short_digest(digest: str) -> str:
    """`sha256:4f1a5b6c7d8e`."""
    algorithm, _, value = digest.partition(":")
    return f"{algorithm}:{value[:12]}"


def rule_numbers(rule: RuleRow) -> tuple[str, str]:
    """A rule's measured value and its limit as written. Both are exact if rounding would hide the difference."""
    unit = rule_unit(rule)
    actual, limit = rule["actual"], rule["limit"]
    written = _written(rule, unit)
    if is_skipped(rule):
        return "–", written
    if actual is None:
        return "unknown", written
    share = unit == "share" and "%" not in written
    found = _number(actual, unit, share=share)
    if actual == limit or not _rounds_to(found, actual, limit, unit, share=share):
        return found, written
    exact = _number(limit, unit, exact=True, share=share)
    if unit == "bytes" and written != exact:
        written = exact if written == format_size(int(limit)) else f"{written} ({exact})"
    elif unit != "bytes" and "written" not in rule:
        written = exact
    return _number(actual, unit, exact=True, share=share), written


def _written(rule: RuleRow, unit: str) -> str:
    """The limit as its author wrote it, with its unit. Old reports have only the number."""
    text = one_line(str(rule.get("written", "")))
    if not text:
        return _number(rule["limit"], unit)
    bare = text.replace(".", "", 1).isdigit()
    if bare and unit == "bytes":
        return f"{int(rule['limit']):,} B"
    return f"{text} %" if bare and unit == "percent" else text


def _rounds_to(found: str, actual: float, limit: float, unit: str, *, share: bool) -> bool:
    """Whether a number looks equal to the limit once it is rounded."""
    if found == _number(limit, unit, share=share):
        return True
    return unit == "bytes" and actual >= 0 and parse_size(found) == limit


def rule_unit(rule: RuleRow) -> str:
    """The unit of a rule's numbers. Old reports have no unit, so it follows from the rule's name."""
    known = RULES.get(rule["rule"])
    unit = rule.get("unit") or (known.quantity if known else "count")
    return "bytes" if unit == "size" else str(unit)


def _number(value: float, unit: str, *, exact: bool = False, share: bool = False) -> str:
    """A number as text. `share` writes 0.95 instead of 95 %."""
    if unit == "bytes":
        return f"{int(value):,} B" if exact else format_size(int(value))
    if share:
        return f"{value:.12g}" if exact else f"{value:.3f}".rstrip("0").rstrip(".")
    if unit in ("percent", "share"):
        percent = 100 * value if unit == "share" else value
        return f"{percent:.12g} %" if exact else f"{percent:.1f} %"
    return f"{value:,}"


def rule_bound(rule: RuleRow) -> str:
    """Whether the limit is a lower or an upper one: `at least` or `at most`."""
    return "at least" if rule["rule"] in LOWER_LIMITS else "at most"


def rule_sentence(rule: RuleRow) -> str:
    """`max_size: 168.9 MB, allowed is at most 150MB`, or that the rule was skipped."""
    actual, limit = rule_numbers(rule)
    name = one_line(rule["rule"])
    if is_skipped(rule):
        return f"{name}: skipped, the limit is {rule_bound(rule)} {limit}"
    return f"{name}: {actual}, allowed is {rule_bound(rule)} {limit}"


def is_skipped(rule: RuleRow) -> bool:
    """Whether a rule had nothing to measure from. It neither passes nor fails the verdict."""
    return bool(rule.get("skipped"))


def is_broken(rule: RuleRow) -> bool:
    """Whether a rule was evaluated and is broken, at any level."""
    return not rule["passed"] and not is_skipped(rule)


def is_warning(rule: RuleRow) -> bool:
    """Whether a broken rule only warns."""
    return rule.get("level") == "warn"


def rule_word(rule: RuleRow) -> str:
    """`pass`, `skip`, `warn`, or `FAIL`."""
    if is_skipped(rule):
        return "skip"
    if rule["passed"]:
        return "pass"
    return "warn" if is_warning(rule) else "FAIL"


def wasted_kinds(document: AnalysisDocument) -> list[tuple[WasteKind, int]]:
    """The kinds of waste with bytes, largest first."""
    wasted = document["wasted_by_kind"]
    kinds = [(kind, wasted[kind]) for kind in WASTE_KINDS if wasted[kind]]
    return sorted(kinds, key=lambda item: -item[1])


def rules_of(document: ReportDocument) -> list[RuleRow]:
    """The rules of the verdict; none if no rule was given."""
    return document["verdict"]["rules"] if "verdict" in document else []


def verdict_words(document: ReportDocument) -> str:
    """`pass`, `pass (1 of 3 rules skipped)`, or `fail (2 of 5 rules, 1 skipped)`."""
    verdict = document["verdict"]
    words = [rule_word(rule) for rule in verdict["rules"]]
    broken, warned, skipped = (words.count(word) for word in ("FAIL", "warn", "skip"))
    parts = []
    if broken:
        parts.append((broken, "", ""))
    if warned:
        parts.append(
            (
                warned,
                " warns" if warned == 1 else " warn",
                " only warns" if warned == 1 else " only warn",
            )
        )
    if skipped:
        parts.append((skipped, " skipped", " skipped"))
    if not parts:
        return "pass" if verdict["passed"] else "fail"
    number, first, _ = parts[0]
    text = f"{number} of {len(words)} rules{first}"
    text += "".join(f", {number}{more}" for number, _, more in parts[1:])
    return f"{'pass' if verdict['passed'] else 'fail'} ({text})"
