"""docs/json.md names every key of the JSON Schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from layerscope.report.schema import SCHEMAS, schema_text

PAGE = Path(__file__).parents[2] / "docs" / "json.md"


def keys(schema: Any) -> Iterator[str]:
    """The names of all properties, at any depth."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict) and all(
            isinstance(each, dict | bool) for each in properties.values()
        ):
            yield from properties
        for each in schema.values():
            yield from keys(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from keys(each)


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_docs_name_every_key_of_the_schema(kind: str) -> None:
    named = set(re.findall(r"`([A-Za-z_]+)`", PAGE.read_text()))
    found = set(keys(json.loads(schema_text(kind))))
    assert len(found) > 10
    assert sorted(found - named) == []
