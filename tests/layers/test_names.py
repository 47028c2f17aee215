"""Names of members as paths of the image. No name leaves the root."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.layers.names import clean, split


@pytest.mark.parametrize(
    ("name", "path", "climbed"),
    [
        (b"a/b", b"a/b", False),
        (b"./a/./b/", b"a/b", False),
        (b"/a//b", b"a/b", False),
        (b"../../x", b"x", True),
        (b"a/../../x", b"x", True),
        (b"d/../n", b"n", True),
        (b"a/..", b"", True),
        (b"..", b"", True),
        (b".", b"", False),
        (b"//", b"", False),
        (b"...", b"...", False),
        (b"..a/b..", b"..a/b..", False),
        (b"C:\\x\\..\\y", b"C:\\x\\..\\y", False),
        (b"a\n/\x1b", b"a\n/\x1b", False),
    ],
)
def test_names_are_cleaned_as_engines_do(name: bytes, path: bytes, climbed: bool) -> None:
    assert clean(name) == (path, climbed)


@given(st.lists(st.sampled_from([b"a", b".", b"..", b"", b"...", b"\xff"]), max_size=12))
def test_a_clean_path_stays_below_the_root(parts: list[bytes]) -> None:
    path, climbed = clean(b"/".join(parts))
    assert climbed == (b".." in parts)
    assert clean(path) == (path, False)
    assert not {b"..", b".", b""} & set(path.split(b"/")) or path == b""


def test_a_path_splits_into_parent_and_name() -> None:
    assert split(b"a/b/c") == (b"a/b", b"c")
    assert split(b"c") == (b"", b"c")
