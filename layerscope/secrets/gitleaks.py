"""The rules of gitleaks, as its project publishes them (data/gitleaks.toml), and what they need to be matched.

RE2 matches them, in time that is linear in the text. The semantics are those of gitleaks: a rule is tried if the text
has one of its keywords, the secret is the first group that matched, and its entropy and the allow lists have the last word.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from functools import cache
from itertools import chain
from math import log2
from typing import Any, Final

from layerscope.patterns import pattern
from layerscope.records import dataclass
from layerscope.secrets.expressions import rule_data, rule_table
from layerscope.secrets.hit import Hit
from layerscope.secrets.prefilter import MOST_MATCHES, Prefilter, Range, Words
from layerscope.secrets.rule import Allowed, Rule
from layerscope.secrets.words import OFTEN_PUBLIC, PUBLIC_NAME, names_public_key

_NAME: Final = pattern(rb"[\w.-]{1,100}")
_INLINE_ALLOW: Final = b"gitleaks:allow"
INLINE: Final = "the line is marked gitleaks:allow"
_LONGEST_LINE: Final = 4096
"""How much before and after a match counts as its line."""
GENERIC: Final = "generic-api-key"
GUESSING: Final = frozenset(
    (
        GENERIC,
        "curl-auth-header",
        "curl-auth-user",
        "hashicorp-tf-password",
        "kubernetes-secret-yaml",
        "sourcegraph-access-token",
    )
)
"""Rules that go by a name and the randomness of a value. The paths that gitleaks allows cast doubt on them alone, since a
token of a known form that an application's own code has in `site-packages` is as real as anywhere."""


@cache
def origin() -> Mapping[str, str]:
    """The release that the rules are from."""
    return json.loads(rule_data("gitleaks.json"))  # type: ignore[no-any-return]


@dataclass(slots=True)
class Gitleaks:
    """The engine. Threads may share it."""

    rules: tuple[Rule, ...]
    allowed: tuple[Allowed, ...]
    prefilter: Prefilter = field(init=False)

    def __post_init__(self) -> None:
        self.prefilter = Prefilter(self.rules)

    def search(self, data: bytes, path: bytes, words: Words | None = None) -> Iterator[Hit | None]:
        """The secrets in a text, by rule; None where a rule has more matches than are looked at.

        `words` are what the prefilter found in a text of at most one block, if that is known.
        """
        for rule, parts in self.prefilter.candidates(data, path, words):
            lists = (*self.allowed, *rule.allowed) if rule.name in GUESSING else rule.allowed
            public = any(each.path(path) for each in lists)
            line, counted = 1, 0
            for found in self._matches(rule, data, path, parts):
                if found is None:
                    yield None
                    break
                start, _, whole, name = found
                line += data.count(b"\n", counted, start)
                counted = start
                doubt = OFTEN_PUBLIC if public else ""
                if rule.name == GENERIC and _is_public(name):
                    doubt = PUBLIC_NAME
                yield Hit(line, rule.name, INLINE if _INLINE_ALLOW in whole else doubt)

    def values(self, data: bytes) -> Iterator[bytes]:
        """The secrets themselves, to mask them."""
        for rule, parts in self.prefilter.candidates(data, b"", None):
            if rule.path is None and rule.name != GENERIC:
                for found in self._matches(rule, data, b"", parts):
                    if found is not None:
                        yield found[1]

    def _matches(
        self, rule: Rule, data: bytes, path: bytes, parts: Iterable[Range]
    ) -> Iterator[tuple[int, bytes, bytes, bytes] | None]:
        """Where each secret is, the secret, its line, and the whole match; None if there are too many."""
        lists = (*self.allowed, *rule.allowed)
        expression = rule.pattern()
        matches = chain.from_iterable(expression.finditer(data, *part) for part in parts)
        for number, match in enumerate(matches):
            if number >= MOST_MATCHES:
                yield None
                return
            secret = rule.secret(match)
            if not secret or (rule.entropy and entropy(secret) <= rule.entropy):
                continue
            start = match.start()
            whole = data[_line_start(data, start) : _line_end(data, match.end())]
            texts = {"secret": secret, "match": match.group().strip(b"\n"), "line": whole}
            if not any(each.value(path, texts) for each in lists):
                yield start, secret, whole, texts["match"]


def _is_public(match: bytes) -> bool:
    """Whether a match of the generic rule begins with the name of something public."""
    name = _NAME.match(match)
    return name is not None and names_public_key(name[0].decode("ascii", "replace"))


def _line_start(data: bytes, position: int) -> int:
    return max(
        data.rfind(b"\n", max(0, position - _LONGEST_LINE), position) + 1,
        position - _LONGEST_LINE,
        0,
    )


def _line_end(data: bytes, position: int) -> int:
    end = data.find(b"\n", position, position + _LONGEST_LINE)
    return min(len(data), position + _LONGEST_LINE) if end < 0 else end


def entropy(data: bytes) -> float:
    """Shannon's entropy in bits per byte."""
    counts = [data.count(byte) for byte in set(data)]
    return -sum(count / len(data) * log2(count / len(data)) for count in counts)


def _expressions(tables: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """The rules with an expression. Those for paths alone are covered by `files`, which looks into the file."""
    return tuple(Rule.of(table) for table in tables if "regex" in table)


@cache
def engine() -> Gitleaks:
    """The engine with its rules. Raises `SecretsUnavailable` without google-re2."""
    table = rule_table("gitleaks.toml")
    lists = [table["allowlist"]] if "allowlist" in table else []
    return Gitleaks(
        _expressions(table["rules"]), tuple(map(Allowed.of, lists + table.get("allowlists", [])))
    )
