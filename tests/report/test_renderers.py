from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from layerscope.analysis.budgets.budget import load_budget
from layerscope.analysis.budgets.judge import evaluate
from layerscope.analysis.model import Analysis, LiveFile
from layerscope.notes import Note
from layerscope.report.document.builder import build
from layerscope.report.escape import is_hidden
from layerscope.report.formats.format import Display
from layerscope.report.formats.renderers import RENDERERS
from tests.effort import examples
from tests.report.golden import check_golden
from tests.report.sample import make_analysis, python_app, wasted, with_facts

RULES = {"max_size": "200MB", "max_wasted_percent": 10, "max_layers": 6}
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def document_of(analysis: Analysis, rules: dict[str, object] | None = None) -> Any:
    verdict = None
    if rules:
        verdict = evaluate(load_budget(None, rules, directory=Path("/nonexistent")), analysis.facts)
    return build(analysis, verdict=verdict) | {"layerscope": "0.0.0"}


def rendered(name: str, document: Any, display: Display | None = None) -> str:
    out = io.StringIO()
    RENDERERS[name].create(display or Display()).render(document, out)
    return out.getvalue()


@pytest.mark.parametrize(
    "name", sorted(set(RENDERERS) - {"html"})
)  # its own test leaves out the style and the script
def test_each_format_matches_its_golden_file(name: str) -> None:
    check_golden(
        f"python-app{RENDERERS[name].suffix}", rendered(name, document_of(python_app(), RULES))
    )


@pytest.mark.parametrize("width", [60, 80, 140])
def test_text_of_other_widths_matches_its_golden_file(width: int) -> None:
    text = rendered("text", document_of(python_app(), RULES), Display(width=width))
    check_golden(f"python-app-{width}.txt", text)


def test_format_names_and_extensions_are_unique() -> None:
    assert list(RENDERERS) == [each.name for each in RENDERERS.values()]
    assert len({each.suffix for each in RENDERERS.values()}) == len(RENDERERS)


@pytest.mark.parametrize("width", [1, 20, 40, 60, 80, 100, 160, 1000])
def test_text_fits_its_width(width: int) -> None:
    text = rendered("text", document_of(python_app(), RULES), Display(width=width))
    assert max(map(cell_len, text.splitlines())) <= max(40, min(160, width))


def test_color_adds_nothing_but_color() -> None:
    document = document_of(python_app(), RULES)
    plain = rendered("text", document)
    colored = rendered("text", document, Display(color=True))
    assert "\x1b" not in plain
    assert ANSI.search(colored)
    assert ANSI.sub("", colored) == plain


def test_the_number_of_rows_is_honored() -> None:
    document = document_of(python_app())
    text = rendered("text", document, Display(rows=1))
    assert "/app/data/model.bin" in text
    assert "/root/.cache/pip" not in text
    assert "13.6 MB  in others" in text
    assert "largest wasted" not in rendered("text", document, Display(rows=0))


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d[\d,.]* (?:B|[kMGT]B)\b", text))


def test_every_size_in_the_text_is_in_the_document() -> None:
    """Sizes in the text are sizes in the document, or the rest of one after some rows are shown."""
    from layerscope.units import format_size

    document = document_of(python_app())
    known: set[str] = set()

    def collect(value: object) -> None:
        if isinstance(value, dict):
            for each in value.values():
                collect(each)
        elif isinstance(value, list):
            for each in value:
                collect(each)
        elif isinstance(value, int):
            known.add(format_size(value))

    collect(json.loads(rendered("json", document)))
    shown = sum(row["bytes"] for row in document["largest"])
    known.add(format_size(document["sizes"]["live"] - shown))
    assert numbers(rendered("text", document)) <= known


hostile = st.lists(
    st.sampled_from(
        [*"ab []/#\\\x1b\x9b\r\n\t\0\u202e\u2066\u200b\u2028\u0301漢é\ud800", "::", "##[", "##vso["]
    )
    | st.characters(codec=None),
    max_size=40,
).map("".join)


@settings(max_examples=examples(60), deadline=None)
@given(hostile, hostile, hostile, st.sampled_from([40, 80, 120]), st.booleans())
def test_text_from_an_image_stays_on_its_line(
    reference: str, step: str, name: str, width: int, color: bool
) -> None:
    path = name.encode("utf-8", "surrogatepass")
    analysis = make_analysis(
        [(step, 5000), (f"RUN {step}", 500)],
        [wasted(path, 4000, 0, 1), wasted(path + b"2", 500, 0, 1, "metadata_only", ["mode"])],
        largest=[LiveFile(path=path, bytes=10, layer=0, written_by=0)],
        notes=[Note("odd", name.replace("\n", " "), 0, path)],
        reference=reference,
    )
    usual = make_analysis(
        [("a", 5000), ("RUN a", 500)],
        [wasted("a", 4000, 0, 1), wasted("a2", 500, 0, 1, "metadata_only", ["mode"])],
    )
    document = document_of(analysis, RULES)
    text = ANSI.sub("", rendered("text", document, Display(width=width, color=color)))
    for line in text.split("\n"):
        assert not any(is_hidden(character) for character in line)
        assert not line.lstrip().startswith("::")
        assert "##[" not in line
    assert len(rendered("text", document_of(usual, RULES)).split("\n")) <= len(text.split("\n"))
    rendered("json", document).encode("ascii")


def test_a_stream_that_cannot_encode_bars_gets_ascii() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace", newline="\n")
    RENDERERS["text"].create(Display()).render(document_of(python_app(), RULES), out)
    out.flush()
    text = raw.getvalue().decode("ascii")
    assert "####" in text
    assert "\\u" not in text


def test_an_empty_image_has_a_report() -> None:
    text = rendered("text", document_of(make_analysis([])))
    assert "no byte is wasted" in text
    assert "0 layers, 0 instructions" in text


def test_many_notes_are_summed_up() -> None:
    notes = [Note("odd", f"oddity {n}") for n in range(40)]
    text = rendered("text", document_of(with_facts(python_app(), notes=tuple(notes))))
    assert "oddity 11" in text
    assert "oddity 12" not in text
    assert "and 28 more" in text


def test_the_verdict_comes_last_and_distinguishes_close_numbers() -> None:
    analysis = make_analysis([("COPY a /", 200_000_001)])
    text = rendered("text", document_of(analysis, {"max_size": "200MB"}))
    assert "200,000,001 B of 200MB (200,000,000 B)" in text
    assert text.splitlines()[-1] == "verdict: fail (1 of 1 rules)"
    text = rendered("text", document_of(analysis, {"max_size": "201MB"}))
    assert text.splitlines()[-1] == "verdict: pass"
