"""The body of an engine's response, read in pieces larger than its chunks.

An engine sends a tarball in chunks of 32 kB. `http.client` reads each of them with several calls, which takes a
third of the time of a report.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from http.client import HTTPResponse
from io import BufferedReader
from socket import socket
from typing import Any, Final, cast

from layerscope.limits import KIB
from layerscope.sources.engine_answers import OddAnswer

_PIECE: Final = 120 * KIB
"""The allocator gets new pages from the kernel for pieces from 128 KiB on, which takes four times as long as the reading."""
_LONGEST_LINE: Final = 1024
_SIZE: Final = re.compile(rb"[0-9a-fA-F]{1,16}")
_BROKEN: Final = "ended its response in the middle"
_MALFORMED: Final = "sent a malformed chunk"


class LargeResponse(HTTPResponse):
    """A response whose buffer takes a large piece at once."""

    def __init__(self, sock: socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        self.fp.close()
        self.fp = cast(BufferedReader, sock.makefile("rb", _PIECE))


def pieces(response: HTTPResponse) -> Iterator[bytes]:
    """All bytes of the body. Raises `OddAnswer` if it is cut short or malformed, and `OSError`."""

    def read() -> bytes:
        return response.fp.read1(_PIECE)

    if response.chunked:
        return unchunked(read)
    return _counted(read, response.length)


def _counted(read: Callable[[], bytes], length: int | None) -> Iterator[bytes]:
    while length is None or length > 0:
        data = read()
        if not data:
            if length is None:
                return
            raise OddAnswer(_BROKEN)
        if length is not None:
            data = data[:length]
            length -= len(data)
        yield data


def unchunked(read: Callable[[], bytes]) -> Iterator[bytes]:
    """The content of a chunked body, joined as far as it arrives together.

    Specification: https://www.rfc-editor.org/rfc/rfc9112#section-7.1
    """
    rest = b""
    left = 0
    """The bytes that the chunk still has, its line break included; 0 before the line with its size."""
    while True:
        data = read()
        if not data:
            raise OddAnswer(_BROKEN)
        if rest:
            data = rest + data
            rest = b""
        view = memoryview(data)
        parts: list[memoryview] = []
        at, end = 0, len(data)
        while at < end:
            if left:
                stop = min(at + left, end)
                breaks = max(0, 2 - (left - (stop - at)))
                parts.append(view[at : stop - min(breaks, stop - at)])
                left -= stop - at
                at = stop
                continue
            line_end = data.find(b"\n", at, at + _LONGEST_LINE)
            if line_end < 0:
                if end - at >= _LONGEST_LINE:
                    raise OddAnswer(_MALFORMED)
                rest = data[at:]
                break
            size = _SIZE.match(data, at, line_end)
            if size is None:
                raise OddAnswer(_MALFORMED)
            at = line_end + 1
            left = int(size[0], 16) + 2
            if left == 2:
                if any(parts):
                    yield b"".join(parts)
                return
        if any(parts):
            yield b"".join(parts)
