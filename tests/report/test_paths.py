from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.errors import UsageError
from layerscope.report.paths import clean_text, escape_path, unescape_path


@given(
    st.binary(max_size=60)
    | st.lists(st.sampled_from([b"\\", b"x", b"4", b"f", b"\xff", b"\xc3", b"\xa9", b"/"])).map(
        b"".join
    )
)
def test_no_byte_is_lost(path: bytes) -> None:
    text = escape_path(path)
    assert unescape_path(text) == (path if path.startswith(b"/") else b"/" + path)
    assert json.loads(json.dumps(text).encode("ascii")) == text
    text.encode("utf-8")


@given(
    st.lists(st.sampled_from([b"\\", b"x", b"5", b"c", b"\x5c", b"\xff"])).map(b"".join),
    st.binary(max_size=8),
)
def test_two_paths_never_look_the_same(one: bytes, other: bytes) -> None:
    assert (escape_path(b"/" + one) == escape_path(b"/" + other)) is (one == other)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (b"", "/"),
        (b"usr/bin/python3", "/usr/bin/python3"),
        (b"/usr", "/usr"),
        ("ü/漢".encode(), "/ü/漢"),
        (b"a\xff\xfeb", "/a\\xff\\xfeb"),
        (b"a\\xff", "/a\\\\xff"),
        (b"a\x1b\n", "/a\x1b\n"),
        (b"\xed\xa0\x80", "/\\xed\\xa0\\x80"),
        (b"\xc0\xaf", "/\\xc0\\xaf"),
    ],
)
def test_a_path_is_escaped_only_where_needed(path: bytes, text: str) -> None:
    assert escape_path(path) == text


@pytest.mark.parametrize("text", ["/a\\b", "/\\", "/\\xZZ", "/\\xF"])
def test_text_that_is_never_written_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="lone backslash"):
        unescape_path(text)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("plain ü", "plain ü"),
        ("\udcff.tar", "\\xff.tar"),
        ("\ud800", "\\ud800"),
        ("ü\udc80\ud800", "ü\\udc80\\ud800"),
    ],
)
def test_lone_surrogates_are_escaped(text: str, clean: str) -> None:
    assert clean_text(text) == clean


@given(st.text(st.characters(codec=None)))
def test_clean_text_is_valid_unicode(text: str) -> None:
    clean_text(text).encode("utf-8")
