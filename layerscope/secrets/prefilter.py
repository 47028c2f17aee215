"""The rules that a text is tried with, found in one pass over it.

Nearly every text has the keywords of some rules (`key`, `ey`, `s.`), so the pass looks for short expressions in their place
(data/quick.toml). Each one matches wherever its rule's does, and the pass costs the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

from layerscope.records import dataclass
from layerscope.secrets.expressions import module, options, rule_table
from layerscope.secrets.rule import LONGEST_PREFIX, Rule

BLOCK: Final = 16 * 1024
"""Bytes of a text that are passed over at once."""
MARGIN: Final = 32 * 1024
"""More than the longest secret, a private key, takes."""
_LONGEST: Final = 128
"""More than any keyword or quick expression needs to match."""

MOST_MATCHES: Final = 2000
"""Matches of one rule in one text that are looked at."""

Words = Sequence[int]
"""What the pass found in a text: numbers of keywords and quick expressions."""
Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Quick:
    """An expression that matches wherever a rule's does, and more bytes than a match of the rule takes."""

    expression: str
    longest: int


@cache
def quick_expressions() -> Mapping[tuple[str, str], Quick]:
    """The quick expression of a rule, by its name and its own expression."""
    rows = rule_table("quick.toml")["quick"]
    return {
        (row["rule"], row["of"]): Quick(row["quick"], row.get("longest", MARGIN)) for row in rows
    }


class Prefilter:
    """Finds out which rules may have a match in a text. Threads may share it."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._set: Any = module().Set.SearchSet(options())
        self._by_word: list[Sequence[int]] = []
        self._margins: list[int] = []
        by_keyword: dict[str, list[int]] = {}
        quick = quick_expressions()
        for number, rule in enumerate(rules):
            found = quick.get((rule.name, rule.pattern.text))
            self._margins.append(MARGIN if found is None else found.longest)
            if found is not None:
                self._add(found.expression.encode(), [number])
                continue
            for word in rule.keywords:
                by_keyword.setdefault(word, []).append(number)
        for word in sorted(by_keyword):
            self._add(b"(?i)" + module().escape(word.encode()), by_keyword[word])
        self._set.Compile()
        self.words: Any = self._set.Match
        """The `Words` of a text; empty for most texts, in which no rule has a match."""

    def _add(self, expression: bytes, rules: Sequence[int]) -> None:
        self._set.Add(expression)
        self._by_word.append(rules)

    def candidates(
        self, data: bytes, path: bytes, words: Words | None
    ) -> Iterator[tuple[Rule, list[Range]]]:
        """The rules that have a match before entropy and allow lists, each with the parts of the text where its matches are.

        A rule is tried in each block that has one of its keywords, and in the neighborhood. `words` are those of a text of
        one block, if they are known.
        """
        found: dict[int, _Found] = {}
        for start in range(0, len(data), BLOCK):
            if words is None or start:
                words = self.words(data[start : start + BLOCK + _LONGEST])
            if not words:
                continue
            for number in {number for word in words for number in self._by_word[word]}:
                each = found.get(number)
                if each is None:
                    each = found[number] = _Found(self._rules[number], path)
                each.look(data, start, self._margins[number])
        for number in sorted(found):
            if found[number].parts:
                yield self._rules[number], found[number].parts


class _Found:
    """Where the matches of one rule are."""

    __slots__ = ("_end", "_gate", "parts")

    def __init__(self, rule: Rule, path: bytes) -> None:
        applies = rule.path is None or rule.path.found_in(path)
        self._gate = rule.gate() if applies else None
        self._end = 0
        self.parts: list[Range] = []

    def look(self, data: bytes, start: int, margin: int) -> None:
        """Look into a block, and up to `margin` bytes around it."""
        if self._gate is None or len(self.parts) > MOST_MATCHES:
            return
        low = max(0, start - margin, self._end)
        for match in self._gate.finditer(data, low, start + BLOCK + margin):
            low, self._end = max(0, match.start() - LONGEST_PREFIX), match.end()
            if self.parts and low <= self.parts[-1][1]:
                self.parts[-1] = self.parts[-1][0], self._end
            else:
                self.parts.append((low, self._end))
                if len(self.parts) > MOST_MATCHES:
                    return
