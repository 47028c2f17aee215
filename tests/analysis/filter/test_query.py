"""The filter: the meaning of its words, and that the fast search finds the same as the slow one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.analysis.filter import texts as tui_texts
from layerscope.analysis.filter.query import BadQuery, parse
from layerscope.layers.entry import SYMLINK
from layerscope.tui.model import finder as tui_finder
from layerscope.tui.model.finder import Finder
from layerscope.tui.model.flags import both, select
from layerscope.tui.model.outline import Outline, TreeOutline
from layerscope.tui.model.view import ADDED, KINDS, MODIFIED, REMOVED, SAME, Scope, Totals, measure
from tests.tui.images import analysed, web_app
from tests.tui.test_rows import outline_of


def totals_of(outline: Outline) -> Totals:
    count = len(outline)
    return Totals(
        marks=bytearray([SAME]) * count,
        kinds=bytearray(count),
        size=[0] * count,
        gone=[0] * count,
        wasted=[0] * count,
        files=[0] * count,
        layer=[0] * count,
    )


def found(outline: Outline, text: str) -> set[str]:
    finder = Finder(outline, totals_of(outline))
    flags = finder.find(parse(text), bytearray([1]) * len(outline))
    return {outline.path(number).decode() for number, flag in enumerate(flags) if flag}


PATHS = ("usr/lib/libc.so.6", "usr/lib/README", "usr/bin/python3", "app/main.py", "app/lib/x y.py")


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("main", {"app/main.py"}),
        ("readme", {"usr/lib/README"}),
        ("README", {"usr/lib/README"}),
        ("ReadMe", set()),
        ("lib/", {"usr/lib/libc.so.6", "usr/lib/README", "app/lib/x y.py"}),
        ("/app", {"app", "app/main.py", "app/lib", "app/lib/x y.py"}),
        ("*.py", {"app/main.py", "app/lib/x y.py"}),
        ("app/*.py", {"app/main.py", "app/lib/x y.py"}),
        ("python?", {"usr/bin/python3"}),
        ("re:^usr/.*\\.so", {"usr/lib/libc.so.6"}),
        ("re:\\d$", {"usr/lib/libc.so.6", "usr/bin/python3"}),
        ('"x y"', {"app/lib/x y.py"}),
        ("lib .py", {"app/lib/x y.py"}),
        ("nothing-of-the-kind", set()),
        ("README\0python3", set()),
        ("/", {"usr", "usr/lib", "usr/bin", "app", "app/lib", *PATHS}),
        ("l/", set()),
        ("*", {"usr", "usr/lib", "usr/bin", "app", "app/lib", *PATHS}),
    ],
)
def test_each_kind_of_word_finds_its_paths(text: str, paths: set[str]) -> None:
    assert found(outline_of(PATHS), text) == paths


@pytest.mark.parametrize(
    "text",
    [">", ">x", "<1XB", "kind:odd", "type:odd", "layer:", "layer:x", "re:(", "re:" + "(" * 5000],
)
def test_an_invalid_filter_is_refused(text: str) -> None:
    with pytest.raises(BadQuery):
        parse(text)


@given(st.text(alphabet='ab*?["/:<>re. ', max_size=12))
def test_any_text_is_a_filter_or_a_bad_query(text: str) -> None:
    try:
        parse(text)
    except BadQuery:
        return


@given(
    st.lists(st.text(alphabet="abA/", min_size=1, max_size=6), min_size=1, max_size=30),
    st.text(alphabet="abA/", min_size=1, max_size=3),
)
def test_the_joined_search_agrees_with_a_test_of_each_path(paths: list[str], text: str) -> None:
    clean = ["/".join(part for part in path.split("/") if part) for path in paths]
    outline = outline_of([path for path in clean if path] or ["a"])
    names = found(outline, text)
    fold = text == text.lower()
    every = [outline.path(number).decode() for number in range(1, len(outline))]
    expected = {path for path in every if text in "/" + (path.lower() if fold else path)}
    assert names == expected


def test_kinds_sizes_types_and_layers_select_files(tmp_path: Path) -> None:
    with analysed(web_app(), tmp_path / "image.tar") as analysis:
        outline = TreeOutline(analysis.tree)
        totals = measure(outline, Scope("layer", 3, 3))
        shown = select(totals.marks, {ADDED, MODIFIED, REMOVED})
        finder = Finder(outline, totals)

        def paths(text: str) -> set[str]:
            flags = finder.find(parse(text, KINDS), shown)
            return {outline.path(number).decode() for number, flag in enumerate(flags) if flag}

        assert paths("kind:modified") == {"app/data/model.bin", "app/main.py"}
        assert paths(">1MB") == {"app/data/model.bin"}
        assert paths("kind:modified <1kB") == {"app/main.py"}
        assert paths("type:symlink") == set()
        assert paths("layer:3 type:file") == {"app/data/model.bin", "app/main.py"}
        assert paths("kind:removed") == set()


def test_a_single_file_is_tested_with_the_same_words() -> None:
    assert parse("*.PY").holds(b"/app/MAIN.PY", 5, (1,))
    assert not parse("*.PY").holds(b"/app/main.py", 5, (1,))
    assert parse("/app >4 layer:1").holds(b"app/main.py", 5, (1, 2))
    assert not parse(">5").holds(b"app/main.py", 5, (1,))
    assert not parse("layer:3").holds(b"app/main.py", 5, (1,))


def test_type_and_wasted_select_single_files_too() -> None:
    assert parse("type:symlink").holds(b"bin", 0, (0,), type=SYMLINK)
    assert not parse("type:symlink").holds(b"bin/sh", 5, (0,))
    assert parse("kind:wasted").holds(b"a", 5, (0,), wasted=True)
    assert not parse("kind:wasted").holds(b"a", 5, (0,))


def test_a_list_without_marks_refuses_the_kinds_of_a_view() -> None:
    with pytest.raises(BadQuery, match="only the browser marks changes"):
        parse("kind:added")


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_both_sets_the_flags_that_are_in_both(one: bytes, other: bytes) -> None:
    size = min(len(one), len(other))
    left, right = (bytearray(byte & 1 for byte in each[:size]) for each in (one, other))
    assert both(left, right) == bytearray(a & b for a, b in zip(left, right, strict=True))


def test_a_slow_search_reports_its_first_hits_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tui_finder, "PATIENCE", -1)
    monkeypatch.setattr(tui_texts, "PIECE", 2)
    outline = outline_of(PATHS)
    told: list[bytes] = []
    every = bytearray([1]) * len(outline)
    finder = Finder(outline, totals_of(outline), partly=lambda flags: told.append(bytes(flags)))
    found = finder.find(parse("lib re:[a-z]\\.(so|py)"), every)
    assert found.count(1) == 2
    (first,) = told
    assert both(bytearray(first), found) == first, "no more than is found in the end"
    assert first != found
    finder.find(parse("lib"), every)
    assert len(told) == 1, "without a pattern it is never long"
