"""The sections of an ELF file: their offsets and sizes.

Specification: https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Sequence
from typing import Final

from layerscope.records import dataclass

MAGIC: Final = b"\x7fELF"
_HEADER_BYTES: Final = 64
_NO_BITS: Final = 8
_EXTENDED_INDEX: Final = 0xFFFF
_EXECUTABLE: Final = 2
_SHARED: Final = 3
_CORE: Final = 4
_SYMBOLS: Final = (b".debug_", b".zdebug_", b".symtab", b".strtab")
_MOST_SECTIONS: Final = 100_000
_MOST_NAME_BYTES: Final = 4 * 1024 * 1024

ReadAt = Callable[[int, int], bytes]
"""Returns bytes of a file from an offset, fewer only at its end."""


@dataclass(frozen=True, slots=True)
class Section:
    """A section with bytes in the file."""

    name: bytes
    offset: int
    size: int


def sections(read_at: ReadAt, names: Collection[bytes]) -> Sequence[Section]:
    """The sections with these names; empty if the file is not ELF or its table is damaged."""
    return [each for each in _sections(read_at, names) if each.name in names]


def symbol_bytes(read_at: ReadAt) -> int:
    """The bytes that `strip` removes from a program or a shared library: debug sections, and symbols for debuggers.

    0 for other ELF files: an object or a kernel module needs its symbols.
    """
    if kind_of(read_at) not in (_EXECUTABLE, _SHARED):
        return 0
    found = _sections(read_at, _SYMBOLS)
    return sum(each.size for each in found if each.name.startswith(_SYMBOLS))


def is_core(read_at: ReadAt) -> bool:
    """Whether the file is what a crashed program leaves behind."""
    return kind_of(read_at) == _CORE


def kind_of(read_at: ReadAt) -> int:
    """The type of an ELF file (`e_type`); 0 if it is not ELF."""
    header = read_at(0, _HEADER_BYTES)
    if header[:4] != MAGIC or len(header) < _HEADER_BYTES:
        return 0
    (kind,) = struct.unpack_from("<H" if header[5] == 1 else ">H", header, 16)
    return int(kind)


def _sections(read_at: ReadAt, wanted: Collection[bytes]) -> Sequence[Section]:
    """All sections with bytes in the file; empty if no name of a section has one of the wanted texts in it."""
    header = read_at(0, _HEADER_BYTES)
    if header[:4] != MAGIC or len(header) < _HEADER_BYTES:
        return ()
    order = "<" if header[5] == 1 else ">"
    if header[4] == 2:
        (table,) = struct.unpack_from(f"{order}Q", header, 40)
        size, count, text_index = struct.unpack_from(f"{order}HHH", header, 58)
        row = struct.Struct(f"{order}IIQQQQ")
    else:
        (table,) = struct.unpack_from(f"{order}I", header, 32)
        size, count, text_index = struct.unpack_from(f"{order}HHH", header, 46)
        row = struct.Struct(f"{order}IIIIII")
    if not table or size < row.size or not 0 < count <= _MOST_SECTIONS:
        return ()
    data = read_at(table, count * size)
    if len(data) < count * size or text_index >= count:
        return ()
    _, _, _, _, start, length = row.unpack_from(data, text_index * size)
    texts = read_at(start, min(length, _MOST_NAME_BYTES))
    if not any(text in texts for text in wanted):
        return ()
    found = []
    for number in range(count):
        at, kind, _, _, offset, stored = row.unpack_from(data, number * size)
        name = texts[at : texts.find(b"\0", at)]
        if kind != _NO_BITS and stored:
            found.append(Section(name, offset, stored))
    return found
