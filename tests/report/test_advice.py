from __future__ import annotations

import html

import pytest

from layerscope.report.document.builder import build
from tests.report.pictured import written
from tests.report.sample import based, make_analysis, wasted


@pytest.mark.parametrize(
    ("layers", "waste", "words"),
    [
        (None, [], "no byte is wasted"),
        (None, [("/a", 5_000, 0, 2)], "only 5.0 kB are wasted"),
        (3, [], "all content comes from corp:1"),
        (
            3,
            [("/a", 700_000, 0, 1)],
            "all content comes from corp:1, and the 700.0 kB that corp:1 wastes need another base image",
        ),
        (
            2,
            [("/a", 700_000, 0, 1)],
            "own instructions waste no byte, and the 700.0 kB that corp:1 wastes need another base image",
        ),
    ],
)
def test_a_report_without_advice_says_why(
    layers: int | None, waste: list[tuple[str, int, int, int]], words: str
) -> None:
    steps = [("ADD a /", 1_000_000), ("RUN b", 900_000), ("RUN c", 1_000_000)]
    analysis = make_analysis(steps, [wasted(*each) for each in waste])
    if layers is not None:
        analysis = based(analysis, layers=layers, name="corp:1")
    document = build(analysis)
    assert document["advice"] == []
    for name in ("text", "markdown", "html"):
        assert words in html.unescape(" ".join(written(name, document).split()))
