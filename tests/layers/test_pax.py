"""PAX records: which are read, and which are refused."""

from __future__ import annotations

import pytest

from layerscope.errors import TarError
from layerscope.layers.pax import PaxRecords, parse_records, split_records
from tests.builder.tar import record


def parsed(**records: str | bytes) -> PaxRecords:
    return parse_records(b"".join(record(key, value) for key, value in records.items()), 0)


def test_a_records_length_includes_itself() -> None:
    data = b"12 path=abc\n" + b"6 a=b\n"
    assert split_records(data, 0) == [(b"path", b"abc"), (b"a", b"b")]


def test_values_can_contain_anything() -> None:
    assert split_records(record("SCHILY.xattr.a", b"\0\n=\xff"), 0) == [
        (b"SCHILY.xattr.a", b"\0\n=\xff")
    ]


@pytest.mark.parametrize(
    ("data", "offset"),
    [
        (b"path=abc\n", 0),
        (b"12path=abc\n", 0),
        (b" 12 path=abc\n", 0),
        (b"13 path=abc\n", 0),
        (b"11 path=abc\n", 0),
        (b"12 path=abc ", 0),
        (b"99999999999999999999 path=abc\n", 0),
        (b"1" * 5000 + b" a=b\n", 0),
        (b"-12 path=abc\n", 0),
        (b"0 a=b\n", 0),
        (b"3 \n", 0),
        (b"4 =\n", 0),
        (b"5 =b\n", 0),
        (b"8 a b c\n", 0),
        (b"9 a\0b=cd\n", 0),
        (b"14 path=a\0b12\n", 0),
        (b"12 path=abc\n13 path=abc\n", 12),
        (b"12 path=abc\n\0\0\0\0", 12),
    ],
)
def test_a_malformed_record_is_refused_with_its_offset(data: bytes, offset: int) -> None:
    with pytest.raises(TarError) as caught:
        split_records(data, 5120)
    assert caught.value.offset == 5120 + offset


def test_the_last_record_of_a_key_wins() -> None:
    data = record("path", "first") + record("path", "second")
    assert parse_records(data, 0).path == b"second"


def test_an_empty_value_does_not_override_the_header() -> None:
    records = parsed(path="", linkpath="", size="", uid="", mtime="")
    assert records == PaxRecords()
    assert records.owner((0o644, 1, 2)) == (0o644, 1, 2)


def test_owners_override_the_header() -> None:
    assert parsed(uid="3000000000").owner((0o644, 1, 2)) == (0o644, 3_000_000_000, 2)
    assert parsed(gid="7").owner((0o644, 1, 2)) == (0o644, 1, 7)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("1700000000", 1_700_000_000),
        ("1700000000.999999999", 1_700_000_000),
        ("-1", -1),
        ("-1.5", -2),
        ("-0.5", -1),
        ("-1.0", -1),
        ("-1.0000000001", -1),
        ("5.", 5),
        ("+5", 5),
        ("9223372036854775807", (1 << 63) - 1),
    ],
)
def test_times_are_whole_seconds_rounded_down(text: str, seconds: int) -> None:
    assert parsed(mtime=text).mtime == seconds


@pytest.mark.parametrize("key", ["mtime", "atime", "ctime"])
@pytest.mark.parametrize(
    "text", ["x", ".5", "1.5.5", "1e9", "1,5", " 1", "9223372036854775808", "-", "1.-5"]
)
def test_a_time_of_junk_is_refused(key: str, text: str) -> None:
    with pytest.raises(TarError, match=f"PAX {key}"):
        parsed(**{key: text})


@pytest.mark.parametrize("key", ["size", "uid", "gid"])
@pytest.mark.parametrize("text", ["x", "1.5", " 1", "0x10", "9223372036854775808", "1" * 5000])
def test_a_number_of_junk_is_refused(key: str, text: str) -> None:
    with pytest.raises(TarError, match=f"PAX {key}"):
        parsed(**{key: text})


def test_a_negative_size_is_refused() -> None:
    with pytest.raises(TarError, match="PAX size of -512"):
        parsed(size="-512")


def test_the_order_of_attributes_does_not_matter() -> None:
    two = {"SCHILY.xattr.user.b": b"2", "SCHILY.xattr.user.a": b"1\0"}
    assert parsed(**two).xattrs == ((b"user.a", b"1\0"), (b"user.b", b"2"))


@pytest.mark.parametrize(
    "keys",
    [
        ("numbytes",),
        ("numbytes", "offset"),
        ("offset", "offset"),
        ("offset", "numbytes", "numbytes"),
    ],
)
def test_a_map_whose_fields_do_not_alternate_is_refused(keys: tuple[str, ...]) -> None:
    data = b"".join(record(f"GNU.sparse.{key}", "5") for key in keys)
    with pytest.raises(TarError, match="out of order"):
        parse_records(data, 0)
