"""The one pass over a text that tells which rules are tried with it."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from layerscope.secrets.expressions import compiled
from layerscope.secrets.gitleaks import engine
from layerscope.secrets.prefilter import BLOCK, MARGIN, MOST_MATCHES, quick_expressions
from layerscope.secrets.search import search_bytes
from tests.effort import examples
from tests.secrets.tokens import Maker

QUICK = sorted(quick_expressions())
make = Maker()


def test_every_quick_expression_belongs_to_a_rule_as_it_is() -> None:
    rules = {(rule.name, rule.pattern.text) for rule in engine().rules}
    assert set(QUICK) <= rules


@pytest.mark.slow
@pytest.mark.parametrize(("name", "text"), QUICK, ids=[name for name, _ in QUICK])
def test_a_quick_expression_matches_wherever_its_rule_does(name: str, text: str) -> None:
    """Texts are drawn from the rule's expression as Python understands it, in any case, and RE2 has the last word."""
    pythonic = text.replace("(?-i:", "(?:").replace("(?i)", "").replace("(?i:", "(?:")
    drawn = st.from_regex(re.compile(pythonic.replace(r"\z", r"\Z").encode(), re.ASCII))
    rule, quick = compiled(text), compiled(quick_expressions()[name, text].expression)

    @settings(max_examples=examples(200), deadline=None, suppress_health_check=list(HealthCheck))
    @given(drawn, st.sampled_from([bytes, bytes.upper, bytes.lower, bytes.swapcase]))
    def check(data: bytes, case: type[bytes]) -> None:
        data = case(data)
        match = rule.search(data)
        assume(match is not None)
        found = quick.search(data, max(0, match.start() - 1), match.end())
        assert found is not None
        assert found.end() <= match.end()

    check()


@pytest.mark.parametrize("place", [0, BLOCK - 20, BLOCK - 1, BLOCK, 3 * BLOCK - 7, 9 * BLOCK])
def test_a_token_is_found_wherever_the_blocks_of_a_long_text_meet(place: int) -> None:
    random.seed(place)
    lines = b"".join(b"%030x\n" % random.getrandbits(120) for _ in range(10 * BLOCK // 31))
    token, key = make.github().encode(), f'api_key = "{make.letters(32)}"'.encode()
    place -= place % 31
    data = lines[:place] + token + b"\n" + key + b"\n" + lines[place:]
    line = place // 31 + 1
    found = {(hit.line, hit.rule) for hit in search_bytes(data, b"app/settings.txt").hits}
    assert found == {(line, "github-pat"), (line + 1, "generic-api-key")}


def test_a_private_key_that_spans_blocks_is_found_once() -> None:
    body = "\n".join(make.letters(64) for _ in range(MARGIN // 2 // 65))
    key = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"
    data = b"#\n" * (BLOCK // 2 - 100) + key.encode()
    hits = search_bytes(data, b"app/settings.txt").hits
    assert [(hit.line, hit.rule) for hit in hits] == [(BLOCK // 2 - 99, "private-key")]


def test_secrets_without_number_end_the_search_of_a_text() -> None:
    data = f"{make.github()}\n".encode() * (MOST_MATCHES + 5)
    assert not search_bytes(data, b"app/tokens.txt").complete
