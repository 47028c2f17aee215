"""Expressions that are compiled when they are first used."""

from __future__ import annotations

import re

import pytest

from layerscope.patterns import pattern


def test_a_pattern_finds_what_a_compiled_one_does() -> None:
    text = "one 22 three 4444"
    found, compiled = pattern(r"(?P<digits>\d+)"), re.compile(r"(?P<digits>\d+)")
    assert found.findall(text) == compiled.findall(text)
    assert [each["digits"] for each in found.finditer(text)] == ["22", "4444"]
    assert found.sub("#", text) == compiled.sub("#", text)
    assert found.pattern == compiled.pattern
    assert pattern(rb"A", re.IGNORECASE).fullmatch(b"a") is not None


def test_a_pattern_is_compiled_when_it_is_first_used() -> None:
    broken = pattern("(")
    with pytest.raises(re.error):
        broken.match("")
