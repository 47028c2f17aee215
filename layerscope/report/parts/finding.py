"""One finding for code review formats: a rule, a level, a message, and a place."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Literal

from layerscope.records import dataclass

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. `instruction` is the index of the one to look at first, `related` others with how they're involved.

    `fingerprint` stays the same as long as the same instructions are at fault, even if the numbers change.
    """

    rule: str
    level: Level
    title: str
    message: str
    instruction: int | None
    related: tuple[tuple[int, str], ...]
    fingerprint: str
    properties: dict[str, float | None]


class Fingerprints:
    """Makes the fingerprints of one report, which is about the image `name`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen: Counter[str] = Counter()

    def of(self, *parts: str) -> str:
        """A hash of the parts. If a report has the same parts twice, the second gets another hash, always the same one."""
        text = "\0".join((self._name, *parts))
        self._seen[text] += 1
        return hashlib.sha256(f"{text}\0{self._seen[text]}".encode()).hexdigest()[:40]
