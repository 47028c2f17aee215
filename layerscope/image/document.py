"""The one reader for an image's JSON documents: strict, bounded, and exact about where a fault is.

Keys match regardless of case, as in Go's encoding/json and therefore in every engine. A document where two keys differ
only in case is refused, because readers disagree about which one counts. Keys of a user's map (labels, annotations)
keep their case.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NoReturn

from layerscope.errors import FormatError, LimitExceeded
from layerscope.limits import too_large
from layerscope.patterns import pattern

_NO_STRUCTURE: Final = bytes(set(range(256)) - set(b'[]{},"'))
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_CHUNK: Final = 64 * 1024
_MOST_VALUES: Final = 2_000_000
"""The most values in one document. A value can take a hundred times the memory of its text."""
_SURROGATE: Final = pattern("[\ud800-\udfff]")
_INTEGER_DIGITS: Final = 20
_LARGEST_INTEGER: Final = 2**63 - 1


class _Refused(ValueError):
    """Raised by the hooks of the decoder."""


def _integer(text: str) -> int:
    if len(text) > _INTEGER_DIGITS:
        raise _Refused(f"a number of {len(text)} digits")
    return int(text)


def _real(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise _Refused("a number out of range")
    return number


def _constant(text: str) -> NoReturn:
    raise _Refused(f"{text} is not JSON")


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _Refused(f"the key {key[:80]!r} appears twice in one object")
            seen.add(key)
    return value


def structure(data: bytes) -> tuple[int, int]:
    """The depth of the nesting, and about how many values there are, without building any. Text that isn't JSON at all is left to the parser."""
    signs = data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _NO_STRUCTURE)
    depth = deepest = values = 0
    in_text = False
    for start in range(0, len(signs), _CHUNK):
        parts = signs[start : start + _CHUNK].split(b'"')
        outside = b"".join(parts[in_text::2])
        in_text ^= len(parts) % 2 == 0
        values += outside.count(b",") + outside.count(b"[") + outside.count(b"{")
        brackets = outside.replace(b",", b"")
        heights = list(accumulate(map(_STEP.__getitem__, brackets), initial=depth))
        depth = heights[-1]
        deepest = max((deepest, *heights))
    return deepest, values


def _check_structure(data: bytes, name: str, max_depth: int) -> None:
    """Check nesting and values before anything is built."""
    deepest, values = structure(data)
    if deepest > max_depth:
        raise LimitExceeded(
            f"{name} is nested {deepest} deep, more than the {max_depth} allowed",
            limit="json_depth",
        )
    if values > _MOST_VALUES:
        raise LimitExceeded(
            f"{name} has over {values} values, more than the {_MOST_VALUES} allowed",
            hint=FormatError.remedy,
        )


def strict_decoder() -> json.JSONDecoder:
    """A decoder that raises `ValueError` for NaN, numbers out of range, and duplicate keys."""
    return json.JSONDecoder(
        object_pairs_hook=_unique,
        parse_int=_integer,
        parse_float=_real,
        parse_constant=_constant,
    )


def parse_document(data: bytes, name: str, *, max_bytes: int, max_depth: int) -> Node:
    """Read one JSON document.

    Raises `LimitExceeded` above `max_bytes` or a nesting of `max_depth`. Raises `FormatError`, naming the document, for
    anything but one well-formed UTF-8 JSON value: a byte order mark, NaN, numbers out of range, duplicate keys.
    """
    if len(data) > max_bytes:
        raise too_large(name, len(data), max_bytes)
    if data.startswith(b"\xef\xbb\xbf"):
        raise FormatError(f"{name} begins with a byte order mark, which JSON forbids")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"{name} is not UTF-8 at byte {error.start}") from None
    _check_structure(data, name, max_depth)
    try:
        value = strict_decoder().decode(text)
    except json.JSONDecodeError as error:
        raise FormatError(f"{name} is not JSON at character {error.pos}: {error.msg}") from None
    except _Refused as error:
        raise FormatError(f"{name} is refused: {error}") from None
    return Node(value, name, "")


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        return "a list"
    return "an object"


