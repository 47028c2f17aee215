"""The fields of one header, as Go's archive/tar reads them."""

from __future__ import annotations

import pytest

from layerscope.layers.header import (
    BLOCK_SIZE,
    FieldError,
    adler_of_sum,
    checksum_fits,
    decimal,
    device,
    is_header,
    magic,
    number,
    prefix,
)
from tests.builder.tar import base256, header


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (b"0000644\0", 0o644),
        (b"    644 ", 0o644),
        (b"\0\x00644\0\0", 0o644),
        (b"644\0junk", 0o644),
        (b"777777777777", 8**12 - 1),
        (bytes(8), 0),
        (b"        ", 0),
        (base256(1 << 40, 12), 1 << 40),
        (base256(-1, 12), -1),
        (base256(-(1 << 63), 12), -(1 << 63)),
        (base256((1 << 63) - 1, 12), (1 << 63) - 1),
        (b"\x80" + bytes(7), 0),
        (b"\xff" * 8, -1),
    ],
)
def test_an_octal_or_base_256_field_is_a_number(field: bytes, value: int) -> None:
    assert number(field) == value


@pytest.mark.parametrize(
    "field",
    [
        b"0000648\0",
        b"12 34\0\0\0",
        b"-000001\0",
        b"0x10\0\0\0\0",
        b"\xbf" + b"\xff" * 11,
        base256(1 << 63, 12),
        base256(-(1 << 63) - 1, 12),
        b"\x00\xff\x00\0\0\0\0\0",
    ],
)
def test_a_field_of_junk_is_refused(field: bytes) -> None:
    with pytest.raises(FieldError):
        number(field)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"0", 0),
        (b"+12", 12),
        (b"-12", -12),
        (b"0" * 5000 + b"7", 7),
        (b"9223372036854775807", (1 << 63) - 1),
        (b"-9223372036854775808", -(1 << 63)),
        (b"9223372036854775808", None),
        (b"1" * 5000, None),
        (b"", None),
        (b" 1", None),
        (b"1_0", None),
        ("٣".encode(), None),
    ],
)
def test_a_decimal_is_a_64_bit_number_or_none(text: bytes, value: int | None) -> None:
    assert decimal(text) == value


def test_the_checksum_may_count_bytes_as_signed() -> None:
    block = bytearray(header({"name": b"\xff\xfe\xfd", "typeflag": b"0"}))
    assert checksum_fits(bytes(block))
    field = block[148:156]
    signed = int(field[:6], 8) - 3 * 256
    block[148:156] = b"%06o\0 " % signed
    assert checksum_fits(bytes(block))
    block[148:156] = b"%06o\0 " % (signed + 1)
    assert not checksum_fits(bytes(block))


@pytest.mark.parametrize("wrong", [1, 65521, 2 * 65521, 256])
def test_a_wrong_checksum_never_matches(wrong: int) -> None:
    block = header({"name": b"a", "typeflag": b"0"})
    total = int(block[148:154], 8)
    field = b"%07o\0" % (total + wrong)
    assert not checksum_fits(block[:148] + field + block[156:])
    from zlib import adler32

    changed = block[:148] + field + block[156:]
    assert adler32(changed) & 0xFFFF != adler_of_sum(field)


@pytest.mark.parametrize("field", [b"junk!!\0 ", b"-0001\0\0\0", b"\x80\0\0\0\0\0\x13\x00"])
def test_a_checksum_field_of_junk_never_matches(field: bytes) -> None:
    block = header({"name": b"a", "checksum": field})
    assert adler_of_sum(field) == -1
    assert not checksum_fits(block)


def test_a_tar_can_start_with_an_end_marker() -> None:
    assert is_header(bytes(BLOCK_SIZE))
    assert is_header(header({"name": b"a"}) + b"more")
    assert not is_header(bytes(BLOCK_SIZE - 1))
    assert not is_header(b"\x1f\x8b" + bytes(BLOCK_SIZE - 2))


USTAR, GNU = b"ustar\x0000", b"ustar  \0"


@pytest.mark.parametrize(
    ("fields", "form", "before"),
    [
        ({"magic": USTAR, "prefix": b"a/b"}, "ustar", b"a/b"),
        ({"magic": b"ustar\0  ", "prefix": b"a/b"}, "ustar", b"a/b"),
        ({"magic": b"ustar\x0099", "prefix": b"\xe9"}, "ustar", b"\xe9"),
        ({"magic": GNU, "prefix": b"00000000000\x0000000000000\0"}, "gnu", b""),
        ({"magic": GNU, "prefix": b"usr/lib"}, "gnu", b"usr/lib"),
        ({"magic": GNU, "prefix": b"usr/l\xc3\xa9"}, "gnu", b""),
        ({"magic": b"", "prefix": b"a/b"}, "v7", b""),
        ({"magic": b"ustar  0", "prefix": b"a/b"}, "v7", b""),
    ],
)
def test_the_prefix_depends_on_the_format(
    fields: dict[str, bytes], form: str, before: bytes
) -> None:
    block = header({"name": b"n"} | fields)
    assert (magic(block), prefix(block)) == (form, before)


def test_a_star_header_has_a_shorter_prefix() -> None:
    block = bytearray(header({"magic": USTAR, "prefix": b"p" * 155}))
    block[508:512] = b"tar\0"
    assert magic(bytes(block)) == "star"
    assert prefix(bytes(block)) == b"p" * 131


def test_device_numbers_are_read_from_ustar_and_gnu_headers() -> None:
    fields = {"devmajor": b"0000010\0", "devminor": b"0000021\0"}
    assert device(header(fields | {"magic": USTAR})) == (8, 17)
    assert device(header(fields | {"magic": GNU})) == (8, 17)
    assert device(header(fields)) == (0, 0)
    with pytest.raises(FieldError):
        device(header(fields | {"magic": USTAR, "devminor": b"junk"}))
