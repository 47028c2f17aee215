"""The first files in an archive, by which the analysis sees whether it was unpacked: their names and sizes.

Read from the start of a tar, compressed or not, or from a zip's central directory, never from the whole archive. Nothing
is unpacked to disk. Specifications: tar(5), APPNOTE.TXT 4.3.12 to 4.3.16.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Protocol

from layerscope.records import dataclass

if TYPE_CHECKING:
    from layerscope.packages.elf import ReadAt

TAR_ENDINGS: Final = (
    *(b".tar", b".tar.gz", b".tgz", b".tar.xz", b".txz", b".tar.bz2", b".tbz2", b".tbz"),
    *(b".tar.zst", b".tzst"),
)
ZIP_ENDING: Final = b".zip"
ENDINGS: Final = (*TAR_ENDINGS, ZIP_ENDING)
"""How the names of archives end whose files are listed."""
HEAD: Final = 4 * 1024 * 1024
"""The most stored bytes at the start of a tar to look at, and the most that they are decompressed to."""
MEMBERS: Final = b"members\n"
"""How the list of an archive's files begins."""
MOST_LISTED: Final = 200
"""The most files of an archive that are listed."""

_BLOCK: Final = 512
_LONGEST: Final = 1024
"""Longer paths are not listed."""
_MOST_MEMORY: Final = 64 * 1024 * 1024
_WINDOW_LOG: Final = 26
_END_BYTES: Final = 22 + 0xFFFF
_END: Final = struct.Struct("<4s4H2LH")
_LOCATOR: Final = struct.Struct("<4sLQL")
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_ENTRY: Final = struct.Struct("<4s4H4xL2L3H8xL")
_FULL_16, _FULL_32 = 0xFFFF, 0xFFFFFFFF

Member = tuple[bytes, int]
"""The path of a file in an archive, and its size."""


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


@dataclass(slots=True)
class Allowance:
    """What the archives of one layer may cost together: bytes that are looked at, and bytes of lists that are kept.

    The archives that come after it is used up have no list.
    """

    looked_at: int = 128 * 1024 * 1024
    kept: int = 2 * 1024 * 1024

    @property
    def is_used_up(self) -> bool:
        return self.looked_at <= 0 or self.kept <= 0


def is_tar(path: bytes) -> bool:
    return path.endswith(TAR_ENDINGS)


def clip(path: bytes, read_at: ReadAt, size: int, allowance: Allowance) -> bytes | None:
    """The list of an archive's first files as a document; None if it has none or can't be read."""
    if allowance.is_used_up:
        return None
    try:
        members = (_of_tar if is_tar(path) else _of_zip)(read_at, size, allowance)
    except _broken():
        return None
    rows = [b"%d %s" % (length, name) for name, length in members]
    if not rows:
        return None
    kept = MEMBERS + b"\0".join(rows)
    allowance.kept -= len(kept)
    return kept


def members_in(data: bytes) -> list[Member]:
    """The files in a kept list; none if the document is another one."""
    if not data.startswith(MEMBERS):
        return []
    rows = (row.partition(b" ") for row in data[len(MEMBERS) :].split(b"\0"))
    return [(name, int(length)) for length, _, name in rows if length.isdigit()]


# Tar


def _of_tar(read_at: ReadAt, size: int, allowance: Allowance) -> list[Member]:
    head = read_at(0, min(size, HEAD))
    decompressor = _decompressor(head)
    if decompressor is not None:
        allowance.looked_at -= HEAD
        head = decompressor.decompress(head, HEAD)
    else:
        allowance.looked_at -= len(head)
    found = []
    for name, length in _headers(head):
        found.append((name, length))
        if len(found) == MOST_LISTED:
            break
    return found


def _broken() -> tuple[type[Exception], ...]:
    """What decompressors and readers raise for bytes that are not what they begin as."""
    import lzma  # most images have no archive

    return (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError, struct.error)


def _decompressor(head: bytes) -> _Decompressor | None:
    """The decompressor for the first bytes of a file; None for a plain tar."""
    if head.startswith(b"\x1f\x8b"):
        return zlib.decompressobj(wbits=31)
    if head.startswith(b"\xfd7zXZ\0"):
        import lzma

        return lzma.LZMADecompressor(memlimit=_MOST_MEMORY)
    if head.startswith(b"BZh"):
        import bz2

        return bz2.BZ2Decompressor()
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return _Zstd()
    return None


