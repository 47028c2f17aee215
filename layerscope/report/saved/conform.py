"""Checks a saved report against the types of the document, so that renderers can rely on them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from types import NoneType, UnionType
from typing import (
    Any,
    Final,
    Literal,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from layerscope.errors import UsageError
from layerscope.report.document.rows import AnalysisDocument, HeadDocument, ReportDocument
from layerscope.report.saved.fields import HINT

_LARGEST: Final = 2**63 - 1
_INSTRUCTIONS: Final = frozenset(("instruction", "wasted_by", "written_by"))
_WORDS: Final[dict[type | None, str]] = {
    int: "is not a whole number",
    float: "is not a number",
    str: "is not text",
    bool: "is neither true nor false",
    None: "is not null, although no layer was read",
}


def check_document(document: dict[str, Any], name: str) -> ReportDocument:
    """Raise `UsageError` for the first value that is missing, has the wrong type, or refers to a row that doesn't exist.

    Keys that the types don't list are fine, since a later layerscope may have written them.
    """
    rows = (document.get("instructions"), document.get("layers"))
    if not all(isinstance(each, list) for each in rows):
        raise UsageError(f"{name} has no lists of layers and instructions", hint=HINT)
    bounds = dict.fromkeys(_INSTRUCTIONS, len(document["instructions"]))
    bounds["layer"] = len(document["layers"])
    if document.get("head") is True:
        _Check(name, bounds).value(document, HeadDocument, "")
        return cast("HeadDocument", document)
    _Check(name, bounds).value(document, AnalysisDocument, "")
    nodes = document.get("filesystem", {"nodes": ()})["nodes"]
    for number, node in enumerate(nodes):
        parent = node["parent"]
        if (parent is None) != (number == 0) or (parent is not None and parent >= number):
            raise UsageError(f"{name}: filesystem.nodes[{number}] has no place", hint=HINT)
    for key in ("waste", "waste_groups"):
        _check_rest(document[key], f"{name}: {key}")
    return cast("AnalysisDocument", document)


def _check_rest(rows: list[dict[str, Any]], place: str) -> None:
    """Check that only the last row may lack a path: it sums up what was cut off."""
    for number, row in enumerate(rows):
        keys = {"kind", "layer", "path", "wasted_by", "written_by"} & row.keys()
        missing = sum(row[key] is None for key in keys)
        is_rest = missing == len(keys) and number == len(rows) - 1 and "files" in row
        if missing and not is_rest:
            raise UsageError(f"{place}[{number}] is incomplete", hint=HINT)


def _is_rest(kind: type) -> bool:
    """Whether a row sums up what was cut off, and so has no path."""
    return _hints(kind)["path"] is NoneType


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


class _Check:
    """Walks a document. `bounds` gives, for each name of an index, the number of rows it may point into."""

    def __init__(self, name: str, bounds: Mapping[str, int]) -> None:
        self._name = name
        self._bounds = bounds

    def _fail(self, place: str, problem: str) -> None:
        raise UsageError(f"{self._name}: {place or 'the document'} {problem}", hint=HINT)

    def value(self, value: Any, kind: Any, place: str) -> None:
        origin = get_origin(kind)
        if origin is Sequence:
            return  # the entries of a layer, which `entries.py` reads one by one
        if is_typeddict(kind):
            self._object(value, kind, place)
        elif origin in (Union, UnionType):
            self._union(value, get_args(kind), place)
        elif origin is Literal:
            if value not in get_args(kind):
                self._fail(place, f"is none of {', '.join(map(str, get_args(kind)))}")
        elif origin is list:
            if not isinstance(value, list):
                self._fail(place, "is not a list")
            (inner,) = get_args(kind)
            for number, each in enumerate(value):
                self.value(each, inner, f"{place}[{number}]")
        elif origin is dict:
            if not isinstance(value, dict):
                self._fail(place, "is not an object")
            for key, each in value.items():
                self.value(each, get_args(kind)[1], f"{place}.{key}")
        elif not _is_plain(value, kind):
            self._fail(place, _WORDS[None if kind is NoneType else kind])

    def _union(self, value: Any, kinds: tuple[Any, ...], place: str) -> None:
        if value is None and NoneType in kinds:
            return
        kinds = tuple(each for each in kinds if each is not NoneType)
        if len(kinds) > 1 and isinstance(value, dict):
            kinds = tuple(each for each in kinds if _is_rest(each) == (value.get("path") is None))
        self.value(value, kinds[0], place)

    def _object(self, value: Any, kind: Any, place: str) -> None:
        if not isinstance(value, dict):
            self._fail(place, "is not an object")
        for key, hint in _hints(kind).items():
            where = f"{place}.{key}" if place else key
            if key not in value:
                if key in kind.__required_keys__:
                    self._fail(where, "is missing")
                continue
            found = value[key]
            self.value(found, hint, where)
            bound = self._bounds.get(key)
            if bound is not None and type(found) is int and found >= bound:
                self._fail(where, f"is {found}, but there are only {bound}")


def _is_plain(value: Any, kind: type | None) -> bool:
    if kind is None or kind is NoneType:
        return value is None
    if kind is int:
        return type(value) is int and 0 <= value <= _LARGEST
    if kind is float:
        return type(value) in (int, float) and math.isfinite(value) and abs(value) <= _LARGEST
    return isinstance(value, kind)
