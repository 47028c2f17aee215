"""The three file formats in which rpm stores its headers: SQLite, ndb, and Berkeley DB (a hash)."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from typing import Final

from layerscope.packages.package import Unreadable

_SQLITE: Final = b"SQLite format 3\0"
_SQLITE_STEPS: Final = 20_000_000
"""The most instructions of SQLite's virtual machine for reading one database."""
_SQLITE_LEAST: Final = 64 * 1024
"""The shortest limit on a value, for the statements that create the tables."""
_WAL_HEADER: Final = struct.Struct(">IIIIIIII")
_WAL_FRAME: Final = struct.Struct(">IIIIII")
_WAL_MAGIC: Final = frozenset((0x377F0682, 0x377F0683))

_NDB_HEADER: Final = struct.Struct("<4sIII")
_NDB_SLOT: Final = struct.Struct("<4sIII")
_NDB_BLOCK: Final = 16
_NDB_PAGE: Final = 4096

_BDB_MAGIC: Final = 0x061561
_BDB_PAGE: Final = 26
"""The size of a page header, in bytes."""
_HASH_PAGES: Final = frozenset((2, 13))
_OVERFLOW_PAGE: Final = 7
_OFF_PAGE: Final = 3
_ON_PAGE: Final = 1
_COUNTER: Final = b"\1\0\0\0\0"
"""The key, with its type, of the number of headers that rpm has stored so far."""


def sqlite_headers(data: bytes, log: bytes) -> Iterator[bytes]:
    """The headers in `rpmdb.sqlite` and its write-ahead log. Raises `Unreadable`.

    Only a table that stores its rows is read: a view, a virtual table, or a generated column would run the image's own
    expressions. No value is longer than the file, and all together are not either.
    """
    if not data.startswith(_SQLITE):
        raise Unreadable("is not a SQLite database")
    image = bytearray(data)
    _apply_log(image, log)
    image[18:20] = b"\1\1"  # marks the database as having no log, or SQLite would refuse to open it
    with closing(sqlite3.connect(":memory:")) as database:
        try:
            database.deserialize(bytes(image))
            database.execute("PRAGMA trusted_schema = OFF")
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(len(image), _SQLITE_LEAST))
            database.set_progress_handler(lambda: 1, _SQLITE_STEPS)
            kind = database.execute(
                "SELECT type, rootpage > 0 FROM sqlite_master WHERE name = 'Packages'"
            ).fetchone()
            if kind != ("table", 1):
                raise Unreadable("has no Packages table")
            columns = database.execute("PRAGMA table_xinfo(Packages)").fetchall()
            if any(column[-1] for column in columns):
                raise Unreadable("has a generated column")
            left = len(image)
            for (blob,) in database.execute("SELECT blob FROM Packages"):
                if not isinstance(blob, bytes):
                    raise Unreadable("has a header that is not bytes")
                left -= len(blob)
                if left < 0:
                    raise Unreadable("has headers that are longer than the file")
                yield blob
        except (sqlite3.Error, UnicodeDecodeError, OverflowError):
            # SQLite's own message may quote the database, and not in UTF-8.
            raise Unreadable("is not a readable SQLite database") from None


def _apply_log(image: bytearray, log: bytes) -> None:
    """Write the committed pages of a write-ahead log over the database (https://sqlite.org/fileformat.html, 4)."""
    if len(log) < _WAL_HEADER.size:
        return
    magic, _, size, _, *salt, _, _ = _WAL_HEADER.unpack_from(log)
    if magic not in _WAL_MAGIC or size < 512:
        raise Unreadable("has an invalid write-ahead log")
    pending: list[tuple[int, int]] = []
    for offset in range(
        _WAL_HEADER.size, len(log) - _WAL_FRAME.size - size + 1, _WAL_FRAME.size + size
    ):
        page, committed, *salts, _, _ = _WAL_FRAME.unpack_from(log, offset)
        if salts != salt or not page:
            break
        pending.append((page, offset + _WAL_FRAME.size))
        if not committed:
            continue
        if committed * size > len(image) + len(log):
            raise Unreadable("has a write-ahead log with more pages than it can hold")
        image.extend(bytes(max(0, committed * size - len(image))))
        for number, start in pending:
            if number <= committed:
                image[(number - 1) * size : number * size] = log[start : start + size]
        del image[committed * size :]
        pending.clear()


