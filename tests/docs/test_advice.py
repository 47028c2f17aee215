"""Every rule of advice has a page that says what, why, how, and when not, and a proof."""

from __future__ import annotations

import re

import pytest

from layerscope.analysis.advice.advise import RULES
from layerscope.analysis.advice.rule import Rule
from layerscope.image.dockerfile import parse_dockerfile
from tests.docs.pages import ROOT, blocks

PAGES = ROOT / "docs" / "advice"
PROOFS = ROOT / "tests" / "proofs"
IDS = [rule.id for rule in RULES]
HEADINGS = ["Why", "How to fix it", "When to ignore it"]
KEYWORDS = {"ADD", "CMD", "COPY", "ENV", "FROM", "RUN", "WORKDIR"}


def test_each_rule_has_a_page_and_a_proof_and_nothing_else_has() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.md")) == sorted(IDS)
    assert sorted(path.name for path in PROOFS.iterdir() if path.is_dir()) == sorted(IDS)


@pytest.mark.parametrize("rule", RULES, ids=IDS)
def test_a_page_shows_the_change(rule: Rule) -> None:
    page = PAGES / f"{rule.id}.md"
    text = page.read_text()
    assert text.startswith(f"# {rule.title}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert f"--no-advice {rule.id}" in text
    before, after = (block.text for block in blocks(page, "dockerfile"))
    assert before != after
    for dockerfile in (before, after):
        steps = parse_dockerfile(dockerfile)
        assert steps[0].keyword == "FROM"
        assert {step.keyword for step in steps} <= KEYWORDS


def test_the_overview_lists_the_rules_in_their_order() -> None:
    text = (ROOT / "docs" / "advice.md").read_text()
    rows = re.findall(
        r"^\| \[`([a-z-]+)`\]\(advice/([a-z-]+)\.md\) \| (.+) \|$", text, re.MULTILINE
    )
    assert rows == [(rule.id, rule.id, rule.title) for rule in RULES]
