"""The report document as JSON: ASCII, sorted keys, one row per line, the same bytes for the same document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from layerscope.report.document.entry_rows import JsonRows

_encode = json.JSONEncoder(allow_nan=False, sort_keys=True).encode


def dumps(document: Mapping[str, object]) -> str:
    """The document as JSON text with a final newline, as every front end writes it."""
    return "".join(pieces(document))


def pieces(document: Mapping[str, object]) -> Iterator[str]:
    """The same text in pieces, so that the entries of a large image are never one string in memory."""
    start = "{\n"
    for key in sorted(document):
        yield f"{start}  {_encode(key)}: "
        yield from _value(document[key])
        start = ",\n"
    yield "\n}\n" if document else "{}\n"


def _value(value: Any) -> Iterator[str]:
    if not (isinstance(value, list) and value and isinstance(value[0], dict)):
        yield _encode(value)
        return
    start = "[\n"
    for row in value:
        yield f"{start}    "
        yield from _row(row)
        start = ",\n"
    yield "\n  ]"


def _row(row: Mapping[str, object]) -> Iterator[str]:
    entries = row.get("entries")
    if not isinstance(entries, JsonRows | list):
        yield _encode(row)
        return
    texts = entries.json_rows() if isinstance(entries, JsonRows) else map(_encode, entries)
    start = "{"
    for key in sorted(row):
        yield f"{start}{_encode(key)}: "
        start = ", "
        if key != "entries":
            yield _encode(row[key])
            continue
        between = "[\n      "
        for text in texts:
            yield between + text
            between = ",\n      "
        yield "\n    ]" if entries else "[]"
    yield "}"
