"""What a person writes into the filter, and which names it means.

Words must all hold. `text` is part of the path, `*.py` a glob of the name (of the path where it has a slash),
`re:^usr/.*\\.so` a regular expression; `>10MB` and `<1kB` bound the size; `kind:deleted`, `type:symlink` and `layer:3`
say what happened, what it is, and in which layer. A word with a capital letter in it minds case.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from layerscope.errors import UsageError
from layerscope.layers.entry import KIND_NAMES
from layerscope.tui.model import pattern
from layerscope.tui.model.pattern import Pattern
from layerscope.tui.model.view import (
    ADDED,
    FLEETING,
    MODIFIED,
    REMOVED,
    REWRITTEN,
    SAME,
)
from layerscope.units import parse_size

KINDS: Final = {
    "added": {ADDED},
    "modified": {MODIFIED},
    "changed": {ADDED, MODIFIED, REMOVED, FLEETING, REWRITTEN},
    "deleted": {REMOVED, FLEETING},
    "removed": {REMOVED, FLEETING},
    "rewritten": {REWRITTEN},
    "unchanged": {SAME},
}
_TYPES: Final = {name: number for number, name in reversed(list(enumerate(KIND_NAMES)))}
_WORD = re.compile(r'"([^"]*)"?|(\S+)')


class BadQuery(UsageError):
    """A filter that cannot be understood, or not yet while it is being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A filter, understood. `needle` is the one plain text in it, for showing where it matched."""

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

    def holds(self, path: bytes, size: int, layers: tuple[int, ...]) -> bool:
        """Whether a single file is meant, of which no more than this is known; `kind` and `type` hold for all."""
        path = path.lstrip(b"/")
        lower = path.lower()
        return (
            (self.over is None or size > self.over)
            and (self.under is None or size < self.under)
            and (self.layer is None or self.layer in layers)
            and all(text in b"/" + (lower if text == text.lower() else path) for text in self.texts)
            and all(each.holds(path) for each in self.patterns)
        )


def parse(text: str, kinds: Mapping[str, Collection[int]] | None = None) -> Query:
    """Read a filter; `kinds` are the marks that `kind:` may mean, by default those of one image. Raises `BadQuery`."""
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
            known = KINDS if kinds is None else kinds
            if value == "wasted" and kinds is None:
                wasted = True
            elif value in known:
                marks = frozenset(known[value])
            else:
                more = ["wasted"] if kinds is None else []
                raise BadQuery(f"kind: is one of {', '.join([*known, *more])}")
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
