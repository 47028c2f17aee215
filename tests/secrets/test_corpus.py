"""Precision and recall on the corpus, which `benchmarks/secrets.py` compares with other tools."""

from __future__ import annotations

import pytest

from layerscope.secrets.search import search_bytes
from tests.secrets.corpus import corpus

Places = set[tuple[str, int]]


def found_in(seed: int) -> tuple[Places, Places]:
    """The lines that are found, without those in doubt, and the lines with a secret."""
    cases = corpus(seed)
    found = {
        (case.path, hit.line)
        for case in cases
        for hit in search_bytes(case.text.encode(), case.path.partition("/")[2].encode()).hits
        if not hit.doubt
    }
    return found, {(case.path, line) for case in cases for line in case.secrets}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nearly_all_secrets_are_found_and_hardly_anything_else(seed: int) -> None:
    found, secrets = found_in(seed)
    assert len(secrets) > 100
    assert len(found & secrets) >= 0.97 * len(secrets)
    assert len(found - secrets) <= 0.02 * len(found)


def test_the_same_seed_gives_the_same_corpus() -> None:
    assert corpus(7) == corpus(7)
    assert corpus(7) != corpus(8)
    assert len({case.path for case in corpus(7)}) == len(corpus(7))
