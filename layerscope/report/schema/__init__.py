"""The JSON Schemas of the documents that layerscope writes."""

from __future__ import annotations

from pathlib import Path

SCHEMAS = {
    "analysis": "analysis-1.json",
    "comparison": "comparison-1.json",
    "images": "images-1.json",
}
"""File by kind of document; the number in a file's name is its `schema_version`."""


def schema_text(kind: str = "analysis") -> str:
    """The JSON Schema of a kind of document, as published. Raises `KeyError` for a kind there is none of."""
    return (Path(__file__).parent / SCHEMAS[kind]).read_text(encoding="utf-8")