class _Zstd:
    """A decompressor that raises `ValueError` for damaged data."""

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        try:
            from compression import zstd
        except ImportError:
            from backports import zstd
        options = {zstd.DecompressionParameter.window_log_max: _WINDOW_LOG}
        try:
            found: bytes = zstd.ZstdDecompressor(options=options).decompress(data, max_length)
        except zstd.ZstdError as error:
            raise ValueError(str(error)) from None
        return found


def _headers(data: bytes) -> Iterator[Member]:
    """The regular files with content whose headers are in the data."""
    at, long_name = 0, b""
    while at + _BLOCK <= len(data):
        block = data[at : at + _BLOCK]
        if block[257:262] != b"ustar" and not _is_old(block):
            return
        kind, size = block[156:157], _number(block[124:136])
        if size is None:
            return
        at += _BLOCK
        body = data[at : at + min(size, 2 * _LONGEST)]
        if kind == b"L":
            long_name = body[:size].rstrip(b"\0")
        elif kind == b"x":
            long_name = _pax_path(body[:size]) or long_name
        elif kind not in (b"g", b"K"):
            name = long_name or _name(block)
            long_name = b""
            cleaned = _clean(name)
            if kind in (b"0", b"\0", b"7") and size and cleaned:
                yield cleaned, size
            if kind in b"123456":
                size = 0
        at += -(-size // _BLOCK) * _BLOCK


def _is_old(block: bytes) -> bool:
    """Whether a block is the header of a tar from before POSIX: its checksum is right."""
    told = _number(block[148:156])
    return bool(told) and told == sum(block) - sum(block[148:156]) + 8 * 32


def _number(field: bytes) -> int | None:
    """The value of a field; None if it isn't a number. Large sizes are binary (GNU)."""
    if field[:1] == b"\x80":
        return int.from_bytes(field[1:], "big")
    digits = field.split(b"\0")[0].strip()
    return int(digits, 8) if digits and digits.isdigit() and not digits.strip(b"01234567") else None


def _name(block: bytes) -> bytes:
    name = block[:100].split(b"\0")[0]
    prefix = block[345:500].split(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return prefix + b"/" + name if prefix else name


def _pax_path(body: bytes) -> bytes:
    """The `path` record of a pax header; empty if it has none."""
    at = 0
    while True:
        space = body.find(b" ", at, at + 8)
        if space < 0 or not body[at:space].isdigit():
            return b""
        end = at + int(body[at:space])
        key, equals, value = body[space + 1 : end - 1].partition(b"=")
        if key == b"path" and equals:
            return value
        if end <= space:
            return b""
        at = end


# Zip


def _of_zip(read_at: ReadAt, size: int, allowance: Allowance) -> list[Member]:
    directory = _directory(read_at, size)
    allowance.looked_at -= len(directory) + _END_BYTES
    found = list(_entries(directory))
    step = max(1, -(-len(found) // MOST_LISTED))
    return found[::step]


def _directory(read_at: ReadAt, size: int) -> bytes:
    """The start of the central directory. Raises `ValueError` if there is none."""
    start = max(0, size - _END_BYTES)
    tail = read_at(start, size - start)
    at = tail.rfind(b"PK\5\6")
    if at < 0:
        raise ValueError("not a zip")
    _, _, _, _, number, length, offset, _ = _END.unpack_from(tail, at)
    if number == _FULL_16 or _FULL_32 in (length, offset):
        _, _, where, _ = _LOCATOR.unpack_from(tail, at - _LOCATOR.size)
        fields = _END_64.unpack(read_at(where, _END_64.size))
        length, offset = fields[-2], fields[-1]
    return read_at(offset, max(0, min(length, HEAD, size - offset)))


def _entries(directory: bytes) -> Iterator[Member]:
    at = 0
    while at + _ENTRY.size <= len(directory) and directory[at : at + 4] == b"PK\1\2":
        fields = _ENTRY.unpack_from(directory, at)
        size, name_length, extra, comment = fields[7], *fields[8:11]
        at += _ENTRY.size
        name = _clean(directory[at : at + name_length])
        if size and name and not directory[at : at + name_length].endswith(b"/"):
            yield name, size
        at += name_length + extra + comment


def _clean(name: bytes) -> bytes:
    """A relative path without `.`; empty for one that is too long, or that a list can't hold."""
    if len(name) > _LONGEST or b"\0" in name:
        return b""
    parts = [part for part in name.split(b"/") if part not in (b"", b".")]
    return b"" if b".." in parts else b"/".join(parts)
