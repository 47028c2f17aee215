"""One rule of gitleaks: its expression, and what has the last word on a match."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from layerscope.records import dataclass
from layerscope.secrets.expressions import Pattern

_PREFIX: Final = r"(?i)[\w.-]{0,50}?"
"""How most rules begin. It may match nothing, so a text has a match exactly if it has one without it."""
LONGEST_PREFIX: Final = 50
_VERBS: Final = frozenset(("Detected", "Discovered", "Found", "Identified", "Uncovered"))


@dataclass(frozen=True, slots=True)
class Allowed:
    """One allow list. With `every`, all conditions must hold, else one of them."""

    paths: Pattern | None
    values: Pattern | None
    target: str
    stopwords: Pattern | None
    """Finds more than a thousand words in a fiftieth of the time that a loop over them takes."""
    every: bool

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Allowed:
        return cls(
            _any_of(table.get("paths", ())),
            _any_of(table.get("regexes", ())),
            table.get("regexTarget", "secret"),
            _any_of([re.escape(word.lower()) for word in table.get("stopwords", ())]),
            table.get("condition", "OR").upper() in ("AND", "&&"),
        )

    def path(self, path: bytes) -> bool:
        """Whether the path alone decides."""
        if self.paths is None or (
            self.every and (self.values is not None or self.stopwords is not None)
        ):
            return False
        return self.paths.found_in(path)

    def value(self, path: bytes, texts: Mapping[str, bytes]) -> bool:
        checks = []
        if self.every and self.paths is not None:
            checks.append(self.paths.found_in(path))
        if self.values is not None:
            checks.append(self.values.found_in(texts[self.target]))
        if self.stopwords is not None:
            checks.append(self.stopwords.found_in(texts["secret"].lower()))
        return bool(checks) and (all(checks) if self.every else any(checks))


def _any_of(patterns: Sequence[str]) -> Pattern | None:
    return Pattern("|".join(f"(?:{each})" for each in patterns)) if patterns else None


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
    pattern: Pattern
    gate: Pattern
    keywords: tuple[str, ...]
    path: Pattern | None
    entropy: float
    group: int
    allowed: tuple[Allowed, ...]

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Rule:
        text = table["regex"]
        short = "(?i)" + text.removeprefix(_PREFIX) if text.startswith(_PREFIX) else text
        return cls(
            table["id"],
            _subject(table["description"]),
            Pattern(text, captures=True),
            Pattern(short),
            tuple(word.lower() for word in table["keywords"]),
            Pattern(table["path"]) if "path" in table else None,
            float(table.get("entropy", 0)),
            table.get("secretGroup", 0),
            tuple(map(Allowed.of, table.get("allowlists", ()))),
        )

    def secret(self, match: Any) -> bytes:
        """The part of a match that is the secret."""
        groups: tuple[bytes | None, ...] = match.groups()
        if self.group:
            return groups[self.group - 1] or b""
        whole: bytes = match.group()
        return (next(filter(None, groups), None) or whole).strip(b"\n")
