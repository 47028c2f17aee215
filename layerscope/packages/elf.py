"""The sections of an ELF file: where they are, and how large.

Specification: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MAGIC: Final = b"\x7fELF"
_NO_BITS: Final = 8
_EXTENDED_INDEX: Final = 0xFFFF
_MOST_SECTIONS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Section:
    """A section that takes bytes of the file."""

    name: bytes
    offset: int
    size: int


def sections(data: bytes | memoryview) -> Sequence[Section]:
    """The sections of an ELF file that store bytes; none for other files, or where the table is damaged."""
    if bytes(data[:4]) != MAGIC or len(data) < 64:
        return ()
    order = "<" if data[5] == 1 else ">"
    wide = data[4] == 2
    try:
        return _sections(data, order, wide=wide)
    except (struct.error, IndexError):
        return ()


def _sections(data: bytes | memoryview, order: str, *, wide: bool) -> Sequence[Section]:
    if wide:
        (table,) = struct.unpack_from(f"{order}Q", data, 40)
        size, count, names = struct.unpack_from(f"{order}HHH", data, 58)
        row = struct.Struct(f"{order}IIQQQQ")
    else:
        (table,) = struct.unpack_from(f"{order}I", data, 32)
        size, count, names = struct.unpack_from(f"{order}HHH", data, 46)
        row = struct.Struct(f"{order}IIIIII")
    if not table or size < row.size:
        return ()
    first = row.unpack_from(data, table)
    if count == 0:
        count = first[5]
    if names == _EXTENDED_INDEX:
        names = struct.unpack_from(f"{order}I", data, table + row.size)[0]
    if count > _MOST_SECTIONS:
        return ()
    rows = [row.unpack_from(data, table + number * size) for number in range(count)]
    start, length = rows[names][4:6]
    texts = bytes(data[start : start + length])
    return tuple(
        Section(texts[name : texts.find(b"\0", name)], offset, stored)
        for name, kind, _, _, offset, stored in rows
        if kind != _NO_BITS and stored and offset + stored <= len(data)
    )
