"""The entries of a layer in a saved report: what the tree is made of, and the rows, which stay in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, overload

from layerscope.limits import Limits
from layerscope.report.document.entry_rows import JsonRows
from layerscope.report.saved.plain import PLAIN
from layerscope.report.saved.stored import Stored
from layerscope.report.saved.stream import JsonStream

if TYPE_CHECKING:
    from layerscope.layers.layer_index import LayerIndex
    from layerscope.report.document.rows import EntryRow

_encode = json.JSONEncoder(allow_nan=False, sort_keys=True).encode


class SavedRows(JsonRows):
    """The rows of `entries` as they were saved, read again from the file when they are asked for.

    `columns` is what they say.
    """

    __slots__ = ("_codec", "_limits", "_name", "_start", "_stored", "columns")

    def __init__(
        self,
        stored: Stored,
        name: str,
        limits: Limits,
        *,
        start: int,
        codec: str,
        columns: LayerIndex,
    ) -> None:
        self._stored = stored
        self._name = name
        self._limits = limits
        self._start = start
        self._codec = codec
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns)

    def __iter__(self) -> Iterator[EntryRow]:
        return self._again().rows()

    def _again(self) -> JsonStream:
        self._stored.check(self._name)
        return JsonStream(
            self._stored, self._name, self._limits, start=self._start, codec=self._codec
        )

    @overload
    def __getitem__(self, index: int) -> EntryRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[EntryRow]: ...
    def __getitem__(self, index: int | slice) -> EntryRow | list[EntryRow]:
        if isinstance(index, slice):
            return list(self)[index]
        position = range(len(self))[index]
        return next(islice(self, position, None))

    def json_rows(self) -> Iterator[str]:
        for row in self._again().rows(PLAIN):
            yield row[0] if isinstance(row, re.Match) else _encode(row)
