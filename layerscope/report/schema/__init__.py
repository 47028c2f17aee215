"""The JSON Schemas of the documents that layerscope writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

ANALYSIS: Final = "urn:layerscope:analysis-1"
"""What other schemas call that of one image."""
SCHEMAS = {
    "analysis": "analysis-1.json",
    "comparison": "comparison-1.json",
    "images": "images-1.json",
    "platforms": "platforms-1.json",
}
"""The file for each kind of document. The number in its name is the `schema_version`."""


def schema_text(kind: str = "analysis") -> str:
    """The published JSON Schema of a kind of document. Raises `KeyError` for an unknown kind."""
    text = (Path(__file__).parent / SCHEMAS[kind]).read_text(encoding="utf-8")
    return _with_analysis(text) if kind == "platforms" else text


def _with_analysis(text: str) -> str:
    """A schema that names that of one image, with it inside."""
    schema = json.loads(text)
    schema["$defs"] = {"analysis": {"$id": ANALYSIS, **json.loads(schema_text())}}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
