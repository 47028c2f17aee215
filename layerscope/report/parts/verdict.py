"""The verdict of a report as text. Scripts can look for the last line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.analysis.budgets.rules import LOWER_LIMITS
from layerscope.report.escape import cell_width, pad
from layerscope.report.page import Page, Span
from layerscope.report.words import is_skipped, rule_numbers, rule_word, verdict_words
from layerscope.units import count, format_size

if TYPE_CHECKING:
    from layerscope.report.document.rows import AllowedRow, ReportDocument, RuleRow


def write_verdict(page: Page, document: ReportDocument) -> None:
    """Write a line for each rule, then `verdict: pass` or `verdict: fail (2 of 5 rules)`."""
    verdict = document["verdict"]
    rules = verdict["rules"]
    numbers = [_numbers(rule) for rule in rules]
    names = max((len(rule["rule"]) for rule in rules), default=0)
    columns = max((cell_width(text) for text in numbers), default=0)
    for rule, text in zip(rules, numbers, strict=True):
        word = _word(rule)
        start = 8 + names + 3
        line: list[Span] = ["  ", word, "  ", pad(rule["rule"], names), "   "]
        message = f"({rule['message']})" if rule["passed"] and rule["message"] else rule["message"]
        if start + columns + 3 + cell_width(message) <= page.width:
            page.line(*line, pad(text, columns), "   ", message)
            continue
        if start + columns <= page.width:
            page.line(*line, text)
        else:
            page.line(*line)
            start = 10
            page.paragraph(text, indent=start)
        if message:
            page.paragraph(message, indent=start)
    for row in verdict.get("allowed", ()):
        page.paragraph(_exception(row), indent=8, head=("allow ", "dim"))
    style = "good" if verdict["passed"] else "bad"
    page.line((f"verdict: {verdict_words(document)}", style))


def _numbers(rule: RuleRow) -> str:
    """`168.9 MB of 200MB`, with enough digits to tell the two apart."""
    actual, limit = rule_numbers(rule)
    if is_skipped(rule):
        return f"limit {limit}"
    return f"{actual}{', at least ' if rule['rule'] in LOWER_LIMITS else ' of '}{limit}"


_STYLES = {"pass": "good", "skip": "waste", "warn": "waste", "FAIL": "bad"}


def _word(rule: RuleRow) -> tuple[str, str]:
    word = rule_word(rule)
    return word, _STYLES[word]


def _exception(row: AllowedRow) -> str:
    until = f" until {row['until']}" if row["until"] else ""
    files = count(row["files"], "wasted file")
    return f"{row['name']}: {format_size(row['bytes'])} in {files} allowed{until}: {row['reason']}"
