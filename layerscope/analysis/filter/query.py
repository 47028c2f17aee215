"""Parses a filter, and tests single files against it.

Every word must match. `text` is part of the path; `*.py` is a glob for the name, or for the path if it has a slash;
`re:^usr/.*\\.so` is a regular expression. `>10MB` and `<1kB` limit the size. `kind:deleted`, `type:symlink`, and
`layer:3` select by change, file type, and layer. A word that contains a capital letter is case-sensitive.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from layerscope.analysis.filter import pattern
from layerscope.analysis.filter.pattern import Pattern
from layerscope.errors import UsageError
from layerscope.layers.entry import FILE, KIND_NAMES
from layerscope.records import dataclass
from layerscope.units import parse_size

WASTED: Final = "wasted"
"""The one `kind:` that selects wasted bytes instead of a mark."""
_TYPES: Final = {name: number for number, name in reversed(list(enumerate(KIND_NAMES)))}
_WORD = re.compile(r'"([^"]*)"?|(\S+)')


class BadQuery(UsageError):
    """A filter that doesn't parse, perhaps because it is still being typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A parsed filter. `needle` is its only plain text, which lists highlight in the names that match."""

    texts: tuple[bytes, ...] = ()
    patterns: tuple[Pattern, ...] = ()
    marks: frozenset[int] | None = None
    wasted: bool = False
    types: frozenset[int] | None = None
    layer: int | None = None
    over: int | None = None
    under: int | None = None

    @property
    def needle(self) -> bytes | None:
        return self.texts[0].strip(b"/") if len(self.texts) == 1 else None

    def holds(
        self,
        path: bytes,
        size: int,
        layers: tuple[int, ...],
        *,
        type: int = FILE,  # noqa: A002
        wasted: bool = False,
    ) -> bool:
        """Whether a single file matches. Marks belong to a view, so the caller checks those."""
        path = path.lstrip(b"/")
        lower = path.lower()
        return (
            (self.over is None or size > self.over)
            and (self.under is None or size < self.under)
            and (self.layer is None or self.layer in layers)
            and (self.types is None or type in self.types)
            and (wasted or not self.wasted)
            and all(text in b"/" + (lower if text == text.lower() else path) for text in self.texts)
            and all(each.holds(path) for each in self.patterns)
        )


def parse(text: str, kinds: Mapping[str, Collection[int]] | None = None) -> Query:
    """Parse a filter. `kinds` maps each `kind:` of the list to its marks; a list without marks knows `wasted` alone.

    Raises `BadQuery`.
    """
    texts: list[bytes] = []
    patterns: list[Pattern] = []
    marks: frozenset[int] | None = None
    types: frozenset[int] | None = None
    wasted = False
    bounds: dict[str, int] = {}
    layer: int | None = None
    text = text.replace("\0", "?")  # as in the names that are searched
    if text.startswith("re:"):
        return Query(patterns=(_expression(text[3:]),))
    for match in _WORD.finditer(text):
        word = match[1] if match[2] is None else match[2]
        key, colon, value = word.partition(":")
        if match[2] is None:
            texts.append(pattern.encode(word))
        elif word[0] in "<>":
            bounds[word[0]] = _size(word[1:].removeprefix("="))
        elif colon and key == "re":
            patterns.append(_expression(value))
        elif colon and key == "kind":
            found = _marks(value, kinds)
            wasted, marks = (True, marks) if found is None else (wasted, found)
        elif colon and key == "type":
            if value not in _TYPES:
                raise BadQuery(f"type: is one of {', '.join(_TYPES)}")
            types = frozenset({_TYPES[value]})
        elif colon and key == "layer":
            if not value.isascii() or not value.isdigit():
                raise BadQuery("layer: takes a number")
            layer = int(value[:9])
        elif any(letter in word for letter in "*?["):
            patterns.append(pattern.glob(word))
        else:
            texts.append(pattern.encode(word))
    return Query(
        texts=tuple(texts),
        patterns=tuple(patterns),
        marks=marks,
        wasted=wasted,
        types=types,
        layer=layer,
        over=bounds.get(">"),
        under=bounds.get("<"),
    )


def _marks(kind: str, kinds: Mapping[str, Collection[int]] | None) -> frozenset[int] | None:
    """The marks of a `kind:`; None for the wasted bytes, which aren't a mark."""
    if kinds is None and kind != WASTED:
        raise BadQuery("kind: here can only be wasted; only the browser marks changes")
    known = {WASTED: ()} if kinds is None else kinds
    if kind not in known:
        raise BadQuery(f"kind: is one of {', '.join(known)}")
    return None if kind == WASTED else frozenset(known[kind])


def _size(text: str) -> int:
    if not text:
        raise BadQuery("write a size, such as >10MB")
    try:
        return parse_size(text)
    except UsageError as error:
        raise BadQuery(error.message) from None


def _expression(text: str) -> Pattern:
    try:
        return pattern.expression(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadQuery(f"not a regular expression: {error}") from None
