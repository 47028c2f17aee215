"""How many stored bytes are decompressed at once, which says how closely they can be measured."""

from __future__ import annotations

from typing import Final

READ_SIZE: Final = 64 * 1024
"""Stored bytes to read at once, and to decompress at once if nobody measures them."""
_CLOSE: Final = 4 * 1024
"""The same where a file may begin."""
_CLOSEST: Final = 1024
_OF_BLOB: Final = 4096
"""A small blob has this many steps. It needs closer ones to tell its small files apart."""
_FIRST: Final = 1024
_GROWTH: Final = 4


class Feed:
    """The sizes of the steps in which a blob of `size` bytes is decompressed.

    Inside a long file they are half of what is likely left of it, so that the end of the file is met closely.
    """

    def __init__(self, size: int, *, measured: bool) -> None:
        self._close = max(_CLOSEST, min(_CLOSE, size // _OF_BLOB)) if measured else READ_SIZE
        self._step = 0
        self._taken = 0
        self._produced = 0
        self.inside_until = 0
        """No file begins before this uncompressed offset."""

    def begin(self, produced: int) -> None:
        """Begin a member or frame after `produced` uncompressed bytes. It may be tiny, so the first step is small."""
        self._step = _FIRST // _GROWTH
        self._taken = 0
        self._produced = produced

    def take(self, stock: bytes, at: int, produced: int) -> bytes:
        """The stored bytes to decompress next, from offset `at` of those at hand, after `produced` uncompressed bytes."""
        self._step = min(_GROWTH * self._step, self._wanted(produced))
        taken = stock[at : at + self._step]
        self._taken, self._produced = len(taken), produced
        return taken

    def _wanted(self, produced: int) -> int:
        left = self.inside_until - produced
        made = produced - self._produced
        if left <= 0 or not made:
            return self._close
        return max(self._close, min(READ_SIZE, left * self._taken // (2 * made)))
