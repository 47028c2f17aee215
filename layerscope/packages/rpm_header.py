"""A header in an rpm database: facts about a package, as tagged arrays.

Specification: https://rpm-software-management.github.io/rpm/manual/format_header.html
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from itertools import islice
from typing import Final

from layerscope.packages.package import Package, Unreadable, qualifiers, text

_NAME, _VERSION, _RELEASE, _EPOCH, _ARCH = 1000, 1001, 1002, 1003, 1022
_OLD_NAMES, _FLAGS, _DIR_INDEXES, _BASE_NAMES, _DIR_NAMES = 1027, 1037, 1116, 1117, 1118
_WANTED: Final = frozenset(
    (
        _NAME,
        _VERSION,
        _RELEASE,
        _EPOCH,
        _ARCH,
        _OLD_NAMES,
        _FLAGS,
        _DIR_INDEXES,
        _BASE_NAMES,
        _DIR_NAMES,
    )
)
_INT32, _STRING, _STRING_ARRAY, _I18N = 4, 6, 8, 9
_GHOST: Final = 1 << 6
"""The flag of a file that a package owns but doesn't install."""
_COUNTS: Final = struct.Struct(">II")
_ENTRY: Final = struct.Struct(">IIII")
_PATH_BYTES_PER_BYTE: Final = 16
"""The most bytes of paths per byte of a header. Real headers need less than one."""

Value = list[int] | list[bytes]


def read_header(blob: bytes) -> tuple[Package, tuple[bytes, ...]]:
    """The package (without a distribution) and the paths of its files. Raises `Unreadable`."""
    values = _values(blob)
    name, version = _string(values, _NAME), _string(values, _VERSION)
    if not name or not version:
        raise Unreadable("has a header that doesn't name a package and version")
    release = _string(values, _RELEASE)
    epoch = next(iter(_numbers(values, _EPOCH)), None)
    package = Package(
        "rpm",
        name,
        f"{version}-{release}" if release else version,
        "",
        qualifiers(
            arch=_string(values, _ARCH) or None, epoch=str(epoch) if epoch is not None else None
        ),
    )
    return package, tuple(_files(values, len(blob)))


def _values(blob: bytes) -> dict[int, Value]:
    if len(blob) < _COUNTS.size:
        raise Unreadable("has a header that is cut short")
    entries, length = _COUNTS.unpack_from(blob)
    start = _COUNTS.size + entries * _ENTRY.size
    if start + length > len(blob):
        raise Unreadable(f"has a header of {start + length} bytes in {len(blob)}")
    values: dict[int, Value] = {}
    for position in range(entries):
        tag, kind, offset, count = _ENTRY.unpack_from(blob, _COUNTS.size + position * _ENTRY.size)
        if tag in _WANTED and tag not in values:
            values[tag] = _value(blob, kind, start + offset, count, start + length)
    return values


def _value(blob: bytes, kind: int, offset: int, count: int, end: int) -> Value:
    if kind == _INT32:
        if offset + 4 * count > end:
            raise Unreadable("has a header whose numbers are outside it")
        return list(struct.unpack_from(f">{count}I", blob, offset))
    if kind in {_STRING, _STRING_ARRAY, _I18N}:
        if count > end - offset:
            raise Unreadable("has a header whose strings are outside it")
        strings = blob[offset:end].split(b"\0", count)
        if len(strings) <= count:
            raise Unreadable("has a header with unterminated strings")
        return strings[:count]
    return []


def _string(values: dict[int, Value], tag: int) -> str:
    first = next(iter(values.get(tag, ())), b"")
    return text(first) if isinstance(first, bytes) else ""


def _numbers(values: dict[int, Value], tag: int) -> list[int]:
    return [value for value in values.get(tag, ()) if isinstance(value, int)]


def _strings(values: dict[int, Value], tag: int) -> list[bytes]:
    return [value for value in values.get(tag, ()) if isinstance(value, bytes)]


def _files(values: dict[int, Value], size: int) -> Iterator[bytes]:
    """The paths, without those of ghosts."""
    flags = _numbers(values, _FLAGS)
    left = size * _PATH_BYTES_PER_BYTE
    for position, path in enumerate(_paths(values)):
        if position < len(flags) and flags[position] & _GHOST:
            continue
        left -= len(path)
        if left < 0:
            raise Unreadable("has a header whose paths are far longer than the header itself")
        yield path.lstrip(b"/")


def _paths(values: dict[int, Value]) -> Iterator[bytes]:
    names = _strings(values, _BASE_NAMES)
    if not names:
        yield from _strings(values, _OLD_NAMES)
        return
    folders, indexes = _strings(values, _DIR_NAMES), _numbers(values, _DIR_INDEXES)
    if len(indexes) != len(names):
        raise Unreadable(f"has a header with {len(names)} files in {len(indexes)} directories")
    for name, index in zip(names, islice(indexes, len(names)), strict=True):
        if index >= len(folders):
            raise Unreadable("has a header with a file in a directory that it doesn't list")
        yield folders[index] + name
