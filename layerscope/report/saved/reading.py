"""Reads the document of a saved report. The entries of layers become the columns of an index on the way."""

from __future__ import annotations

from typing import Any

from layerscope.errors import LimitExceeded
from layerscope.limits import Limits
from layerscope.report.saved.entries import EntryReader
from layerscope.report.saved.plain import PLAIN
from layerscope.report.saved.saved_rows import SavedRows
from layerscope.report.saved.stored import Stored
from layerscope.report.saved.stream import JsonStream


def read_document(stored: Stored, name: str, limits: Limits) -> dict[str, Any]:
    """The document, with `SavedRows` for the entries of a layer.

    Raises `UsageError` unless it is an object of strict JSON with a `kind`, and `LimitExceeded`.
    """
    stream = JsonStream(stored, name, limits)
    if stream.sign() != "{":
        stream.value()
        stream.end()
        stream.refuse("is not a layerscope report")
    reader = _Reader(stored, stream, limits)
    document = {
        key: reader.layers() if key == "layers" and stream.sign() == "[" else stream.value(1)
        for key in stream.members()
    }
    stream.end()
    if "kind" not in document:
        stream.refuse("is not a layerscope report")
    return document


class _Reader:
    def __init__(self, stored: Stored, stream: JsonStream, limits: Limits) -> None:
        self._stored = stored
        self._stream = stream
        self._limits = limits
        self._reader = EntryReader(stream.name, limits)

    def layers(self) -> list[Any]:
        rows: list[Any] = []
        for _ in self._stream.elements():
            if len(rows) >= self._limits.layers:
                raise LimitExceeded(
                    f"{self._stream.name} has over {self._limits.layers} layers", limit="layers"
                )
            is_object = self._stream.sign() == "{"
            rows.append(self._layer(len(rows)) if is_object else self._stream.value(2))
        return rows

    def _layer(self, number: int) -> dict[str, Any]:
        stream = self._stream
        return {
            key: self._entries(f"layers[{number}]")
            if key == "entries" and stream.sign() == "["
            else stream.value(3)
            for key in stream.members()
        }

    def _entries(self, layer: str) -> SavedRows:
        stream = self._stream
        start = stream.place
        return SavedRows(
            self._stored,
            stream.name,
            self._limits,
            start=start,
            codec=stream.codec,
            columns=self._reader.read(stream.rows(PLAIN), layer),
        )
