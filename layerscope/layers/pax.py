"""PAX extended headers: POSIX.1-2001 records, read as Go's archive/tar reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from layerscope.errors import TarError

_XATTR_PREFIX = b"SCHILY.xattr."
_TIME = re.compile(rb"(-?)([0-9]{1,18})(?:\.([0-9]*))?")
_NUMBER = re.compile(rb"-?[0-9]{1,19}")
_NAMES = frozenset((b"path", b"linkpath", b"uname", b"gname"))


@dataclass(frozen=True, slots=True)
class PaxRecords:
    """The records before one member that concern an analysis; None where the plain header speaks."""

    path: bytes | None = None
    link: bytes | None = None
    size: int | None = None
    uid: int | None = None
    gid: int | None = None
    mtime: int | None = None
    xattrs: tuple[tuple[bytes, bytes], ...] = ()
    sparse: tuple[tuple[bytes, bytes], ...] = ()
    """`GNU.sparse.*` records in their order, keys without that prefix."""

    def owner(self, header: tuple[int, int, int]) -> tuple[int, int, int]:
        """Mode, uid and gid of the header with what the records say put over it."""
        if self.uid is None and self.gid is None:
            return header
        mode, uid, gid = header
        return mode, uid if self.uid is None else self.uid, gid if self.gid is None else self.gid


def split_records(data: bytes, offset: int) -> list[tuple[bytes, bytes]]:
    """The `length key=value` records of a PAX header whose data stands at `offset`; raises `TarError`."""
    records = []
    position = 0
    end = len(data)
    while position < end:
        space = data.find(b" ", position, position + 20)
        digits = data[position:space] if space > position else b""
        if not digits.isdigit():
            raise TarError("a PAX record without a length", offset=offset + position)
        stop = position + int(digits)
        if stop > end or stop <= space + 1 or data[stop - 1] != 0x0A:
            raise TarError(
                f"a PAX record of {int(digits)} bytes that does not end in a newline there",
                offset=offset + position,
            )
        key, equals, value = data[space + 1 : stop - 1].partition(b"=")
        if not equals or not key or b"\0" in key or (key in _NAMES and b"\0" in value):
            raise TarError(f"a malformed PAX record {key[:40]!r}", offset=offset + position)
        records.append((key, value))
        position = stop
    return records


def parse_records(data: bytes, offset: int) -> PaxRecords:
    """What a PAX header says of the next member; raises `TarError` for malformed records."""
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
    return PaxRecords(
        path=plain.get(b"path") or None,
        link=plain.get(b"linkpath") or None,
        size=_integer(plain, b"size", offset),
        uid=_integer(plain, b"uid", offset),
        gid=_integer(plain, b"gid", offset),
        mtime=_seconds(plain.get(b"mtime"), offset),
        xattrs=tuple(sorted(xattrs.items())),
        sparse=tuple(sparse),
    )


def _integer(records: dict[bytes, bytes], key: bytes, offset: int) -> int | None:
    value = records.get(key)
    if not value:
        return None
    number = int(value) if _NUMBER.fullmatch(value) else None
    if number is None or not -(1 << 63) <= number < 1 << 63:
        raise TarError(f"PAX {key.decode()} {value[:40]!r} is no 64-bit number", offset=offset)
    return number


def _seconds(value: bytes | None, offset: int) -> int | None:
    """Whole seconds, rounded down; a difference below one second is none to the engines that wrote the layer."""
    if not value:
        return None
    match = _TIME.fullmatch(value)
    if match is None:
        raise TarError(f"PAX mtime {value[:40]!r} is no time", offset=offset)
    seconds = int(match[2])
    if not match[1]:
        return seconds
    return -seconds - (1 if (match[3] or b"").strip(b"0") else 0)
