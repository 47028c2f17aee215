"""The JSON Schemas of the documents that layerscope writes."""

from __future__ import annotations

from pathlib import Path

SCHEMAS = {
    "analysis": "analysis-1.json",
    "comparison": "comparison-1.json",
    "images": "images-1.json",
}
"""The file for each kind of document. The number in its name is the `schema_version`."""


def schema_text(kind: str = "analysis") -> str:
    """The published JSON Schema of a kind of document. Raises `KeyError` for an unknown kind."""
    return (Path(__file__).parent / SCHEMAS[kind]).read_text(encoding="utf-8")
