"""A layer's index as bytes that can be stored and read back: versioned, checksummed, and read strictly.

The layout is `MAGIC`, a version byte, the XXH3-128 of the rest, and then the parts, each a 64-bit length and that many
bytes. The first part is JSON with the rare facts. The others are the columns, each with its type in the first byte; the last
one, the compressed bytes, is empty for a layer that was not compressed.
Numbers are little-endian.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterator, Mapping
from itertools import pairwise
from struct import Struct
from types import MappingProxyType
from typing import Any, Final

import xxhash

from layerscope.errors import FormatError
from layerscope.image.digest import Digest
from layerscope.layers.entry import KIND_NAMES, Extra
from layerscope.layers.layer_index import MARK_BYTES, LayerIndex, packed, values
from layerscope.layers.secret_rows import secrets_from_row, secrets_row
from layerscope.notes import Note

MAGIC: Final = b"layerscope index\n"
VERSION: Final = 9
"""Increases with every change to the layout or to the meaning of a column."""
_CHECKSUM: Final = 16
_HEAD: Final = len(MAGIC) + 1 + _CHECKSUM
_LENGTH: Final = Struct("<Q")
_NUMBERS: Final = ("ends", "sizes", "data", "mtimes", "owners")
_PARTS: Final = 7 + len(_NUMBERS)
_MOST: Final = 1 << 63


def to_bytes(index: LayerIndex) -> bytes:
    """The index as bytes. `from_bytes` makes an equal index of them."""
    parts = [
        json.dumps(_rare(index), separators=(",", ":")).encode("ascii"),
        index.paths,
        index.kinds,
        index.marks,
        *(_column(getattr(index, name)) for name in _NUMBERS),
        b"" if index.compressed is None else _column(index.compressed),
        _column(packed(array("q", _document_table(index)))),
        b"".join(index.documents.values()),
    ]
    body = b"".join(each for part in parts for each in (_LENGTH.pack(len(part)), part))
    return MAGIC + bytes((VERSION,)) + xxhash.xxh3_128_digest(body) + body


def from_bytes(data: bytes, name: str = "the index") -> LayerIndex:
    """Read what `to_bytes` wrote. Raises `FormatError`, naming `name`, for anything else.

    Time and memory are bounded by the size of the data.
    """
    if not data.startswith(MAGIC) or len(data) < _HEAD:
        raise FormatError(f"{name}: not the index of a layer")
    version = data[len(MAGIC)]
    if version != VERSION:
        raise FormatError(f"{name}: format version {version}, expected {VERSION}")
    body = memoryview(data)[_HEAD:]
    if xxhash.xxh3_128_digest(body) != data[_HEAD - _CHECKSUM : _HEAD]:
        raise FormatError(f"{name}: damaged, its checksum doesn't match")
    try:
        return _read(list(_parts(body)))
    except (ValueError, TypeError, KeyError, IndexError, RecursionError, FormatError) as error:
        raise FormatError(f"{name}: malformed ({str(error)[:100]})") from None


def _parts(body: memoryview[int]) -> Iterator[memoryview[int]]:
    position = 0
    while position < len(body):
        begin = position + _LENGTH.size
        if begin > len(body):
            raise ValueError("a part without a length")
        position = begin + _LENGTH.unpack(body[begin - _LENGTH.size : begin])[0]
        if position > len(body):
            raise ValueError("a part that is cut short")
        yield body[begin:position]


def _read(parts: list[memoryview[int]]) -> LayerIndex:
    if len(parts) != _PARTS:
        raise ValueError(f"{len(parts)} parts")
    rare = json.loads(bytes(parts[0]))
    paths, kinds, marks = (bytes(part) for part in parts[1:4])
    columns = {name: _numbers(part) for name, part in zip(_NUMBERS, parts[4:-3], strict=True)}
    compressed = _numbers(parts[-3]) if parts[-3] else None
    count = len(kinds)
    owner_table = tuple((int(m), int(u), int(g)) for m, u, g in _integers(rare["owners"], 3))
    if count and max(kinds) >= len(KIND_NAMES):
        raise ValueError("an unknown kind")
    if len(marks) not in (0, count * MARK_BYTES):
        raise ValueError("the wrong number of content hashes")
    _check_columns(columns if compressed is None else columns | {"compressed": compressed}, count)
    _check_ends(columns["ends"], len(paths))
    _check_owners(columns["owners"], len(owner_table))
    diff_id = rare["diff_id"]
    return LayerIndex(
        diff_id=None if diff_id is None else Digest.parse(diff_id),
        tar_size=_integer(rare["tar_size"], 0),
        notes=tuple(_note(row) for row in rare["notes"]),
        paths=paths,
        kinds=kinds,
        marks=marks,
        owner_table=owner_table,
        links=MappingProxyType(
            {_integer(at, 0, count): _bytes(link) for at, link in rare["links"]}
        ),
        extras=MappingProxyType(
            {_integer(row[0], 0, count): _extra(row) for row in rare["extras"]}
        ),
        documents=MappingProxyType(dict(_documents(_numbers(parts[-2]), bytes(parts[-1])))),
        compressed=compressed,
        **columns,
        secrets=None if rare["secrets"] is None else secrets_from_row(rare["secrets"]),
    )


def _check_columns(columns: Mapping[str, memoryview[int]], count: int) -> None:
    if any(len(column) != count for column in columns.values()):
        raise ValueError("columns of different lengths")
    for name in ("sizes", "ends", "compressed"):
        if name in columns and min(values(columns[name]), default=0) < 0:
            raise ValueError("a negative size")


def _check_ends(ends: memoryview[int], length: int) -> None:
    last = ends[-1] if len(ends) else 0
    if last != length or any(a > b for a, b in pairwise(values(ends))):
        raise ValueError("paths that do not end where they should")


def _check_owners(owners: memoryview[int], count: int) -> None:
    if min(values(owners), default=0) < 0 or max(values(owners), default=-1) >= count:
        raise ValueError("an owner that is not in the table")


def _document_table(index: LayerIndex) -> list[int]:
    """The offset and the length of each document in turn."""
    return [number for at, data in index.documents.items() for number in (at, len(data))]


def _documents(table: memoryview[int], data: bytes) -> Iterator[tuple[int, bytes]]:
    start = 0
    for at, length in zip(table[::2], table[1::2], strict=True):
        if at < 0 or length < 0:
            raise ValueError("a document at a negative place")
        yield at, data[start : start + length]
        start += length
    if start != len(data):
        raise ValueError("documents that do not fill their part")


def _column(column: memoryview[int]) -> bytes:
    numbers = array(column.format, column.tobytes())
    if sys.byteorder == "big":
        numbers.byteswap()
    return column.format.encode("ascii") + numbers.tobytes()


def _numbers(part: memoryview[int]) -> memoryview[int]:
    code = chr(part[0])
    if code not in "BHIq":
        raise ValueError(f"{code!r} as the type of a column")
    numbers = array(code, bytes(part[1:]))
    if sys.byteorder == "big":
        numbers.byteswap()
    return memoryview(numbers).toreadonly()


def _rare(index: LayerIndex) -> dict[str, Any]:
    return {
        "diff_id": None if index.diff_id is None else str(index.diff_id),
        "extras": [
            [
                position,
                [[_text(key), _text(value)] for key, value in extra.xattrs],
                extra.device,
                extra.logical_size,
                extra.extents,
            ]
            for position, extra in index.extras.items()
        ],
        "links": [[position, _text(link)] for position, link in index.links.items()],
        "notes": [
            [note.code, note.message, None if note.path is None else _text(note.path), note.count]
            for note in index.notes
        ],
        "owners": index.owner_table,
        "secrets": None if index.secrets is None else secrets_row(index.secrets),
        "tar_size": index.tar_size,
    }


def _note(row: Any) -> Note:
    code, message, path, count = row
    if not isinstance(code, str) or not isinstance(message, str):
        raise TypeError("a note that is not text")
    return Note(
        code, message, path=None if path is None else _bytes(path), count=_integer(count, 1)
    )


def _extra(row: Any) -> Extra:
    _, xattrs, device, logical_size, extents = row
    pairs = None if device is None else _integers([device], 2)[0]
    return Extra(
        tuple((_bytes(key), _bytes(value)) for key, value in xattrs),
        None if pairs is None else (pairs[0], pairs[1]),
        None if logical_size is None else _integer(logical_size, 0),
        tuple((begin, length) for begin, length in _integers(extents, 2)),
    )


def _integers(rows: Any, length: int) -> list[list[int]]:
    """Rows of `length` whole numbers each. Raises `ValueError` for anything else."""
    found = [[_integer(each) for each in row] for row in rows]
    if any(len(row) != length for row in found):
        raise ValueError(f"rows that are not of {length} numbers")
    return found


def _integer(number: Any, low: int = -_MOST, high: int = _MOST) -> int:
    if type(number) is not int or not low <= number < high:
        raise ValueError("not a whole number, or out of range")
    return number


def _text(data: bytes) -> str:
    return data.decode("latin-1")


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise TypeError("bytes that are not text")
    return text.encode("latin-1")