def ndb_headers(data: bytes) -> Iterator[bytes]:
    """The headers of `Packages.db` (rpm's lib/backend/ndb/rpmpkg.c). Raises `Unreadable`."""
    if len(data) < _NDB_PAGE:
        raise Unreadable("is cut short")
    magic, version, _, pages = _NDB_HEADER.unpack_from(data)
    if magic != b"RpmP" or version != 0:
        raise Unreadable("is not an ndb database of version 0")
    end = pages * _NDB_PAGE
    if end > len(data):
        raise Unreadable(f"has {pages} pages of slots in {len(data)} bytes")
    left = len(data)
    for offset in range(2 * _NDB_SLOT.size, end, _NDB_SLOT.size):
        magic, number, block, _ = _NDB_SLOT.unpack_from(data, offset)
        if magic != b"Slot" or not number or not block:
            continue
        start = block * _NDB_BLOCK
        if start + _NDB_SLOT.size > len(data):
            raise Unreadable("has a slot that points outside the file")
        magic, owner, _, size = _NDB_SLOT.unpack_from(data, start)
        start += _NDB_SLOT.size
        left -= size
        if magic != b"BlbS" or owner != number or start + size > len(data) or left < 0:
            raise Unreadable("has a slot that doesn't point to a header")
        yield data[start : start + size]


def berkeley_headers(data: bytes) -> Iterator[bytes]:
    """The headers of `Packages`: the data of a Berkeley DB hash, in overflow pages unless they are short. Raises `Unreadable`."""
    if len(data) < 512:
        raise Unreadable("is cut short")
    order = next(
        (each for each in "<>" if struct.unpack_from(f"{each}I", data, 12)[0] == _BDB_MAGIC), None
    )
    if order is None:
        raise Unreadable("is not a Berkeley DB hash")
    size: int = struct.unpack_from(f"{order}I", data, 20)[0]
    if size < 512 or size > 1 << 16 or size & (size - 1):
        raise Unreadable(f"has pages of {size} bytes")
    left = len(data)
    for start in range(size, len(data) - size + 1, size):
        if data[start + 25] not in _HASH_PAGES:
            continue
        entries: int = struct.unpack_from(f"{order}H", data, start + 20)[0]
        if _BDB_PAGE + 2 * entries > size:
            raise Unreadable("has a page with more items than it can hold")
        offsets = struct.unpack_from(f"{order}{entries}H", data, start + _BDB_PAGE)
        for before, offset in zip(offsets[::2], offsets[1::2], strict=False):
            if offset + 12 > size or data[start + offset] != _OFF_PAGE:
                # Items are stored from the end of the page on, so each ends where the one before it begins.
                item = data[start + offset : start + before]
                if (
                    item[:1] == bytes([_ON_PAGE])
                    and data[start + before : start + before + 5] != _COUNTER
                ):
                    yield item[1:]
                continue
            page, length = struct.unpack_from(f"{order}II", data, start + offset + 4)
            left -= length
            if left < 0:
                raise Unreadable("has headers that are longer than the file")
            yield _overflow(data, order, size, page, length)


def _overflow(data: bytes, order: str, size: int, page: int, length: int) -> bytes:
    parts = []
    left = length
    while left > 0:
        start = page * size
        if not page or start + size > len(data) or data[start + 25] != _OVERFLOW_PAGE:
            raise Unreadable("has a header with missing pages")
        page = struct.unpack_from(f"{order}I", data, start + 16)[0]
        used: int = struct.unpack_from(f"{order}H", data, start + 22)[0]
        if not used or used > size - _BDB_PAGE:
            raise Unreadable(f"has a page of {size} bytes with {used} bytes of data")
        part = data[start + _BDB_PAGE : start + _BDB_PAGE + min(used, left)]
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
