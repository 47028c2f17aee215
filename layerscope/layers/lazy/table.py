"""The rows of a table of contents (CRFS, as in eStargz and zstd:chunked): members, and where their chunks are."""

from __future__ import annotations

import json
import re
from array import array
from base64 import b64decode
from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from layerscope.errors import LimitExceeded
from layerscope.layers.budget import ATTRIBUTE_BYTES, Budget
from layerscope.layers.entry import (
    BLOCK,
    CHARACTER,
    DIRECTORY,
    FIFO,
    FILE,
    HARDLINK,
    SYMLINK,
    Extra,
    Member,
)
from layerscope.layers.header import PERMISSIONS
from layerscope.layers.lazy.located import UnusableError
from layerscope.limits import MIB, Limits

Row = dict[str, Any]

_KINDS: Final = {
    "block": BLOCK,
    "char": CHARACTER,
    "dir": DIRECTORY,
    "fifo": FIFO,
    "hardlink": HARDLINK,
    "reg": FILE,
    "symlink": SYMLINK,
}
_DEVICES: Final = frozenset((BLOCK, CHARACTER))
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_TIME: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII
)
_DIGEST: Final = re.compile(r"sha256:([0-9a-f]{64})", re.ASCII)
_MOST: Final = 1 << 62
_LONGEST: Final = MIB
_NO_DIGEST: Final = bytes(32)
_ZEROS, _HASHED = 1, 2
_LOST: Final = "\ufffd"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Chunk(NamedTuple):
    """Some content of one file: its offset in all contents, its size, and where its compressed bytes are.

    It starts `inner` bytes into the data that byte `offset` to `end` of the blob unpack to. `digest` is its SHA-256.
    `zeros` says that it consists only of zeros.
    """

    start: int
    size: int
    offset: int
    end: int
    inner: int
    digest: bytes | None
    zeros: bool


class Chunks:
    """All chunks, in tar order. Positions count all contents joined without gaps."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._starts = array("q")
        self._offsets = array("q")
        self._ends = array("q")
        self._inner = array("q")
        self._digests = bytearray()
        self._flags = bytearray()
        self._sorted: list[int] = []
        self.total = 0

    def __len__(self) -> int:
        return len(self._starts)

    def add(
        self,
        size: int,
        offset: int,
        inner: int,
        digest: bytes | None,
        zeros: bool,
        until: int = 0,
    ) -> None:
        """Append a chunk. `until` is where its compressed bytes end, if the table says so."""
        self._starts.append(self.total)
        self._offsets.append(offset)
        self._ends.append(until)
        self._inner.append(inner)
        self._digests += digest or _NO_DIGEST
        self._flags.append((_ZEROS if zeros else 0) | (_HASHED if digest else 0))
        self.total += size

    def finish(self) -> None:
        self._sorted = sorted(set(self._offsets))

    def spans(self) -> Iterator[tuple[int, int, int]]:
        """The size, the offset in the blob, and the end in the blob (0 if unknown) of each chunk."""
        starts = self._starts
        for number, (offset, until) in enumerate(zip(self._offsets, self._ends, strict=True)):
            after = starts[number + 1] if number + 1 < len(starts) else self.total
            yield after - starts[number], offset, until

    def at(self, position: int) -> Chunk:
        """The chunk at a position below `total`."""
        number = bisect_right(self._starts, position) - 1
        start, offset = self._starts[number], self._offsets[number]
        last = number + 1 == len(self._starts)
        after = bisect_right(self._sorted, offset)
        digest = bytes(self._digests[32 * number : 32 * number + 32])
        return Chunk(
            start=start,
            size=(self.total if last else self._starts[number + 1]) - start,
            offset=offset,
            end=self._sorted[after] if after < len(self._sorted) else self._end,
            inner=self._inner[number],
            digest=digest if self._flags[number] & _HASHED else None,
            zeros=bool(self._flags[number] & _ZEROS),
        )


def read_members(
    data: bytes, chunks: Chunks, end: int, limits: Limits, budget: Budget | None
) -> Iterator[Member]:
    """The members in the order of the table. Their `data` is an offset in all contents, which never goes back.

    The chunks of each file are added to `chunks`. Raises `UnusableError` for a table that contradicts itself, and
    `LimitExceeded`.
    """
    file: _File | None = None
    count = 0
    for row in _rows(data):
        if row.get("type") == "chunk":
            if file is None:
                raise UnusableError("its table of contents has a chunk without a file")
            file.add(row)
            continue
        if file is not None:
            file.finish(chunks, end)
            file = None
        count += 1
        if count > limits.members:
            raise LimitExceeded(f"more than {limits.members} members", limit="members")
        member = _member(row, limits, budget)
        member.data = chunks.total
        if member.kind == FILE and member.size:
            file = _File(member.size, row)
            # The member is complete, but more of its chunks may follow in the next rows.
            yield member
            continue
        yield member
    if file is not None:
        file.finish(chunks, end)
    chunks.finish()


class _File:
    """A file whose chunks are being read."""

    def __init__(self, size: int, row: Row) -> None:
        self._size = size
        self._digest = row.get("digest")
        self._rows = [row]

    def add(self, row: Row) -> None:
        self._rows.append(row)

    def finish(self, chunks: Chunks, end: int) -> None:
        rows = self._rows
        until = _number(rows[0], "endOffset")
        for number, row in enumerate(rows):
            start = _number(row, "chunkOffset")
            after = (
                _number(rows[number + 1], "chunkOffset") if number + 1 < len(rows) else self._size
            )
            size = _number(row, "chunkSize") or self._size - start
            offset = _number(row, "offset")
            if (number == 0 and start) or start + size != after or size <= 0:
                raise UnusableError(
                    "its table of contents has chunks that do not make up their file"
                )
            if not 0 < offset < end or until > end:
                raise UnusableError("its table of contents points outside of the contents")
            text = row.get("chunkDigest") or (self._digest if len(rows) == 1 else "")
            chunks.add(
                size,
                offset,
                _number(row, "innerOffset"),
                _digest(text),
                row.get("chunkType") == "zeros",
                until if number + 1 == len(rows) else 0,
            )


def _rows(data: bytes) -> Iterator[Row]:
    """The objects in `entries`, one at a time, so that a large table is never all in memory as objects."""
    try:
        text = data.decode("utf-8")
        decode = _Values(text).decode
        position = _after(text, 0, "{")
        while True:
            key, position = decode(position)
            position = _after(text, position, ":")
            if key != "entries":
                value, position = decode(position)
                if key == "version" and value != 1:
                    raise UnusableError(f"its table of contents is of version {value!r}, not 1")
            else:
                position = _after(text, position, "[")
                while text[position : position + 1] != "]":
                    row, position = decode(position)
                    if not isinstance(row, dict):
                        raise UnusableError("its table of contents has a row that is not an object")
                    yield row
                    position = _space(text, position)
                    if text[position : position + 1] == ",":
                        position = _space(text, position + 1)
                position += 1
            position = _space(text, position)
            if text[position : position + 1] == "}":
                return
            position = _after(text, position, ",")
    except (ValueError, RecursionError):
        raise UnusableError(
            f"its table of contents is not JSON, or has a row of over {_LONGEST} characters"
        ) from None


class _Values:
    """Decodes one value of a text at a time. It sees only so much of the text, because objects take many times as much."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._decode = json.JSONDecoder().raw_decode
        self._start = self._end = 0
        self._seen = ""

    def decode(self, position: int) -> tuple[Any, int]:
        """The value at a position, and the position after it; raises `ValueError`, also for a long value."""
        if self._end < min(position + _LONGEST, len(self._text)):
            self._start, self._end = position, position + 2 * _LONGEST
            self._seen = self._text[self._start : self._end]
        value, end = self._decode(self._seen, position - self._start)
        return value, self._start + end


