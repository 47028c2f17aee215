"""PAX extended headers: POSIX.1-2001 records, read as Go's archive/tar reads them."""

from __future__ import annotations

from layerscope.errors import TarError
from layerscope.layers.header import decimal
from layerscope.patterns import pattern
from layerscope.records import dataclass

_XATTR_PREFIX = b"SCHILY.xattr."
_TIME = pattern(rb"([^.]*)(?:\.([0-9]*))?")
_NAMES = frozenset((b"path", b"linkpath", b"uname", b"gname"))


@dataclass(frozen=True, slots=True)
class PaxRecords:
    """The relevant records before one member. A field is None if no record overrides the plain header."""

    path: bytes | None = None
    link: bytes | None = None
    size: int | None = None
    uid: int | None = None
    gid: int | None = None
    mtime: int | None = None
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    sparse: tuple[tuple[bytes, bytes], ...] = ()
    """The `GNU.sparse.*` records in order, their keys without that prefix."""

    def owner(self, header: tuple[int, int, int]) -> tuple[int, int, int]:
        """The header's mode, uid, and gid, overridden by the records."""
        if self.uid is None and self.gid is None:
            return header
        mode, uid, gid = header
        return mode, uid if self.uid is None else self.uid, gid if self.gid is None else self.gid


def split_records(data: bytes, offset: int) -> list[tuple[bytes, bytes]]:
    """The `length key=value` records of a PAX header whose data is at `offset`. Raises `TarError`."""
    records = []
    position = 0
    end = len(data)
    while position < end:
        space = data.find(b" ", position)
        length = decimal(data[position:space]) if space > position else None
        if length is None:
            raise TarError("a PAX record without a length", offset=offset + position)
        stop = position + length
        if stop > end or stop <= space + 1 or data[stop - 1] != 0x0A:
            raise TarError(
                f"a PAX record of {length} bytes that does not end in a newline",
                offset=offset + position,
            )
        key, equals, value = data[space + 1 : stop - 1].partition(b"=")
        if not equals or not key or b"\0" in key or (key in _NAMES and b"\0" in value):
            raise TarError(f"a malformed PAX record {key[:40]!r}", offset=offset + position)
        records.append((key, value))
        position = stop
    _check_sparse_order(records, offset)
    return records


def parse_records(data: bytes, offset: int) -> PaxRecords:
    """Parse a PAX header, which describes the next member. Raises `TarError` for malformed records.

    Access and change times are checked, then ignored.
    """
    plain: dict[bytes, bytes] = {}
    xattrs: dict[bytes, bytes] = {}
    sparse: list[tuple[bytes, bytes]] = []
    for key, value in split_records(data, offset):
        if key.startswith(_XATTR_PREFIX):
            xattrs[key[len(_XATTR_PREFIX) :]] = value
        elif key.startswith(b"GNU.sparse."):
            sparse.append((key[len(b"GNU.sparse.") :], value))
        else:
            plain[key] = value
    size = _integer(plain, b"size", offset)
    if size is not None and size < 0:
        raise TarError(f"a PAX size of {size} bytes", offset=offset)
    for unused in (b"atime", b"ctime"):
        if unused in plain:
            _seconds(unused, plain, offset)
    return PaxRecords(
        path=plain.get(b"path") or None,
        link=plain.get(b"linkpath") or None,
        size=size,
        uid=_integer(plain, b"uid", offset),
        gid=_integer(plain, b"gid", offset),
        mtime=_seconds(b"mtime", plain, offset),
        xattrs=tuple(sorted(xattrs.items())),
        sparse=tuple(sparse),
    )


def _integer(records: dict[bytes, bytes], key: bytes, offset: int) -> int | None:
    value = records.get(key)
    if not value:
        return None
    number = decimal(value)
    if number is None:
        raise TarError(f"PAX {key.decode()} {value[:40]!r} is not a 64-bit number", offset=offset)
    return number


def _seconds(key: bytes, records: dict[bytes, bytes], offset: int) -> int | None:
    """Whole seconds, rounded down. Engines ignore differences of less than a second too."""
    value = records.get(key)
    if not value:
        return None
    match = _TIME.fullmatch(value)
    seconds = decimal(match[1]) if match is not None else None
    if match is None or seconds is None:
        raise TarError(f"PAX {key.decode()} {value[:40]!r} is not a time", offset=offset)
    below_zero = value.startswith(b"-") and (match[2] or b"")[:9].strip(b"0")
    return seconds - 1 if below_zero else seconds


def _check_sparse_order(records: list[tuple[bytes, bytes]], offset: int) -> None:
    """Raise `TarError` for a PAX 0.0 map whose offsets and lengths don't alternate."""
    wanted, other = b"GNU.sparse.offset", b"GNU.sparse.numbytes"
    for key, value in records:
        if key in (wanted, other):
            if key != wanted or b"," in value:
                raise TarError("a sparse map out of order", offset=offset)
            wanted, other = other, wanted
