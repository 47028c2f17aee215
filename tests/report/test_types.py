"""The types of the documents agree with their JSON Schemas."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import (
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import pytest

import layerscope
from layerscope.report.comparison.rows import ComparisonDocument, ImagesDocument
from layerscope.report.document.rows import AnalysisDocument, HeadDocument, ReportDocument
from layerscope.report.platforms.rows import PlatformsDocument
from layerscope.report.schema import SCHEMAS, schema_text

_PLAIN = {int: "integer", float: "number", str: "string", bool: "boolean", NoneType: "null"}
_BARE = (
    "causes",
    "dead_weight",
    "dive_compatible",
    "duplicates",
    "filesystem",
    "findings",
    "origin",
    "packages",
    "secrets",
)
"""Keys that need the layers, so a report of an image whose layers were not read doesn't have them."""


class Agreement:
    """Walks a type and its schema side by side. `found` are the problems."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._definitions = schema.get("$defs", {})
        self.found: list[str] = []

    def _resolved(self, schema: dict[str, Any]) -> dict[str, Any]:
        while str(schema.get("$ref", "")).startswith("#/$defs/"):
            schema = self._definitions[schema["$ref"].rpartition("/")[2]]
        return schema

    def check(self, kind: Any, schema: dict[str, Any], place: str) -> None:
        if kind == ReportDocument:
            if schema != {"$ref": "urn:layerscope:analysis-1"}:
                self.found.append(f"{place}: not the report of one image")
            return
        schema = self._resolved(schema)
        origin = get_origin(kind)
        if is_typeddict(kind):
            self.object(kind, schema, place)
        elif origin in (Union, UnionType):
            self._union(get_args(kind), schema, place)
        elif origin is Literal:
            allowed = schema.get("enum", [schema["const"]] if "const" in schema else None)
            if allowed is None and set(map(type, get_args(kind))) == {bool}:
                allowed = list(get_args(kind))
            if allowed is None or set(allowed) != set(get_args(kind)):
                self.found.append(f"{place}: {get_args(kind)} and {allowed}")
        elif origin is list or origin is Sequence:
            self._typed(schema, "array", place)
            self.check(get_args(kind)[0], schema.get("items", {}), f"{place}[]")
        elif origin is dict:
            self._typed(schema, "object", place)
            self.check(get_args(kind)[1], schema["additionalProperties"], f"{place}.*")
        elif "const" in schema or "enum" in schema:
            values = schema.get("enum", [schema.get("const")])
            if not all(isinstance(value, kind) for value in values):
                self.found.append(f"{place}: {values} are not all {kind}")
        else:
            self._typed(schema, _PLAIN[kind], place)

    def _typed(self, schema: dict[str, Any], word: str, place: str) -> None:
        if schema.get("type") != word:
            self.found.append(f"{place}: {word} and {schema.get('type')}")

    def _union(self, kinds: Sequence[Any], schema: dict[str, Any], place: str) -> None:
        choices = list(self._choices(schema))
        others = [each for each in kinds if each is not NoneType]
        if (NoneType in kinds) != any(each.get("type") == "null" for each in choices):
            self.found.append(f"{place}: null in one of the two")
        choices = [each for each in choices if each.get("type") != "null"]
        if len(others) != len(choices):
            self.found.append(f"{place}: {len(others)} kinds and {len(choices)}")
            return
        for kind, choice in zip(others, choices, strict=True):
            self.check(kind, choice, place)

    def _choices(self, schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The alternatives that a schema allows."""
        for each in schema.get("anyOf", [schema]):
            choice = self._resolved(each)
            if None in choice.get("enum", ()):
                yield {"type": "null"}
                yield {**choice, "enum": [value for value in choice["enum"] if value is not None]}
            elif isinstance(choice.get("type"), list):
                yield from ({**choice, "type": word} for word in choice["type"])
            else:
                yield choice

    def object(self, kind: Any, schema: dict[str, Any], place: str) -> None:
        self._typed(schema, "object", place)
        hints = get_type_hints(kind, include_extras=True)
        properties = schema.get("properties", {})
        if hints.keys() != properties.keys():
            self.found.append(f"{place}: {sorted(hints.keys() ^ properties.keys())} in one")
        needed = kind.__required_keys__
        if needed != set(schema.get("required", ())):
            self.found.append(
                f"{place}: {sorted(needed ^ set(schema.get('required', ())))} required in one"
            )
        for key in hints.keys() & properties.keys():
            hint = hints[key]
            inner = get_args(hint)[0] if get_origin(hint) is NotRequired else hint
            self.check(inner, properties[key], f"{place}.{key}")


def branch(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """The schema of a report whose layers were read (`else`), or were not (`then`)."""
    return {**schema, "properties": {**schema["properties"], **schema[name]["properties"]}}


def problems(kind: Any, schema: dict[str, Any]) -> list[str]:
    agreement = Agreement(schema)
    agreement.object(kind, schema, "document")
    return agreement.found


def loaded(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(schema_text(name))
    if name != "analysis":
        return schema
    # Both branches share these rows, so the schema lets their numbers be null. They are numbers where layers were read.
    definitions = schema["$defs"]
    definitions["instruction"]["properties"]["sizes"] = {"$ref": "#/$defs/sizes"}
    changes = definitions["layer"]["properties"]["changes"]["properties"]
    for key in changes:
        changes[key] = {"$ref": "#/$defs/count"}
    return branch(schema, "else")


DOCUMENTS = {
    "analysis": AnalysisDocument,
    "comparison": ComparisonDocument,
    "images": ImagesDocument,
    "platforms": PlatformsDocument,
}


def test_every_schema_has_a_type() -> None:
    assert DOCUMENTS.keys() == SCHEMAS.keys()


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_a_type_and_its_schema_name_the_same_keys(name: str) -> None:
    assert problems(DOCUMENTS[name], loaded(name)) == []


def test_a_report_without_layers_has_the_same_keys() -> None:
    read, bare = get_type_hints(AnalysisDocument), get_type_hints(HeadDocument)
    assert bare.keys() == read.keys() - set(_BARE)
    assert HeadDocument.__required_keys__ == AnalysisDocument.__required_keys__ | {"head"}
    nulls = {key for key, kind in bare.items() if kind is NoneType}
    then = json.loads(schema_text("analysis"))["then"]["properties"]
    assert nulls == {key for key, schema in then.items() if schema.get("type") == "null"}


def test_a_key_that_only_the_schema_has_is_found() -> None:
    schema = loaded("images")
    schema["properties"]["more"] = {"type": "string"}
    assert problems(ImagesDocument, schema) == ["document: ['more'] in one"]


def test_a_key_that_only_the_type_requires_is_found() -> None:
    schema = loaded("images")
    schema["required"].remove("total")
    assert problems(ImagesDocument, schema) == ["document: ['total'] required in one"]


def test_another_type_of_a_value_is_found() -> None:
    schema = loaded("comparison")
    schema["properties"]["shared_layers"] = {"type": "string"}
    assert problems(ComparisonDocument, schema) == [
        "document.shared_layers: integer and string",
    ]


def test_no_module_has_an_untyped_row_or_document() -> None:
    package = Path(layerscope.__file__).parent
    rooms = (package / "report", package / "tui", package / "cli")
    modules = [path for room in rooms for path in room.rglob("*.py")]
    assert len(modules) > 100
    loose = re.compile(r"^\w*(Row|Document) = (dict|Mapping|Any)\b", re.MULTILINE)
    assert [path for path in modules if loose.search(path.read_text(encoding="utf-8"))] == []
