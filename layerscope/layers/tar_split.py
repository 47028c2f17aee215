"""tar-split: what engines keep of a layer's tar to rebuild it byte for byte (github.com/vbatts/tar-split).

A gzip file with one JSON object per line. A segment holds bytes of the tar in base64: headers, padding, the end marker.
A file entry has the name, the size, and the CRC-64 (ISO) of content that the engine unpacked into a folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import accumulate, compress
from operator import add
from typing import Final, NamedTuple

from pybase64 import b64decode

from layerscope.errors import FormatError
from layerscope.image.blob import StoredBlob
from layerscope.layers.compression import Decompression
from layerscope.limits import KIB, MIB, Limits

LONGEST_LINE: Final = 16 * MIB
CRC_BYTES: Final = 8
CRC_STRIDE: Final = CRC_BYTES + 1
"""Checksums come from base64 with a byte between them, so that one call decodes them all."""
_TEXT: Final = 320 * KIB
"""How much is parsed at once: about as many headers as the scanner decodes at once."""
_SEGMENT: Final = b'{"type":2,"payload":"'
_PAIR: Final = re.compile(
    rb'\{"type":2,"payload":"([^"]*)","position":([0-9]{1,18})\}\n'
    rb'\{"type":1,"name":"([^"\\\n]*)"(?:,"size":([0-9]{1,18}))?,"payload":(?:null|"([^"]{12})"),"position":([0-9]{1,18})\}\n'
)
"""A segment and the file after it. What the groups take for base64 is decoded strictly."""
_GROUPS: Final = _PAIR.groups + 1
_CRC_WIDTH: Final = 12
_FILE_TYPE, _SEGMENT_TYPE = 1, 2
_MOST: Final = 1 << 62


class Run(NamedTuple):
    """A stretch of the tar: segments, each with the content of a file after it, which may be empty.

    `contents` are the offsets at which the segments end. `names` and `crcs` are those of the files that aren't empty;
    each checksum takes `CRC_STRIDE` bytes.
    """

    segments: list[bytes]
    contents: list[int]
    sizes: list[int]
    names: list[bytes]
    crcs: bytes

    @property
    def end(self) -> int:
        """The offset after the last content."""
        return self.contents[-1] + self.sizes[-1]


class TarSplit:
    """Reads a tar-split file. Each pass is one decompression; raises `FormatError` where the file isn't as written."""

    def __init__(self, stored: StoredBlob, limits: Limits) -> None:
        self.stored = stored
        self._limits = limits

    def runs(self, advanced: Callable[[int], None] | None = None) -> Iterator[Run]:
        """The tar in order. `advanced` counts bytes of the tar-split file."""
        line = position = 0
        for part in self._parts(advanced):
            if isinstance(part, bytes):
                run = self._single(part, line, position)
                line += 1
            else:
                run = self._pairs(part, line, position)
                line += 2 * (len(part) // _GROUPS)
            position = run.end
            yield run

    def _parts(self, advanced: Callable[[int], None] | None) -> Iterator[list[bytes] | bytes]:
        """The usual pairs of lines that follow each other, as `_PAIR.split` gives them, and all other lines one by one."""
        rest = b""
        for text in self._texts(advanced):
            parts = _PAIR.split(rest + text)
            first, last = 0, len(parts) - 1
            for at in [at for at in range(0, last, _GROUPS) if parts[at]] + [last]:
                if at > first:
                    yield parts[first:at]
                first = at
                *lines, rest = parts[at].split(b"\n")
                if at < last and rest:
                    raise self._wrong("a line holds more than an entry")
                if at == last and len(lines) == 1 and lines[0].startswith(_SEGMENT):
                    rest = parts[at]  # the file of this segment is still to come
                else:
                    yield from lines
        *lines, rest = rest.split(b"\n")
        yield from lines
        if rest:
            raise self._wrong("its last line is cut short")

    def _texts(self, advanced: Callable[[int], None] | None) -> Iterator[bytes]:
        """The text in pieces that contain at least one end of a line each, but for the last one."""
        waiting: list[bytes] = []
        size = 0
        ends = False
        for chunk in Decompression(self.stored, "gzip", self._limits, advanced=advanced):
            waiting.append(chunk)
            size += len(chunk)
            ends = ends or b"\n" in chunk
            if size >= _TEXT and ends:
                yield b"".join(waiting)
                waiting, size, ends = [], 0, False
            elif size > LONGEST_LINE:
                raise self._wrong(f"a line of more than {LONGEST_LINE} bytes")
        if waiting:
            yield b"".join(waiting)

    def tar_size(self) -> int:
        """The bytes of the tar, from a pass of its own."""
        end = 0
        for run in self.runs():
            end = run.end
        return end

    def _pairs(self, parts: list[bytes], line: int, position: int) -> Run:
        """The run of usual pairs, which begins at this line and at this position of the tar."""
        payloads, numbers, names, sizes, crcs, file_numbers = (
            parts[group::_GROUPS] for group in range(1, _GROUPS)
        )
        end = line + 2 * len(payloads)
        for found, expected in (
            (numbers, range(line, end, 2)),
            (file_numbers, range(line + 1, end, 2)),
        ):
            if list(map(int, found)) != list(expected):
                raise self._wrong(f"positions after line {line} are out of order")
        try:
            segments = [b64decode(payload, validate=True) for payload in payloads]
        except ValueError as error:
            raise self._wrong(f"a segment after line {line} is not base64: {error}") from None
        counts = [int(size) if size else 0 for size in sizes]
        widths = list(map(len, segments))
        contents = list(accumulate(map(add, counts, widths[1:]), initial=position + widths[0]))
        if contents[-1] + counts[-1] > _MOST:
            raise self._wrong(f"more than {_MOST} bytes before line {end + 1}")
        return Run(
            segments,
            contents,
            counts,
            list(compress(names, counts)),
            self._checksums(list(compress(crcs, counts)), line),
        )

    def _checksums(self, crcs: list[bytes], line: int) -> bytes:
        """The checksums of all files with content, from base64 that ends with one sign of padding each."""
        if None in crcs:
            raise self._wrong(f"a file after line {line} has a size and no checksum")
        text = b"".join(crcs)
        if not text.count(b"=") == text[_CRC_WIDTH - 1 :: _CRC_WIDTH].count(b"=") == len(crcs):
            raise self._wrong(f"a checksum after line {line} does not have {CRC_BYTES} bytes")
        try:
            return b64decode(text.replace(b"=", b"A"), validate=True)
        except ValueError as error:
            raise self._wrong(f"a checksum after line {line} is not base64: {error}") from None

    def _single(self, line: bytes, number: int, position: int) -> Run:
        """The run of one line that isn't part of a usual pair, such as one with an escaped name."""
        try:
            found = json.loads(line)
            kind, own_number = found["type"], found["position"]
            size, payload = found.get("size", 0), found["payload"]
            name = found.get("name", "").encode("utf-8", "surrogatepass")
            raw = b64decode(found.get("name_raw", ""), validate=True)
            data = b"" if payload is None else b64decode(payload, validate=True)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise self._wrong(f"line {number + 1} is not an entry") from None
        if type(own_number) is not int or own_number != number or type(size) is not int:
            raise self._wrong(f"line {number + 1} is not an entry at position {number}")
        if kind == _SEGMENT_TYPE and not size:
            return Run([data], [position + len(data)], [0], [], b"")
        fits = 0 <= size <= _MOST - position and (not size or len(data) == CRC_BYTES)
        if kind != _FILE_TYPE or not fits:
            raise self._wrong(f"line {number + 1} is neither a segment nor a file")
        if not size:
            return Run([b""], [position], [0], [], b"")
        return Run([b""], [position], [size], [raw or name], data + bytes(1))

    def _wrong(self, what: str) -> FormatError:
        return FormatError(f"{self.stored.name}: {what}")
