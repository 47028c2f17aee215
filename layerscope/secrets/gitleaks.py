"""The rules of gitleaks, as its project publishes them (data/gitleaks.toml), and what they need to be matched.

RE2 matches them, in time that is linear in the text. The semantics are those of gitleaks: a rule is tried if the text
has one of its keywords, the secret is the first group that matched, and its entropy and the allow lists have the last word.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cache
from math import log2
from pkgutil import get_data
from typing import Any, Final

from layerscope.errors import SecretsUnavailable
from layerscope.records import dataclass
from layerscope.secrets.hit import Hit
from layerscope.secrets.words import OFTEN_PUBLIC, PUBLIC_NAME, names_public_key

_PREFIX: Final = r"(?i)[\w.-]{0,50}?"
"""How most rules begin. It may match nothing, so a text has a match exactly if it has one without it."""
_MEMORY: Final = 32 << 20
_MOST_MATCHES: Final = 2000
"""Matches of one rule in one text that are looked at."""
_NAME: Final = re.compile(rb"[\w.-]{1,100}")
_VERBS: Final = frozenset(("Detected", "Discovered", "Found", "Identified", "Uncovered"))
_BLOCK: Final = 128 * 1024
_MARGIN: Final = 32 * 1024
"""More than the longest secret, a private key, takes."""
_LONGEST_KEYWORD: Final = 64
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


def is_available() -> bool:
    """Whether google-re2 is installed."""
    try:
        import re2  # noqa: F401
    except ImportError:
        return False
    return True


def module() -> Any:
    """RE2. Raises `SecretsUnavailable` if it is not installed."""
    try:
        import re2
    except ImportError:
        raise SecretsUnavailable(
            "the search for secrets needs google-re2, which is not installed",
            hint="pip install google-re2",
        ) from None
    return re2


@cache
def origin() -> Mapping[str, str]:
    """The release that the rules are from."""
    return json.loads(_data("gitleaks.json"))  # type: ignore[no-any-return]


def _data(name: str) -> bytes:
    data = get_data("layerscope.secrets", f"data/{name}")
    assert data is not None
    return data


def options(*, captures: bool = False) -> Any:
    """How expressions are compiled: for bytes, and in bounded memory."""
    found = module().Options()
    found.encoding = module().Options.Encoding.LATIN1
    found.log_errors = False
    found.never_capture = not captures
    found.max_mem = _MEMORY
    return found


def compiled(text: str, *, captures: bool = False) -> Any:
    """An expression of RE2. Raises `SecretsUnavailable` without it."""
    return module().compile(text.encode("latin-1"), options(captures=captures))


@dataclass(slots=True)
class _Pattern:
    """An expression that is compiled when it is first needed, since all of them together take a second."""

    text: str
    captures: bool = False
    ready: Any = None

    def __call__(self) -> Any:
        if self.ready is None:
            self.ready = compiled(self.text, captures=self.captures)
        return self.ready

    def found_in(self, data: bytes) -> bool:
        return self().search(data) is not None


@dataclass(frozen=True, slots=True)
class _Allowed:
    """One allow list. With `every`, all conditions must hold, else one of them."""

    paths: _Pattern | None
    values: _Pattern | None
    target: str
    stopwords: tuple[bytes, ...]
    every: bool

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> _Allowed:
        return cls(
            _any_of(table.get("paths", ())),
            _any_of(table.get("regexes", ())),
            table.get("regexTarget", "secret"),
            tuple(word.lower().encode() for word in table.get("stopwords", ())),
            table.get("condition", "OR").upper() in ("AND", "&&"),
        )

    def path(self, path: bytes) -> bool:
        """Whether the path alone decides."""
        if self.paths is None or (self.every and (self.values is not None or self.stopwords)):
            return False
        return self.paths.found_in(path)

    def value(self, path: bytes, texts: Mapping[str, bytes]) -> bool:
        checks = []
        if self.every and self.paths is not None:
            checks.append(self.paths.found_in(path))
        if self.values is not None:
            checks.append(self.values.found_in(texts[self.target]))
        if self.stopwords:
            low = texts["secret"].lower()
            checks.append(any(word in low for word in self.stopwords))
        return bool(checks) and (all(checks) if self.every else any(checks))


def _any_of(patterns: Sequence[str]) -> _Pattern | None:
    return _Pattern("|".join(f"(?:{each})" for each in patterns)) if patterns else None


def _subject(description: str) -> str:
    """What a rule finds, without the verb before it and the risk after it: `A GitHub Personal Access Token`."""
    verb, _, rest = description.partition(",")[0].partition(" ")
    if verb not in _VERBS or not rest:
        return description
    return rest[0].upper() + rest[1:].rstrip(".")


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `gate` finds out whether the text has a match, faster than `pattern` finds the match."""

    name: str
    message: str
    pattern: _Pattern
    gate: _Pattern
    keywords: tuple[str, ...]
    path: _Pattern | None
    entropy: float
    group: int
    allowed: tuple[_Allowed, ...]

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Rule:
        text = table["regex"]
        short = "(?i)" + text.removeprefix(_PREFIX) if text.startswith(_PREFIX) else text
        return cls(
            table["id"],
            _subject(table["description"]),
            _Pattern(text, captures=True),
            _Pattern(short),
            tuple(word.lower() for word in table["keywords"]),
            _Pattern(table["path"]) if "path" in table else None,
            float(table.get("entropy", 0)),
            table.get("secretGroup", 0),
            tuple(map(_Allowed.of, table.get("allowlists", ()))),
        )

    def secret(self, match: Any) -> bytes:
        """The part of a match that is the secret."""
        groups: tuple[bytes | None, ...] = match.groups()
        if self.group:
            return groups[self.group - 1] or b""
        whole: bytes = match.group()
        return (next(filter(None, groups), None) or whole).strip(b"\n")


