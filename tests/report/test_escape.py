from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from layerscope.report.escape import escape, fit_end, fit_start, guard_line, is_hidden, pad
from layerscope.report.page import bar, wrap

texts = st.text(st.characters(codec=None), max_size=30) | st.text(
    "ab \x1b\u202e漢\u0301\n", max_size=30
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("C:\\new", "C:\\new"),
        ("ü 漢字 é", "ü 漢字 é"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x9b31m", "\\x9b31m"),
        ("\x1b]52;c;aGk=\x07", "\\x1b]52;c;aGk=\\x07"),
        ("a\nb\r\tc\0\x7f", "a\\nb\\r\\tc\\x00\\x7f"),
        ("exe\u202egnp", "exe\\u202egnp"),
        ("\u2066\u2069\u200b\u200d\ufeff\u2028", "\\u2066\\u2069\\u200b\\u200d\\ufeff\\u2028"),
        ("\ud800\udcff", "\\ud800\\udcff"),
        ("\U000e0041\U000e0100", "\\U000e0041\\U000e0100"),
        ("\u3164\u115f", "\\u3164\\u115f"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
        ("z" + "\u0301" * 6, "z" + "\u0301" * 4 + "\\u0301\\u0301"),
    ],
)
def test_characters_that_a_terminal_could_act_on_are_escaped(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(texts)
def test_escaping_leaves_nothing_hidden_and_is_idempotent(text: str) -> None:
    shown = escape(text)
    assert not any(is_hidden(character) for character in shown)
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in shown)
    assert escape(shown) == shown


@given(texts, st.integers(1, 40))
def test_fitted_text_fits_its_width(text: str, width: int) -> None:
    shown = escape(text)
    for fit in (fit_start, fit_end):
        fitted = fit(shown, width)
        assert cell_len(fitted) <= width
        assert fitted == shown if cell_len(shown) <= width else "…" in fitted
    assert cell_len(pad(fit_end(shown, width), width)) == width
    assert fit_start(shown, 0) == fit_end(shown, 0) == ("" if cell_len(shown) else shown)


def test_a_path_keeps_its_end_and_a_command_its_start() -> None:
    assert fit_end("/usr/lib/site.py", 8) == "…site.py"
    assert fit_start("RUN apt-get update", 8) == "RUN apt…"


@pytest.mark.parametrize(
    ("line", "guarded"),
    [
        ("::error::x", "\\x3a:error::x"),
        ("   ::add-mask::x", "   \\x3a:add-mask::x"),
        ("x ::error::", "x ::error::"),
        ("a ##[group]b", "a #\\x23[group]b"),
        ("##vso[task.complete]", "#\\x23vso[task.complete]"),
        ("# a heading ##", "# a heading ##"),
    ],
)
def test_no_line_is_a_command_for_a_ci_system(line: str, guarded: str) -> None:
    assert guard_line(line) == guarded


@given(texts, st.integers(2, 30))
def test_wrapped_lines_fit_and_lose_only_spaces(text: str, width: int) -> None:
    lines = list(wrap(text, width))
    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == escape(text).replace(" ", "")


@pytest.mark.parametrize(
    ("part", "whole", "drawn"),
    [
        (0, 10, ""),
        (10, 10, "████"),
        (5, 10, "██"),
        (1, 10**9, "▏"),
        (20, 10, "████"),
        (1, 0, ""),
        (3, 8, "█▌"),
    ],
)
def test_a_bar_is_proportional_and_never_empty_for_a_part(
    part: int, whole: int, drawn: str
) -> None:
    assert bar(part, whole, 4) == drawn
