"""tar-split: what engines keep of a layer's tar to rebuild it byte for byte (github.com/vbatts/tar-split).

A gzip file with one JSON object per line. A segment holds bytes of the tar in base64: headers, padding, the end marker.
A file entry has the name, the size, and the CRC-64 (ISO) of content that the engine unpacked into a folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from pybase64 import b64decode

from layerscope.errors import FormatError
from layerscope.image.blob import StoredBlob
from layerscope.layers.compression import Decompression
from layerscope.limits import MIB, Limits

LONGEST_LINE: Final = 16 * MIB
_SEGMENT: Final = b'{"type":2,"payload":"'
_BEGIN: Final = len(_SEGMENT)
_PAD: Final = ord("=")
_FILE: Final = re.compile(
    rb'\{"type":1,"name":"([^"\\]*)"(?:,"size":([0-9]{1,18}))?,"payload":(?:null|"([A-Za-z0-9+/]{11}=)"),"position":([0-9]+)\}'
)
_FILE_START: Final = b'{"type":1,"name":"'
_NAME: Final = len(_FILE_START)
_SIZE: Final = b'","size":'
_EMPTY: Final = b'","payload":null,'
"""What follows a name with bytes, and one without. In a name, these quotes would have a backslash before them."""
_MOST_DIGITS: Final = 19
_FILE_TYPE, _SEGMENT_TYPE = 1, 2
_CRC_BYTES: Final = 8
_MOST: Final = 1 << 62


class Payload(NamedTuple):
    """The content of one file at its place in the tar: its name there, its size in bytes, and its CRC-64."""

    name: bytes
    size: int
    crc: int


class TarSplit:
    """Reads a tar-split file. Each pass is one decompression; raises `FormatError` where the file isn't as written."""

    def __init__(self, stored: StoredBlob, limits: Limits) -> None:
        self.stored = stored
        self._limits = limits

    def _lines(self, advanced: Callable[[int], None] | None) -> Iterator[bytes]:
        rest: list[bytes] = []
        waiting = 0
        for chunk in Decompression(self.stored, "gzip", self._limits, advanced=advanced):
            first, *others = chunk.split(b"\n")
            rest.append(first)
            waiting += len(first)
            if waiting > LONGEST_LINE:
                raise self._wrong(f"a line of more than {LONGEST_LINE} bytes")
            if others:
                yield b"".join(rest)
                last = others.pop()
                yield from others
                rest = [last]
                waiting = len(last)
        if waiting:
            raise self._wrong("its last line is cut short")

    def tar_size(self) -> int:
        """The bytes of the tar. Takes the lengths of segments and files as they are; `pieces` checks the lines."""
        total = 0
        for position, line in enumerate(self._lines(None)):
            if line.startswith(_SEGMENT):
                end = line.find(b'"', _BEGIN)
                width = end - _BEGIN
                if width < 0 or width & 3:
                    raise self._wrong(f"line {position + 1} is not base64")
                total += (width >> 2) * 3
                if width and line[end - 1] == _PAD:
                    total -= 1 + (line[end - 2] == _PAD)
                continue
            end = line.find(b'"', _NAME)
            if line.startswith(_SIZE, end) and line.startswith(_FILE_START):
                at = end + len(_SIZE)
                digits = line[at : line.find(b",", at)]
                if digits.isdigit() and len(digits) < _MOST_DIGITS:
                    total += int(digits)
                    continue
            elif line.startswith(_EMPTY, end) and line.startswith(_FILE_START):
                continue
            piece = self._entry(line, position)
            if piece is not None:
                total += len(piece) if isinstance(piece, bytes) else piece.size
        return total

    def pieces(self, advanced: Callable[[int], None] | None = None) -> Iterator[bytes | Payload]:
        """The tar in order: bytes that the file holds, and payloads of at least one byte that it doesn't."""
        decode = b64decode
        for position, line in enumerate(self._lines(advanced)):
            end = line.find(b'"', _BEGIN)
            if line.startswith(_SEGMENT) and line[end:] == b'","position":%d}' % position:
                try:
                    segment = decode(line[_BEGIN:end], validate=True)
                except ValueError as error:
                    raise self._wrong(f"line {position + 1} is not base64: {error}") from None
                if segment:
                    yield segment
                continue
            piece = self._entry(line, position)
            if piece:
                yield piece

    def _entry(self, line: bytes, position: int) -> bytes | Payload | None:
        """A line that isn't a plain segment; None for a file without content."""
        match = _FILE.fullmatch(line)
        if match is None:
            return self._odd_entry(line, position)
        name, size, crc, number = match.groups()
        if int(number) != position:
            raise self._wrong(f"line {position + 1} has position {int(number)}")
        if size is None or (count := int(size)) == 0:
            return None
        if crc is None:
            raise self._wrong(f"line {position + 1} has a size and no checksum")
        return Payload(name, count, int.from_bytes(b64decode(crc), "big"))

    def _odd_entry(self, line: bytes, position: int) -> bytes | Payload | None:
        """An entry whose name is escaped or not UTF-8, or whose fields are in another order."""
        try:
            found = json.loads(line)
            kind, number = found["type"], found["position"]
            size, payload = found.get("size", 0), found["payload"]
            name = found.get("name", "").encode("utf-8", "surrogatepass")
            raw = b64decode(found.get("name_raw", ""), validate=True)
            data = b"" if payload is None else b64decode(payload, validate=True)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise self._wrong(f"line {position + 1} is not an entry") from None
        if type(number) is not int or number != position or type(size) is not int:
            raise self._wrong(f"line {position + 1} is not an entry at position {position}")
        if kind == _SEGMENT_TYPE and not size:
            return data
        if kind != _FILE_TYPE or not 0 <= size < _MOST or (size and len(data) != _CRC_BYTES):
            raise self._wrong(f"line {position + 1} is neither a segment nor a file")
        return Payload(raw or name, size, int.from_bytes(data, "big")) if size else None

    def _wrong(self, what: str) -> FormatError:
        return FormatError(f"{self.stored.name}: {what}")