@dataclass(slots=True)
class Gitleaks:
    """The engine. Threads may share it."""

    rules: tuple[Rule, ...]
    allowed: tuple[_Allowed, ...]
    _set: Any = field(init=False)
    _by_keyword: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        re2 = module()
        by_keyword: defaultdict[str, list[int]] = defaultdict(list)
        for number, rule in enumerate(self.rules):
            for word in rule.keywords:
                by_keyword[word].append(number)
        self._set = re2.Set.SearchSet(options())
        self._by_keyword = []
        for word in sorted(by_keyword):
            self._set.Add(b"(?i)" + re2.escape(word.encode()))
            self._by_keyword.append(by_keyword[word])
        self._set.Compile()

    def search(self, data: bytes, path: bytes) -> Iterator[Hit | None]:
        """The secrets in a text, by rule; None where a rule has more matches than are looked at."""
        for rule in self._candidates(data):
            if rule.path is not None and not rule.path.found_in(path):
                continue
            lists = (*self.allowed, *rule.allowed) if rule.name in GUESSING else rule.allowed
            public = any(each.path(path) for each in lists)
            line, counted = 1, 0
            for found in self._matches(rule, data, path):
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
        for rule in self._candidates(data):
            if rule.path is None and rule.name != GENERIC:
                for found in self._matches(rule, data, b""):
                    if found is not None:
                        yield found[1]

    def _candidates(self, data: bytes) -> Iterator[Rule]:
        """The rules that have a match in a text, before entropy and allow lists.

        A long text has nearly all keywords somewhere, so each block is tried with those that it has, and its neighborhood.
        """
        found: set[int] = set()
        for start in range(0, len(data), _BLOCK):
            words = self._set.Match(data[start : start + _BLOCK + _LONGEST_KEYWORD]) or ()
            numbers = {number for word in words for number in self._by_keyword[word]} - found
            if numbers:
                part = data[max(0, start - _MARGIN) : start + _BLOCK + _MARGIN]
                found.update(number for number in numbers if self.rules[number].gate.found_in(part))
        for number in sorted(found):
            yield self.rules[number]

    def _matches(
        self, rule: Rule, data: bytes, path: bytes
    ) -> Iterator[tuple[int, bytes, bytes, bytes] | None]:
        """Where each secret is, the secret, its line, and the whole match; None if there are too many."""
        lists = (*self.allowed, *rule.allowed)
        for number, match in enumerate(rule.pattern().finditer(data)):
            if number >= _MOST_MATCHES:
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
    table = tomllib.loads(_data("gitleaks.toml").decode())
    lists = [table["allowlist"]] if "allowlist" in table else []
    return Gitleaks(
        _expressions(table["rules"]), tuple(map(_Allowed.of, lists + table.get("allowlists", [])))
    )