def _space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return position if match is None else match.end()


def _after(text: str, position: int, sign: str) -> int:
    position = _space(text, position)
    if text[position : position + 1] != sign:
        raise ValueError(sign)
    return _space(text, position + 1)


def _member(row: Row, limits: Limits, budget: Budget | None) -> Member:
    kind = _KINDS.get(str(row.get("type")))
    if kind is None:
        raise UnusableError(
            f"its table of contents has a member of type {str(row.get('type'))[:20]!r}"
        )
    path, link = _path(row, "name", limits), _path(row, "linkName", limits)
    owner = (
        _number(row, "mode") & PERMISSIONS,
        _number(row, "uid"),
        _number(row, "gid"),
    )
    extra = None
    xattrs = row.get("xattrs")
    if xattrs:
        extra = Extra(_xattrs(xattrs, budget))
    if kind in _DEVICES:
        device = _number(row, "devMajor"), _number(row, "devMinor")
        extra = Extra(extra.xattrs if extra is not None else (), device)
    size = _number(row, "size") if kind == FILE else 0
    is_link = kind in (SYMLINK, HARDLINK)
    member = Member(path, kind, size, -1, owner, _time(row), link if is_link else b"", extra)
    member.fingerprint = _digest(row.get("digest")) if size else None
    return member


def _path(row: Row, key: str, limits: Limits) -> bytes:
    text = row.get(key, "")
    if not isinstance(text, str) or _LOST in text:
        raise UnusableError("its table of contents has a name that is not UTF-8")
    try:
        path = text.encode()
    except UnicodeEncodeError:
        raise UnusableError("its table of contents has a name that is not UTF-8") from None
    if len(path) > limits.path_bytes:
        raise LimitExceeded(
            f"a name of {len(path)} bytes, over the {limits.path_bytes} allowed",
            limit="path_bytes",
        )
    return path.partition(b"\0")[0]


def _xattrs(values: object, budget: Budget | None) -> tuple[tuple[bytes, bytes], ...]:
    found = []
    try:
        for name, value in sorted(dict(values).items()):  # type: ignore[call-overload]
            pair = name.encode(), b64decode(value or "", validate=True)
            found.append(pair)
    except (ValueError, TypeError, AttributeError):
        raise UnusableError("its table of contents has attributes that cannot be read") from None
    if budget is not None:
        budget.spend(sum(ATTRIBUTE_BYTES + len(name) + len(value) for name, value in found))
    return tuple(found)


def _number(row: Row, key: str) -> int:
    value = row.get(key, 0)
    if type(value) is not int or not 0 <= value < _MOST:
        raise UnusableError(f"its table of contents has a {key} that is not a count")
    return value


def _digest(text: object) -> bytes | None:
    if not text:
        return None
    match = _DIGEST.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise UnusableError("its table of contents has a digest that cannot be read")
    return bytes.fromhex(match[1])


def _time(row: Row) -> int:
    """Whole seconds since 1970; 0 if the table has no time."""
    text = row.get("modtime")
    if not text:
        return 0
    match = _TIME.fullmatch(text) if isinstance(text, str) else None
    try:
        if match is None:
            raise ValueError(text)
        moment = datetime.fromisoformat(match[1] + match[2])
    except ValueError:
        raise UnusableError("its table of contents has a time that cannot be read") from None
    return int((moment - _EPOCH).total_seconds() // 1)
