from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from layerscope.analysis.budgets.budget import load_budget
from layerscope.analysis.budgets.judge import evaluate
from layerscope.analysis.model import Analysis, LiveFile
from layerscope.notes import Note
from layerscope.report.document.builder import build
from layerscope.report.document.rows import Document
from layerscope.report.escape import is_hidden
from layerscope.report.formats.format import Display
from layerscope.report.formats.renderers import RENDERERS
from tests.effort import examples
from tests.report.golden import check_golden
from tests.report.sample import make_analysis, python_app, wasted, with_facts

RULES = {"max_size": "200MB", "max_wasted_percent": 10, "max_layers": 6}
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def document_of(analysis: Analysis, rules: dict[str, object] | None = None) -> Document:
    verdict = None
    if rules:
        verdict = evaluate(load_budget(None, rules, directory=Path("/nonexistent")), analysis.facts)
    return build(analysis, verdict=verdict) | {"layerscope": "0.0.0"}


def rendered(name: str, document: Document, display: Display | None = None) -> str:
    out = io.StringIO()
    RENDERERS[name].create(display or Display()).render(document, out)
    return out.getvalue()


@pytest.mark.parametrize(
    "name", sorted(set(RENDERERS) - {"html"})
)  # its own test leaves out the style and the script
def test_golden(name: str) -> None:
    check_golden(
        f"python-app{RENDERERS[name].suffix}", rendered(name, document_of(python_app(), RULES))
    )


@pytest.mark.parametrize("width", [60, 80, 140])
def test_golden_text_of_other_widths(width: int) -> None:
    text = rendered("text", document_of(python_app(), RULES), Display(width=width))
    check_golden(f"python-app-{width}.txt", text)


def test_names_and_endings_are_unique() -> None:
    assert list(RENDERERS) == [each.name for each in RENDERERS.values()]
    assert len({each.suffix for each in RENDERERS.values()}) == len(RENDERERS)


@pytest.mark.parametrize("width", [1, 20, 40, 60, 80, 100, 160, 1000])
def test_text_keeps_within_its_columns(width: int) -> None:
    text = rendered("text", document_of(python_app(), RULES), Display(width=width))
    assert max(map(cell_len, text.splitlines())) <= max(40, min(160, width))


def test_colour_adds_nothing_but_colour() -> None:
    document = document_of(python_app(), RULES)
    plain = rendered("text", document)
    colored = rendered("text", document, Display(color=True))
    assert "\x1b" not in plain
    assert ANSI.search(colored)
    assert ANSI.sub("", colored) == plain


def test_rows_are_as_many_as_asked_for() -> None:
    document = document_of(python_app())
    text = rendered("text", document, Display(rows=1))
    assert "/app/data/model.bin" in text
    assert "/root/.cache/pip" not in text
    assert "13.6 MB  in others" in text
    assert "largest wasted" not in rendered("text", document, Display(rows=0))


def numbers(text: str) -> set[str]:
    return set(re.findall(r"\d[\d,.]* (?:B|[kMGT]B)\b", text))


def test_no_size_on_the_page_that_is_not_in_the_document() -> None:
    """Sizes in the text are sizes of the document, or what is left of one when rows of it are shown."""
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
def test_no_text_of_an_image_gets_out_of_line(
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


def test_a_stream_without_the_signs_gets_plain_ones() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace", newline="\n")
    RENDERERS["text"].create(Display()).render(document_of(python_app(), RULES), out)
    out.flush()
    text = raw.getvalue().decode("ascii")
    assert "####" in text
    assert "\\u" not in text


def test_an_image_without_anything() -> None:
    text = rendered("text", document_of(make_analysis([])))
    assert "no byte is wasted" in text
    assert "0 layers, 0 instructions" in text


def test_many_notes_are_told_in_sum() -> None:
    notes = [Note("odd", f"oddity {n}") for n in range(40)]
    text = rendered("text", document_of(with_facts(python_app(), notes=tuple(notes))))
    assert "oddity 11" in text
    assert "oddity 12" not in text
    assert "and 28 more" in text


def test_the_verdict_stands_last_and_tells_close_numbers_apart() -> None:
    analysis = make_analysis([("COPY a /", 200_000_001)])
    text = rendered("text", document_of(analysis, {"max_size": "200MB"}))
    assert "200,000,001 B of 200MB (200,000,000 B)" in text
    assert text.splitlines()[-1] == "verdict: fail (1 of 1 rules)"
    text = rendered("text", document_of(analysis, {"max_size": "201MB"}))
    assert text.splitlines()[-1] == "verdict: pass"
