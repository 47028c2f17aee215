"""How dead weight differs between two images."""

from __future__ import annotations

import io
from dataclasses import replace

from layerscope.analysis.comparison.compare import compare
from layerscope.analysis.comparison.side import Side
from layerscope.report.comparison.document import build
from layerscope.report.comparison.renderers import COMPARISON_RENDERERS
from layerscope.report.formats.format import Display
from tests.analysis.images import analysis_of

BEFORE = {"usr/share/doc/a/README": b"d" * 1_000, "var/log/a.log": b"l" * 500}
AFTER = {"usr/share/doc/a/README": b"d" * 3_000, "usr/share/man/man1/a.1": b"m" * 200}


def rendered(name: str, document: object) -> str:
    out = io.StringIO()
    COMPARISON_RENDERERS[name].create(Display()).render(document, out)  # type: ignore[arg-type]
    return out.getvalue()


def test_a_comparison_says_by_how_much_each_kind_grew() -> None:
    a, b = Side.of(analysis_of(BEFORE)), Side.of(analysis_of(AFTER))
    document = build(compare(a, b))
    weight = document["dead_weight"]
    assert weight["total"] == {"a": 1_500, "b": 3_200, "delta": 1_700}
    assert [(row["kind"], row["a"], row["b"], row["delta"]) for row in weight["kinds"]] == [
        ("docs", 1_000, 3_000, 2_000),
        ("logs", 500, 0, -500),
        ("man_pages", 0, 200, 200),
    ]
    text = rendered("text", document)
    assert "dead weight  documentation +2.0 kB, logs −500 B, man pages +200 B" in text
    assert "\ndead_weight," in rendered("csv", document)


def test_unknown_dead_weight_is_null() -> None:
    known, other = Side.of(analysis_of(BEFORE)), Side.of(analysis_of(AFTER))
    weight = build(compare(known, replace(other, weight=None)))["dead_weight"]
    assert weight["total"] == {"a": 1_500, "b": None, "delta": None}
    assert {row["delta"] for row in weight["kinds"]} == {None}
