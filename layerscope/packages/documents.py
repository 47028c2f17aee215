"""Which files of a layer are kept for the analysis, and which part of each.

Package databases are kept whole. Of executables and Java archives, only the parts about packages are kept, and of ELF files
how many bytes of symbols they have. npm's record of a `node_modules` says which packages only development needs, and the list
of an archive's first files whether it was unpacked.
"""

from __future__ import annotations

from typing import Final

from layerscope.packages import archive_members
from layerscope.packages.archive_members import Allowance
from layerscope.packages.databases import (
    ARCHIVE_ENDINGS,
    ARCHIVES,
    CANDIDATES,
    DEVELOPMENT,
    EXECUTABLES,
    SINGLE_STATUS,
    ZIP_ENDING,
    ZIPS,
    Unit,
    is_database_file,
    unit_of,
)
from layerscope.packages.elf import MAGIC, ReadAt, is_core, symbol_bytes

MOST_BYTES: Final = 128 * 1024 * 1024
"""Larger files are ignored."""
LEAST_EXECUTABLE: Final = 32 * 1024
"""Smaller programs aren't looked into."""
SYMBOLS: Final = b"elf\n"
"""How the document of an ELF file with symbols begins."""
CORE: Final = b"core\n"
"""The document of a core file."""
_MOST_DIGITS: Final = 19
EXECUTE: Final = 0o111
"""The bits of a mode that make a file a program."""


_ENDINGS: Final = (*CANDIDATES, *archive_members.ENDINGS)


def may_be_document(path: bytes, size: int) -> bool:
    """A quick check of the name and the size. False for most files from which `document` would keep nothing."""
    return size >= LEAST_EXECUTABLE or path.endswith(_ENDINGS) or SINGLE_STATUS in path


def document(
    path: bytes, size: int, mode: int, read_at: ReadAt, allowance: Allowance | None = None
) -> bytes | None:
    """The part of a file of `size` bytes that is kept; None for most files. Reads as little of the file as possible.

    `allowance` bounds what the archives of a layer cost.
    """
    if is_database_file(path):
        return read_at(0, size)
    if archive_members.is_tar(path):
        return archive_members.clip(path, read_at, size, allowance or Allowance())
    if size >= LEAST_EXECUTABLE and may_be_elf(path, mode) and read_at(0, 4) == MAGIC:
        return _of_elf(_once(read_at), path, mode)
    if path.endswith(ARCHIVE_ENDINGS):
        from layerscope.packages import java

        return java.clip(path, read_at, size)
    if path.endswith(DEVELOPMENT):
        return read_at(0, size)
    if path.endswith(ZIP_ENDING) and ZIPS.unit(path) is not None:
        from layerscope.packages import yarn

        return yarn.clip(path, read_at, size)
    if path.endswith(ZIP_ENDING):
        return archive_members.clip(path, read_at, size, allowance or Allowance())
    return None


def most_bytes(path: bytes, size: int) -> int:
    """How many bytes of a file, from its start, may be needed to keep a part of it; 0 if it is too large."""
    if archive_members.is_tar(path):
        return min(size, archive_members.HEAD)
    return size if size <= MOST_BYTES else 0


def may_be_elf(path: bytes, mode: int) -> bool:
    """Programs, shared libraries, which need not be executable, and core files."""
    name = path[path.rfind(b"/") + 1 :]
    return bool(mode & EXECUTE) or b".so" in name or name[:4] == b"core"


def _of_elf(read_at: ReadAt, path: bytes, mode: int) -> bytes | None:
    """How many bytes of symbols an ELF file has, and what it says about packages."""
    if is_core(read_at):
        name = path[path.rfind(b"/") + 1 :]
        return CORE if name.startswith(b"core") else None
    symbols = symbol_bytes(read_at)
    inside: bytes | None = None
    if mode & EXECUTE:
        from layerscope.packages import executables

        inside = executables.clip(read_at)
    if not symbols:
        return inside
    return SYMBOLS + b"%d\n" % symbols + (inside or b"")


def _once(read_at: ReadAt) -> ReadAt:
    """The same, but what was read before is not read again."""
    known: dict[tuple[int, int], bytes] = {}

    def read(at: int, size: int) -> bytes:
        data = known.get((at, size))
        if data is None:
            data = known[at, size] = read_at(at, size)
        return data

    return read


def symbols_in(data: bytes) -> int:
    """The bytes of symbols that a kept document tells of."""
    if not data.startswith(SYMBOLS):
        return 0
    digits = data[len(SYMBOLS) :].partition(b"\n")[0]
    return int(digits) if digits.isdigit() and len(digits) < _MOST_DIGITS else 0


def about_packages(data: bytes) -> bytes:
    """The part of a kept document about packages; empty if it has none."""
    if data.startswith(SYMBOLS):
        return data[len(SYMBOLS) :].partition(b"\n")[2]
    return b"" if data == CORE or data.startswith(archive_members.MEMBERS) else data


def unit_of_document(path: bytes, data: bytes) -> Unit | None:
    """The part of a database that a kept document belongs to."""
    unit = unit_of(path)
    if unit is not None:
        return unit
    if path.endswith(ARCHIVE_ENDINGS):
        return ARCHIVES, path
    if path.endswith(ZIP_ENDING) and ZIPS.unit(path) is not None:
        return ZIPS, path
    from layerscope.packages import executables

    return (EXECUTABLES, path) if executables.is_document(data) else None