def _clean(text: str) -> str:
    """Replace lone surrogates, as Go does: JSON can escape them, but UTF-8 can't hold them."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


class Node:
    """A value in a document; `path` leads to it (`manifests[3].digest`).

    The getters take a key of this object and raise `FormatError` if the value is missing or has the wrong type. The
    `optional_` ones return None, or nothing, if the key is missing or null.
    """

    __slots__ = ("_folded", "document", "path", "value")

    def __init__(self, value: object, document: str, path: str) -> None:
        self.value = value
        self.document = document
        self.path = path
        self._folded: dict[str, str] | None = None

    def fail(self, problem: str) -> NoReturn:
        """Raise `FormatError` with `problem` at this node's path."""
        raise FormatError(
            f"{self.document}: {self.path}: {problem}"
            if self.path
            else f"{self.document}: {problem}"
        )

    def _expected(self, what: str) -> NoReturn:
        self.fail(f"expected {what}, found {_kind(self.value)}")

    def _child(self, key: str) -> Node:
        members = self._members()
        if self._folded is None:
            self._folded = self._fold(members)
        value = members[found] if (found := self._folded.get(key.casefold())) is not None else None
        return Node(value, self.document, f"{self.path}.{key}" if self.path else key)

    def _fold(self, members: dict[str, object]) -> dict[str, str]:
        folded: dict[str, str] = {}
        for key in members:
            twin = folded.setdefault(key.casefold(), key)
            if twin is not key:
                self.fail(f"the keys {twin[:80]!r} and {key[:80]!r} differ only in case")
        return folded

    def _members(self) -> dict[str, object]:
        if not isinstance(self.value, dict):
            self._expected("an object")
        return self.value

    def _text(self) -> str:
        if not isinstance(self.value, str):
            self._expected("text")
        return _clean(self.value)

    def items(self) -> Sequence[Node]:
        """The elements of this list."""
        if not isinstance(self.value, list):
            self._expected("a list")
        return [
            Node(value, self.document, f"{self.path}[{index}]")
            for index, value in enumerate(self.value)
        ]

    def has(self, key: str) -> bool:
        """Whether the key is present and not null."""
        return self._child(key).value is not None

    def get(self, key: str) -> Node:
        """The value of a required key."""
        child = self._child(key)
        if child.value is None:
            child.fail("is missing")
        return child

    def text(self, key: str) -> str:
        return self.get(key)._text()

    def optional_text(self, key: str) -> str | None:
        return self.text(key) if self.has(key) else None

    def integer(self, key: str) -> int:
        """A number from 0 to 2^63 - 1."""
        child = self.get(key)
        if isinstance(child.value, bool) or not isinstance(child.value, int):
            child._expected("a whole number")
        if not 0 <= child.value <= _LARGEST_INTEGER:
            child.fail(f"{child.value} is out of range")
        return child.value

    def optional_boolean(self, key: str) -> bool:
        child = self._child(key)
        if child.value is None:
            return False
        if not isinstance(child.value, bool):
            child._expected("a boolean")
        return child.value

    def object(self, key: str) -> Node:
        child = self.get(key)
        child._members()
        return child

    def optional_object(self, key: str) -> Node | None:
        return self.object(key) if self.has(key) else None

    def objects(self, key: str) -> list[Node]:
        """The objects of a list."""
        children = self.get(key).items()
        for child in children:
            child._members()
        return list(children)

    def optional_objects(self, key: str) -> list[Node]:
        return self.objects(key) if self.has(key) else []

    def texts(self, key: str) -> tuple[str, ...]:
        """The strings of a list."""
        return tuple(child._text() for child in self.get(key).items())

    def optional_texts(self, key: str) -> tuple[str, ...]:
        return self.texts(key) if self.has(key) else ()

    def keys(self, key: str) -> tuple[str, ...]:
        """The sorted keys of a map whose values carry no meaning (`{"80/tcp": {}}`)."""
        child = self._child(key)
        return () if child.value is None else tuple(sorted(map(_clean, child._members())))

    def text_map(self, key: str) -> tuple[tuple[str, str], ...]:
        """The pairs of a string map, sorted by key; empty if it is missing."""
        child = self._child(key)
        if child.value is None:
            return ()
        pairs = []
        for name, value in child._members().items():
            if value is None:
                value = ""
            elif not isinstance(value, str):
                Node(value, self.document, f"{child.path}[{name[:80]!r}]")._expected("text")
            pairs.append((_clean(name), _clean(value)))
        return tuple(sorted(pairs))
