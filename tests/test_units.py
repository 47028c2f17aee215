from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerscope.errors import ConfigError
from layerscope.units import count, format_delta, format_percent, format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("4096", 4096),
        (4096, 4096),
        ("150MB", 150 * 10**6),
        ("150 mb", 150 * 10**6),
        ("  1.2GiB ", int(Decimal("1.2") * 2**30)),
        ("1k", 1000),
        ("1KiB", 1024),
        ("1.5kB", 1500),
        ("0.0001kB", 0),
        ("2TB", 2 * 10**12),
        ("1PiB", 2**50),
    ],
)
def test_a_size_with_a_unit_is_read(text: str | int, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text",
    [
        "",
        "MB",
        "-1",
        -1,
        True,
        "1,5MB",
        "1.MB",
        "1e6",
        "12QB",
        "1 M B",
        "١MB",
        "NaN",
        "9" * 30,
        None,
    ],
)
def test_text_that_is_not_a_size_is_refused(text: object) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_size(text)  # type: ignore[arg-type]
    assert caught.value.hint


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (None, "–"),
        (0, "0 B"),
        (1, "1 B"),
        (999, "999 B"),
        (43_512_345, "43.5 MB"),
        (1_900_000_000, "1.9 GB"),
    ],
)
def test_sizes_are_written_in_powers_of_a_thousand(size: int | None, text: str) -> None:
    assert format_size(size) == text


@given(st.integers(min_value=0, max_value=10**15))
def test_a_written_size_reads_back_to_about_the_same(size: int) -> None:
    assert abs(parse_size(format_size(size)) - size) <= max(1, size // 10)


def test_a_difference_has_a_sign() -> None:
    assert format_delta(1_200_000) == "+1.2 MB"
    assert format_delta(-302_600_000) == "−302.6 MB"
    assert format_delta(0) == "0 B"


def test_a_percentage_of_nothing_is_unknown() -> None:
    assert format_percent(1, 8) == "12.5 %"
    assert format_percent(0, 0) == "–"


@pytest.mark.parametrize(
    ("number", "noun", "text"),
    [
        (1, "file", "1 file"),
        (0, "file", "0 files"),
        (9812, "file", "9,812 files"),
        (2, "directory", "2 directories"),
        (1, "directory", "1 directory"),
        (2, "key", "2 keys"),
    ],
)
def test_a_count_agrees_with_its_noun(number: int, noun: str, text: str) -> None:
    assert count(number, noun) == text
