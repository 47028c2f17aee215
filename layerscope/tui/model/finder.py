"""Finds a filter's hits among the names of one view, as flags by number."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from layerscope.analysis.filter.pattern import Pattern, plain
from layerscope.analysis.filter.query import Query
from layerscope.errors import Cancelled
from layerscope.tui.model.flags import NO_DIRECTORY, Flags, both, either, select
from layerscope.tui.model.outline import Outline
from layerscope.tui.model.view import Totals

PATIENCE: Final = 0.12
"""Seconds after which a search reports what it has so far."""


class Finder:
    """Finds a query's hits among the names of one view.

    If a pattern takes longer than `PATIENCE`, `partly` gets the hits so far, once.
    """

    def __init__(
        self,
        outline: Outline,
        totals: Totals,
        cancelled: Callable[[], bool] | None = None,
        partly: Callable[[Flags], None] | None = None,
    ) -> None:
        self._outline = outline
        self._totals = totals
        self._cancelled = cancelled
        self._partly = partly

    def find(self, query: Query, shown: Flags) -> Flags:
        """The numbers in `shown` that match the query, as flags. Raises `Cancelled`."""
        until = time.monotonic() + PATIENCE
        found = shown
        for text in query.texts:
            found = self._containing(text, found)
        totals = self._totals
        if query.types is not None:
            found = both(found, select(totals.kinds, query.types))
        if query.marks is not None:
            found = both(found, select(totals.marks, query.marks))
        if query.layer is not None:
            layer = query.layer
            found = both(found, bytearray([each == layer for each in totals.layer]))
        if query.over is not None:
            over = query.over
            found = both(found, bytearray([each > over for each in totals.size]))
        if query.under is not None:
            under = query.under
            found = both(found, bytearray([each < under for each in totals.size]))
        if query.wasted:
            found = both(found, bytearray([each > 0 for each in totals.wasted]))
        if query.over is not None or query.under is not None or query.wasted:
            found = both(found, select(totals.kinds, NO_DIRECTORY))
        for pattern in query.patterns:
            last = self._partly is not None and pattern is query.patterns[-1]
            found = self._passing(pattern, found, until if last else None)
        found[0] = 0
        return found

    def _containing(self, text: bytes, among: Flags) -> Flags:
        """What has the text in its path: in its name, in the name of a directory above it, or across names."""
        if text == b"/":
            return among
        if b"/" in text:
            found = self._passing(plain(text, names=False), among)
            if text.startswith(b"/"):
                top = plain(b"\0" + text[1:], names=False)
                found = either(found, self._passing(top, among))
            return found
        return both(self._named(text), among)

    def _named(self, text: bytes) -> Flags:
        """What has the text in its name or a parent directory's name; nothing below such a directory needs a check."""
        outline = self._outline
        first, count, directories = outline.first, outline.count, outline.directories
        found = bytearray(len(outline))
        left = bytearray(b"\1" * len(outline))
        pattern = plain(text, names=True)
        texts = outline.texts(names=True, folded=pattern.folded)
        done = 0
        for start, flags in texts.find(pattern, left):
            self._stop_if_cancelled()
            end = start + len(flags)
            found[start:end] = either(found[start:end], flags)
            while done < len(directories) and directories[done] < end:
                number = directories[done]
                if found[number]:
                    below = slice(first[number], first[number] + count[number])
                    found[below] = b"\1" * count[number]
                    left[below] = bytes(count[number])
                done += 1
        return found

    def _passing(self, pattern: Pattern, among: Flags, until: float | None = None) -> Flags:
        texts = self._outline.texts(names=pattern.names, folded=pattern.folded)
        found = bytearray(len(among))
        for start, flags in texts.find(pattern, among):
            self._stop_if_cancelled()
            found[start : start + len(flags)] = flags
            if until is not None and self._partly is not None and time.monotonic() > until:
                until = None
                found[0] = 0
                self._partly(found)
        return found

    def _stop_if_cancelled(self) -> None:
        if self._cancelled is not None and self._cancelled():
            raise Cancelled("cancelled")
