"""The fields of one 512-byte tar header: POSIX.1-1988 ustar, GNU and v7; read as Go's archive/tar reads them."""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

BLOCK_SIZE = 512
ZERO_BLOCK = bytes(BLOCK_SIZE)

FIELDS = Struct("100s24s12s12s8sB100s88xB166x")
"""name; mode, uid and gid; size; mtime; checksum; type flag; link name; first byte of the prefix."""

USTAR_MAGIC = b"ustar\x0000"
GNU_MAGIC = b"ustar  \x00"

_ADLER_BASE = 65521


class FieldError(ValueError):
    """A numeric field that holds no number, or one out of range."""


@lru_cache(maxsize=16384)
def number(field: bytes) -> int:
    """An octal or base-256 field; raises `FieldError` for junk and for numbers outside of 64 bits."""
    first = field[0]
    if first & 0x80:
        if first & 0x40:
            value = int.from_bytes(field, "big", signed=True)
        else:
            value = int.from_bytes(bytes((first & 0x7F,)) + field[1:], "big")
        if not -(1 << 63) <= value < 1 << 63:
            raise FieldError(f"number {value} does not fit 64 bits")
        return value
    digits = field.strip(b" \0").partition(b"\0")[0]
    if not digits:
        return 0
    if digits.strip(b"01234567"):
        raise FieldError(f"{digits!r} is no octal number")
    return int(digits, 8)


@lru_cache(maxsize=4096)
def owner(field: bytes) -> tuple[int, int, int]:
    """Mode, uid and gid of the three fields that hold them, shared by all members that have the same."""
    return number(field[:8]), number(field[8:16]), number(field[16:])


@lru_cache(maxsize=65536)
def adler_of_sum(field: bytes) -> int:
    """What the low half of Adler-32 must be for a header whose checksum field is this one; -1 for a field of junk.

    The low half is one more than the sum of all bytes, modulo 65521, and is computed in C.
    """
    try:
        stored = number(field)
    except FieldError:
        return -1
    return (stored - 8 * 0x20 + sum(field) + 1) % _ADLER_BASE


def checksum_fits(block: bytes) -> bool:
    """Whether the block is a header by its checksum, in either of the two historic readings (unsigned, signed)."""
    field = block[148:156]
    try:
        stored = number(field)
    except FieldError:
        return False
    total = sum(block) - sum(field) + 8 * 0x20
    high = sum(1 for byte in block[:148] + block[156:] if byte > 127)
    return stored in (total, total - 256 * high)


def is_header(block: bytes) -> bool:
    """Whether these bytes begin with a plausible tar header, or with the end marker of an empty tar."""
    block = block[:BLOCK_SIZE]
    return len(block) == BLOCK_SIZE and (block == ZERO_BLOCK or checksum_fits(block))
