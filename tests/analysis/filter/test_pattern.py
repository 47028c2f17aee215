"""Globs and regular expressions: the fast search finds the same as the slow one."""

from __future__ import annotations

import fnmatch
import re
import warnings

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from layerscope.analysis.filter import texts as joined
from layerscope.analysis.filter.pattern import Pattern, expression, glob, needles_of, plain
from layerscope.analysis.filter.texts import Texts

PIECES = st.sampled_from(
    [
        *("a", "b", "ab", "\\.", ".", "/", "é", "\n", "-", "_", "}", "]", "2"),
        *("*", "+", "?", "*?", "+?", "{2}", "{,1}", "{", "{}", "|", "^", "$"),
        *("\\d", "\\w", "\\S", "\\b", "\\x61", "\\141", "\\1", "\\\\", "\\[", "\\("),
        *("(", ")", "(?:", "(?i)", "(?s)", "(?i:", "(?=", "(?!", "(?<!", "(?P<n>", "(?#[)"),
        *("[ab]", "[^a]", "[]a]", "[^]a]", "[\\]a]", "[a", ".*", ".*?", ".*a"),
    ]
)
EXPRESSIONS = st.lists(PIECES, max_size=8).map("".join)
TEXTS = st.text(alphabet="abAB2./é\n-_}]d[(\\{", max_size=12)


def compiled(text: str) -> re.Pattern[bytes]:
    """The expression compiled by `re`. Invalid ones are skipped."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return re.compile(text.encode())
        except (re.error, OverflowError):
            assume(False)
            raise


def found(pattern: Pattern, texts: list[bytes], among: bytes = b"") -> list[bool]:
    """Whether the pattern matches each text, or each one flagged in `among` if given."""
    if pattern.folded:
        texts = [text.lower() for text in texts]
    flags = bytearray()
    for start, some in Texts.of(texts, len(texts)).find(
        pattern, bytearray(among or b"\1" * len(texts))
    ):
        assert start == len(flags)
        flags += some
    return [bool(flag) for flag in flags]


@pytest.fixture(params=[0, 2, 1 << 12], ids=["looked at", "either", "searched"])
def dense(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use small pieces, and vary how many occurrences make a needle useless."""
    monkeypatch.setattr(joined, "PIECE", 3)
    monkeypatch.setattr(joined, "_DENSE", request.param)


FIXED = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
"""Most random texts are not valid expressions. Those are skipped."""


@FIXED
@given(EXPRESSIONS, st.lists(TEXTS, min_size=1, max_size=8))
@example(".*|b", ["", "b"])
@example("a(?#[)*", [""])
@example(".*+b", ["ab"])
@example(".*\\d+?\\.2", ["2.2", ".2"])
@example("[]a]+b", ["]b", "b"])
@example("\\d*|b", [""])
@example("\\d++2", ["22"])
@example("\\x61bc", ["abc", "1bc"])
@example("(?ai)ab", ["AB"])
@example("a{2}b", ["aab"])
@example("(a|b)c|d", ["ac", "d"])
@example("[(]ab)?", ["(ab)"])
@pytest.mark.usefixtures("dense")
def test_an_expression_finds_what_re_finds(text: str, paths: list[str]) -> None:
    search = compiled(text).search
    pattern = expression(text)
    texts = [path.encode() for path in paths]
    searched = [text.lower() for text in texts] if pattern.folded else texts
    assert found(pattern, texts) == [search(each) is not None for each in searched]
    assert [pattern.holds(text) for text in texts] == found(pattern, texts)


@FIXED
@given(EXPRESSIONS, st.data())
def test_every_match_contains_the_needles(text: str, data: st.DataObject) -> None:
    search = compiled(text)
    needles = [needle.encode() for needle in needles_of(text)]
    assume(needles and "(?i" not in text)  # which Hypothesis cannot draw from bytes
    path = b"\0" + data.draw(st.from_regex(search))
    assert all(needle in path for needle in needles)


@pytest.mark.parametrize(
    ("text", "needles"),
    [
        ("e_1\\d\\.py$", ["e_1", ".py"]),
        ("^usr/lib/.*\\.so\\.\\d+", ["\0usr/lib/", ".so."]),
        ("(usr|opt)/local", ["/local"]),
        ("[abc]+main\\(", ["main("]),
        ("colou?r", ["colo", "r"]),
        ("\\d+", []),
        ("a|b", []),
        ("(?i)readme", []),
        ("(?m)^readme", []),
    ],
)
def test_needles_are_texts_that_every_match_contains(text: str, needles: list[str]) -> None:
    assert needles_of(text) == needles


GLOBS = st.lists(
    st.sampled_from(["a", "b", "ab", "*", "?", "[ab]", "[!a]", "[", "]", "/", "."]),
    min_size=1,
    max_size=7,
).map("".join)


@FIXED
@given(GLOBS, st.lists(st.text(alphabet="ab./[]", min_size=1, max_size=8), min_size=1, max_size=8))
@example("*", ["a"])
@example("**b", ["ab"])
@example("a*", ["ab", "ba"])
@example("*[a]b[a]*", ["xaba"])
@pytest.mark.usefixtures("dense")
def test_a_glob_finds_what_fnmatch_finds(word: str, names: list[str]) -> None:
    match = re.compile(fnmatch.translate(word.strip("/"))).match
    expected = [match(name) is not None for name in names]
    assert found(glob(word), [name.encode() for name in names]) == expected


@FIXED
@given(
    st.text(alphabet="ab", min_size=1, max_size=2),
    st.lists(st.tuples(st.text(alphabet="ab\0", max_size=4), st.booleans()), max_size=12),
)
@pytest.mark.usefixtures("dense")
def test_only_flagged_texts_are_searched(text: str, names: list[tuple[str, bool]]) -> None:
    needle = text.encode()
    texts = [name.encode() for name, _ in names]
    among = bytes(flag for _, flag in names)
    expected = [needle in name and flag for name, (_, flag) in zip(texts, names, strict=True)]
    assert found(plain(needle, names=True), texts, among) == expected


def test_simple_globs_are_searched_as_plain_text() -> None:
    assert (glob("*_7.*").needles, glob("*_7.*").sure) == ((b"_7.",), True)
    assert (glob("*.PY").needles, glob("*.PY").sure) == ((b".PY\0",), True)
    assert (glob("lib*").needles, glob("lib*").sure) == ((b"\0lib",), True)
    assert (glob("*.p?").needles, glob("*.p?").sure) == ((b".p",), False)
    assert glob("lib/*.py").needles == (b"\0lib/", b".py\0")
    assert glob("[").needles == ()


def test_a_pattern_is_case_sensitive_only_with_a_capital_letter() -> None:
    assert glob("*.py").holds(b"app/MAIN.PY")
    assert not glob("app*").holds(b"app/main.py")
    assert expression("^app/").holds(b"APP/main.py")
    assert not expression("^App/").holds(b"app/main.py")
