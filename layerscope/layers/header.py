"""The fields of one 512-byte tar header (POSIX.1-1988 ustar, GNU, and v7), read as Go's archive/tar reads them."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct
from typing import Final, Literal

from layerscope.patterns import pattern

Magic = Literal["ustar", "star", "gnu", "v7"]

BLOCK_SIZE: Final = 512
PERMISSIONS: Final = 0o7777
ZERO_BLOCK = bytes(BLOCK_SIZE)

FIELDS = Struct("100s24s12s12s8sB100s72x16sB166x")
"""name; mode, uid and gid; size; mtime; checksum; type flag; link name; device; first byte of the prefix."""

NO_DEVICE = frozenset((bytes(16), b"0000000\0" * 2))
"""The device fields that all known writers use for members that are not devices."""

_DECIMAL = pattern(rb"([+-]?)0*([0-9]{1,19})")
_MOST_SUMS: Final = 65536
_ASCII_SUM = 512 * 0x7F
"""The largest byte sum of a header without a byte over 127. It is below the modulus of Adler-32."""


class FieldError(ValueError):
    """A numeric field that is not a number, or is out of range."""


@lru_cache(maxsize=16384)
def number(field: bytes) -> int:
    """An octal or base-256 field. Raises `FieldError` for junk and for numbers over 64 bits."""
    first = field[0]
    if first & 0x80:
        if first & 0x40:
            value = int.from_bytes(field, "big", signed=True)
        else:
            value = int.from_bytes(bytes((first & 0x7F,)) + field[1:], "big")
        if not -(1 << 63) <= value < 1 << 63:
            raise FieldError(f"number {value} does not fit 64 bits")
        return value
    return octal(field)


def octal(field: bytes) -> int:
    """An octal field, padded with spaces and NULs. An empty one is 0. Raises `FieldError`."""
    digits = field.strip(b" \0").partition(b"\0")[0]
    if not digits:
        return 0
    if digits.strip(b"01234567"):
        raise FieldError(f"{digits!r} is not an octal number")
    return int(digits, 8)


@lru_cache(maxsize=4096)
def owner(field: bytes) -> tuple[int, int, int]:
    """Mode, uid, and gid from their three fields.

    Older engines also wrote the file type into the mode. It is dropped here, or equal files would seem to differ.
    """
    return number(field[:8]) & PERMISSIONS, number(field[8:16]), number(field[16:])


def decimal(text: bytes) -> int | None:
    """A signed 64-bit decimal, as in PAX records and sparse maps; None for anything else."""
    match = _DECIMAL.fullmatch(text)
    if match is None:
        return None
    value = -int(match[2]) if match[1] == b"-" else int(match[2])
    return value if -(1 << 63) <= value < 1 << 63 else None


class _AdlerSums(dict[bytes, int]):
    """What `adler_of_sum` found so far. A dictionary is asked in a third of the time of a cache."""

    def __missing__(self, field: bytes) -> int:
        digits = field[:6]
        try:
            usual = digits.isdigit() and field[6:] == b"\0 "
            total = (int(digits, 8) if usual else octal(field)) - 8 * 0x20 + sum(field)
        except ValueError:
            total = -1
        if len(self) >= _MOST_SUMS:
            self.clear()
        self[field] = found = total + 1 if 0 <= total <= _ASCII_SUM else -1
        return found


adler_of_sum: Final = _AdlerSums().__getitem__
"""The low half of Adler-32 that an ASCII header with this checksum field must have, or -1 if none can match.

The low half is the sum of all bytes plus one, and zlib computes it in C.
"""


def checksum_fits(block: bytes) -> bool:
    """Whether the block's checksum is right, summed as unsigned or (as some old writers did) signed bytes."""
    field = block[148:156]
    try:
        stored = octal(field)
    except FieldError:
        return False
    total = sum(block) - sum(field) + 8 * 0x20
    if stored == total:
        return True
    high = sum(byte > 127 for byte in block) - sum(byte > 127 for byte in field)
    return stored == total - 256 * high


def is_header(block: bytes) -> bool:
    """Whether the data starts with a valid tar header, or with the end marker of an empty tar."""
    block = block[:BLOCK_SIZE]
    return len(block) == BLOCK_SIZE and (block == ZERO_BLOCK or checksum_fits(block))


def magic(block: bytes) -> Magic:
    """The format that a header declares; `v7` if it declares none."""
    if block[257:263] == b"ustar\0":
        return "star" if block[508:512] == b"tar\0" else "ustar"
    return "gnu" if block[257:265] == b"ustar  \0" else "v7"


def prefix(block: bytes) -> bytes:
    """The prefix of a header's name, empty if the format has no such field."""
    form = magic(block)
    if form == "v7":
        return b""
    if form != "gnu":
        return block[345 : 345 + (131 if form == "star" else 155)].partition(b"\0")[0]
    if all(_is_gnu_time(block[at : at + 12]) for at in (345, 357)):
        return b""
    # Go before 1.8 wrote ustar prefixes into GNU headers.
    found = block[345:500].partition(b"\0")[0]
    return found if found.isascii() else b""


def _is_gnu_time(field: bytes) -> bool:
    try:
        return not field[0] or number(field) is not None
    except FieldError:
        return False


def device(block: bytes) -> tuple[int, int]:
    """The major and minor device numbers of a header; 0 and 0 if its format has none. Raises `FieldError`."""
    if magic(block) == "v7":
        return 0, 0
    return number(block[329:337]), number(block[337:345])
