"""Reads images like every command does, and records which layers are read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import layerscope
from layerscope.layers.reader import index_layer
from layerscope.options import ReadOptions
from layerscope.report.document.builder import build


def document_of(reference: str, **options: Any) -> str:
    """The whole JSON report, with every entry and hash."""
    remarks: list[str] = []
    with layerscope.read(reference, ReadOptions(**options), remark=remarks.append) as analysis:
        document: Any = build(analysis, files=True, hashes=True)
        for layer in document["layers"]:
            layer["entries"] = list(layer["entries"])
    assert not remarks
    return json.dumps(document, sort_keys=True)


@contextmanager
def layers_read(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The names of the blobs that are indexed while the block runs."""
    names: list[str] = []

    def counted(blob: Any, **given: Any) -> Any:
        names.append(blob.name)
        return index_layer(blob, **given)

    with monkeypatch.context() as patch:
        patch.setattr("layerscope.layers.stack.index_layer", counted)
        yield names
