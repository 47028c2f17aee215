"""What a person writes into the filter, and which names it means.

Words must all hold. `text` is part of the path, `*.py` a glob of the name (of the path where it has a slash),
`re:^usr/.*\\.so` a regular expression; `>10MB` and `<1kB` bound the size; `kind:deleted`, `type:symlink` and `layer:3`
say what happened, what it is, and in which layer. A word with a capital letter in it minds case.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from operator import methodcaller
from typing import Final

from layerscope.errors import Cancelled, UsageError
from layerscope.layers.entry import DIRECTORY, KIND_NAMES
from layerscope.tui.outline import Outline
from layerscope.tui.view import (
    ADDED,
    FLEETING,
    MODIFIED,
    REMOVED,
    REWRITTEN,
    SAME,
    Totals,
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
NO_DIRECTORY: Final = frozenset(range(len(KIND_NAMES))) - {DIRECTORY}
_TYPES: Final = {name: number for number, name in reversed(list(enumerate(KIND_NAMES)))}
_PIECE = 1 << 15
_DENSE = 50_000
_WORD = re.compile(r'"([^"]*)"?|(\S+)')

Flags = bytearray


@dataclass(frozen=True, slots=True)
class Test:
    """A pattern held against paths or names; `folded` ones against those in lower case."""

    match: Callable[[bytes], object]
    names: bool
    folded: bool

    def holds(self, path: bytes) -> bool:
        if self.names:
            path = path.rpartition(b"/")[2]
        return bool(self.match(path.lower() if self.folded else path))


class BadQuery(UsageError):
    """A filter that cannot be understood, or not yet while it is being written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A filter, understood. `needle` is the one plain text in it, for showing where it matched."""

    texts: tuple[bytes, ...] = ()
    tests: tuple[Test, ...] = ()
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
            and all(test.holds(path) for test in self.tests)
        )


def parse(text: str, kinds: Mapping[str, Collection[int]] = KINDS) -> Query:
    """Read a filter; `kinds` are the marks that `kind:` may mean. Raises `BadQuery`."""
    texts: list[bytes] = []
    tests: list[Test] = []
    marks: frozenset[int] | None = None
    types: frozenset[int] | None = None
    wasted = False
    bounds: dict[str, int] = {}
    layer: int | None = None
    if text.startswith("re:"):
        return Query(tests=(_expression(text[3:]),))
    for match in _WORD.finditer(text):
        word = match[1] if match[2] is None else match[2]
        key, colon, value = word.partition(":")
        if match[2] is None:
            texts.append(_encode(word))
        elif word[0] in "<>":
            bounds[word[0]] = _size(word[1:].removeprefix("="))
        elif colon and key == "re":
            tests.append(_expression(value))
        elif colon and key == "kind":
            if value == "wasted" and kinds is KINDS:
                wasted = True
            elif value in kinds:
                marks = frozenset(kinds[value])
            else:
                more = ["wasted"] if kinds is KINDS else []
                raise BadQuery(f"kind: is one of {', '.join([*kinds, *more])}")
        elif colon and key == "type":
            if value not in _TYPES:
                raise BadQuery(f"type: is one of {', '.join(_TYPES)}")
            types = frozenset({_TYPES[value]})
        elif colon and key == "layer":
            if not value.isascii() or not value.isdigit():
                raise BadQuery("layer: takes a number")
            layer = int(value[:9])
        elif any(letter in word for letter in "*?["):
            tests.append(_glob(word))
        else:
            texts.append(_encode(word))
    return Query(
        texts=tuple(texts),
        tests=tuple(tests),
        marks=marks,
        wasted=wasted,
        types=types,
        layer=layer,
        over=bounds.get(">"),
        under=bounds.get("<"),
    )


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _size(text: str) -> int:
    if not text:
        raise BadQuery("write a size, such as >10MB")
    try:
        return parse_size(text)
    except UsageError as error:
        raise BadQuery(error.message) from None


def _expression(text: str) -> Test:
    folded = not _minds_case(re.sub(r"\\.", "", text))
    try:
        search = re.compile(_encode(text)).search
    except (re.error, RecursionError, OverflowError) as error:
        raise BadQuery(f"not a regular expression: {error}") from None
    return Test(search, names=False, folded=folded)


def _glob(word: str) -> Test:
    folded = not _minds_case(word)
    pattern = _encode(word)
    if pattern[:1] == b"*" and not re.search(rb"[*?\[/]", pattern[1:]):
        return Test(methodcaller("endswith", pattern[1:]), names=True, folded=folded)
    expression = fnmatch.translate(pattern.strip(b"/").decode("latin-1")).encode("latin-1")
    return Test(re.compile(expression).match, names=b"/" not in pattern, folded=folded)


def _minds_case(text: str) -> bool:
    return any(letter.isupper() for letter in text)


class Finder:
    """Finds what a query means among the names of one view."""

    def __init__(
        self,
        outline: Outline,
        totals: Totals,
        cancelled: Callable[[], bool] | None = None,
    ) -> None:
        self._outline = outline
        self._totals = totals
        self._cancelled = cancelled

    def find(self, query: Query, shown: Flags) -> Flags:
        """The numbers of `shown` that the query means, as flags. Raises `Cancelled`."""
        found = shown
        for text in query.texts:
            found = both(found, self._containing(text))
        totals = self._totals
        if query.types is not None:
            found = both(found, select(totals.kinds, query.types))
        if query.marks is not None:
            found = both(found, select(totals.marks, query.marks))
        if query.layer is not None:
            layer = query.layer
            found = both(found, bytearray([each == layer for each in totals.layer]))
        if query.over is not None:
            over = query.over
            found = both(found, bytearray([each > over for each in totals.size]))
        if query.under is not None:
            under = query.under
            found = both(found, bytearray([each < under for each in totals.size]))
        if query.wasted:
            found = both(found, bytearray([each > 0 for each in totals.wasted]))
        if query.over is not None or query.under is not None or query.wasted:
            found = both(found, select(totals.kinds, NO_DIRECTORY))
        for test in query.tests:
            found = self._passing(test, found)
        found[0] = 0
        return found

    def _containing(self, text: bytes) -> Flags:
        outline = self._outline
        folded = text.lower() == text
        if b"/" in text:
            paths = outline.folded_paths() if folded else outline.paths()
            if text.startswith(b"/"):
                start = text[1:]
                return bytearray([text in path or path.startswith(start) for path in paths])
            return bytearray([text in path for path in paths])
        return self._named(text, outline.folded_names() if folded else outline.names, folded)

    def _named(self, text: bytes, names: list[bytes], folded: bool) -> Flags:
        """What has the text in its name, or in that of a directory above it."""
        outline = self._outline
        found = bytearray(len(names))
        first, count = outline.first, outline.count
        closed = []
        for number in outline.directories:
            if found[number] or text in names[number]:
                found[number] = 1
                found[first[number] : first[number] + count[number]] = b"\1" * count[number]
            else:
                closed.append(number)
        done = 0
        if found.count(0) * 4 > len(found):
            done = _scan(outline.joined_names(folded=folded), text, found)
        for number in closed:
            end = first[number] + count[number]
            start = max(first[number], done)
            if start < end:
                found[start:end] = bytes([text in name for name in names[start:end]])
        return found

    def _passing(self, test: Test, among: Flags) -> Flags:
        outline = self._outline
        if test.names:
            texts = outline.folded_names() if test.folded else outline.names
        else:
            texts = outline.folded_paths() if test.folded else outline.paths()
        match = test.match
        found = bytearray(len(among))
        for start in range(0, len(among), _PIECE):
            if self._cancelled is not None and self._cancelled():
                raise Cancelled("cancelled")
            end = min(start + _PIECE, len(among))
            flagged = among.count(1, start, end)
            if flagged * 4 > end - start:
                found[start:end] = bytes(map(bool, map(match, texts[start:end])))
            elif flagged:
                number = among.find(1, start, end)
                while number >= 0:
                    found[number] = bool(match(texts[number]))
                    number = among.find(1, number + 1, end)
        return both(found, among)


def _scan(joined: bytes, text: bytes, found: Flags) -> int:
    """Flag the names that hold the text by one search through all of them; gives up where most do.

    The number up to which it came is given back.
    """
    position = number = hits = 0
    while (hit := joined.find(text, position)) >= 0:
        number += joined.count(b"\0", position, hit)
        found[number] = 1
        number += 1
        hits += 1
        position = joined.find(b"\0", hit) + 1
        if hits == _DENSE:
            return number
    return len(found)


def both(one: Flags, other: Flags) -> Flags:
    """The flags that are set in both, at the speed of one long number."""
    length = len(one)
    joined = int.from_bytes(one, "little") & int.from_bytes(other, "little")
    return bytearray(joined.to_bytes(length, "little"))


def select(marks: bytearray, wanted: Iterable[int]) -> Flags:
    """Flags of the marks that are wanted."""
    table = bytearray(256)
    for mark in wanted:
        table[mark] = 1
    return marks.translate(bytes(table))
