"""The bytes after the end marker of a tar."""

from __future__ import annotations

from typing import Final

from layerscope.layers.header import BLOCK_SIZE, FIELDS, FieldError, is_header, number

ESTARGZ_TOC: Final = b"stargz.index.json"


class Remainder:
    """Takes the bytes from the end marker on, piece by piece, and says whether they are more than padding.

    Zeros are padding. So is an eStargz table of contents: some builders keep the tar as it is, end marker included, and
    append the table as one more member, with zeros around it.
    """

    def __init__(self) -> None:
        self._odd = False
        self._seen = 0
        self._header = b""
        self._content = 0
        self._has_table = False

    @property
    def is_odd(self) -> bool:
        """Whether there is anything but padding so far."""
        return self._odd or bool(self._header) or self._content > 0

    @property
    def is_settled(self) -> bool:
        """Whether more bytes can't change the answer."""
        return self._odd

    def feed(self, data: bytes) -> None:
        """Take the next bytes. The first call must start at a block boundary of the tar."""
        while data and not self._odd:
            if self._content:
                count = min(self._content, len(data))
                self._content -= count
            elif self._header:
                count = min(BLOCK_SIZE - len(self._header), len(data))
                self._header += data[:count]
                if len(self._header) == BLOCK_SIZE:
                    self._open_table()
            else:
                rest = data.lstrip(b"\0")
                count = len(data) - len(rest)
                if rest:
                    self._odd = self._has_table or (self._seen + count) % BLOCK_SIZE != 0
                    self._header = rest[:1]
                    count += 1
            self._seen += count
            data = data[count:]

    def _open_table(self) -> None:
        header, self._header = self._header, b""
        name, _, size, *_ = FIELDS.unpack(header)
        try:
            length = number(size)
        except FieldError:
            length = -1
        self._has_table = name.partition(b"\0")[0] == ESTARGZ_TOC and is_header(header)
        self._odd = not self._has_table or length < 0
        self._content = length + (-length % BLOCK_SIZE)
