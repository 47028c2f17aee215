"""The verdict of a report as lines for people, the last of which a script can look for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from layerscope.analysis.rules import RULES
from layerscope.report.escape import cell_width, pad
from layerscope.report.page import Page, Span
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.report.document import Document


def write_verdict(page: Page, document: Document) -> None:
    """One line a rule, then `verdict: pass` or `verdict: fail (2 of 5 rules)`."""
    verdict = document["verdict"]
    rules = verdict["rules"]
    numbers = [_numbers(rule) for rule in rules]
    names = max((len(rule["rule"]) for rule in rules), default=0)
    columns = max((cell_width(text) for text in numbers), default=0)
    for rule, text in zip(rules, numbers, strict=True):
        word = ("pass", "good") if rule["passed"] else ("FAIL", "bad")
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
    broken = sum(not rule["passed"] for rule in rules)
    if verdict["passed"]:
        page.line(("verdict: pass", "good"))
    else:
        page.line((f"verdict: fail ({broken} of {len(rules)} rules)", "bad"))


def _numbers(rule: dict[str, Any]) -> str:
    """`168.9 MB of 200.0 MB`, with as many digits as it takes to tell the two apart."""
    known = RULES.get(rule["rule"])
    quantity = known.quantity if known else ""
    between = " of " if known is None or known.upper else ", at least "
    actual, limit = rule["actual"], rule["limit"]
    if actual is None:
        return f"unknown{between}{_short(limit, quantity)}"
    texts = _short(actual, quantity), _short(limit, quantity)
    if texts[0] == texts[1] and actual != limit:
        texts = _exact(actual, quantity), _exact(limit, quantity)
    return f"{texts[0]}{between}{texts[1]}"


def _short(value: float, quantity: str) -> str:
    if quantity == "size":
        return format_size(int(value))
    if quantity in ("percent", "share"):
        return f"{100 * value if quantity == 'share' else value:.1f} %"
    return f"{value:,}"


def _exact(value: float, quantity: str) -> str:
    if quantity == "size":
        return f"{int(value):,} B"
    if quantity in ("percent", "share"):
        return f"{100 * value if quantity == 'share' else value:.12g} %"
    return f"{value:,}"
