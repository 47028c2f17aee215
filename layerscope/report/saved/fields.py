"""Typed access to a saved report, with a one-line error for a value that is missing or has the wrong type."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any, NoReturn

from layerscope.errors import UsageError

HINT = "save it again with `layerscope report --json --files -o FILE`"
_LARGEST = 2**63 - 1


class Fields:
    """An object of the document. `place` says where it is, such as `layers[3].sizes`."""

    __slots__ = ("_place", "_report", "_values")

    def __init__(self, values: object, report: str, place: str = "") -> None:
        self._report = report
        self._place = place
        if not isinstance(values, dict):
            self._fail("is not an object")
        self._values: dict[str, Any] = values

    def _fail(self, problem: str, key: str = "") -> NoReturn:
        place = ".".join(part for part in (self._place, key) if part) or "the document"
        raise UsageError(f"{self._report}: {place} {problem}", hint=HINT)

    @property
    def values(self) -> dict[str, Any]:
        return self._values

    def fail(self, problem: str) -> NoReturn:
        """Raise `UsageError` that names this object."""
        self._fail(problem)

    def has(self, key: str) -> bool:
        return key in self._values

    def _get(self, key: str) -> Any:
        if key not in self._values:
            self._fail("is missing", key)
        return self._values[key]

    def text(self, key: str) -> str:
        value = self._get(key)
        if not isinstance(value, str):
            self._fail("is not text", key)
        return value

    def maybe_text(self, key: str) -> str | None:
        return None if self._get(key) is None else self.text(key)

    def number(self, key: str) -> int:
        """A whole number from 0 to 2^63 - 1."""
        value = self._get(key)
        if type(value) is not int or not 0 <= value <= _LARGEST:
            self._fail("is not a whole number", key)
        return value

    def maybe_number(self, key: str) -> int | None:
        return None if self._get(key) is None else self.number(key)

    def boolean(self, key: str) -> bool:
        value = self._get(key)
        if not isinstance(value, bool):
            self._fail("is neither true nor false", key)
        return value

    def list(self, key: str) -> builtins.list[Any]:
        value = self._get(key)
        if not isinstance(value, list):
            self._fail("is not a list", key)
        return value

    def maybe_list(self, key: str) -> builtins.list[Any] | None:
        return None if self._get(key) is None else self.list(key)

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.list(key)
        if not all(isinstance(value, str) for value in values):
            self._fail("is not a list of strings", key)
        return tuple(values)

    def numbers(self, key: str) -> tuple[int, ...]:
        values = self.list(key)
        if not all(type(value) is int and 0 <= value <= _LARGEST for value in values):
            self._fail("is not a list of whole numbers", key)
        return tuple(values)

    def text_map(self, key: str) -> tuple[tuple[str, str], ...]:
        values = self.object(key)._values
        if not all(isinstance(value, str) for value in values.values()):
            self._fail("holds something that is not text", key)
        return tuple(sorted(values.items()))

    def object(self, key: str) -> Fields:
        return Fields(self._get(key), self._report, self._join(key))

    def maybe_object(self, key: str) -> Fields | None:
        return None if self._get(key) is None else self.object(key)

    def objects(self, key: str) -> Iterator[Fields]:
        for number, value in enumerate(self.list(key)):
            yield Fields(value, self._report, f"{self._join(key)}[{number}]")

    def _join(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key
