"""The `WWW-Authenticate` header (RFC 9110 section 11.6.1), as far as registries use it."""

from __future__ import annotations

import re
from typing import Final

from layerscope.records import dataclass

_WORD: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_SCHEME: Final = re.compile(rf"\s*,?\s*({_WORD})(?:\s+|$)", re.ASCII)
_PARAMETER: Final = re.compile(
    rf'\s*,?\s*({_WORD})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_WORD}))', re.ASCII
)
_LONGEST: Final = 8192


@dataclass(frozen=True, slots=True)
class Challenge:
    """One scheme in lower case, such as `bearer`, with its parameters."""

    scheme: str
    parameters: dict[str, str]


def parse_challenges(header: str) -> list[Challenge]:
    """The challenges of a header, in order, up to the first one that is malformed."""
    text = header[:_LONGEST]
    challenges: list[Challenge] = []
    position = 0
    while match := _SCHEME.match(text, position):
        position = match.end()
        parameters: dict[str, str] = {}
        while found := _PARAMETER.match(text, position):
            value = found[3] if found[2] is None else re.sub(r"\\(.)", r"\1", found[2])
            parameters.setdefault(found[1].lower(), value)
            position = found.end()
        challenges.append(Challenge(match[1].lower(), parameters))
    return challenges
