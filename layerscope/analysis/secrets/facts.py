"""What is known of an image's secrets. No value of a secret is in it."""

from __future__ import annotations

from typing import Final, Literal

from layerscope.records import dataclass

MOST_FINDINGS: Final = 1000
MOST_GAPS: Final = 100

Where = Literal["file", "env", "history", "label"]
GapReason = Literal[
    "too-large",
    "too-many",
    "sparse",
    "unreadable",
    "layer-unavailable",
    "layer-by-table",
    "no-engine",
]
"""Why something was not searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFinding:
    """One secret. `deleted` says that a later layer removes or replaces it, although it still ships.

    A file has a `path`, a `layer`, and a `line` of the text; a variable or label has a `name`. `doubt` says why it may not
    be a secret, and is empty for most. `instruction` is the one that stored it, where that is known.
    """

    rule: str
    message: str
    where: Where
    deleted: bool
    path: bytes | None = None
    layer: int | None = None
    instruction: int | None = None
    line: int | None = None
    name: str | None = None
    doubt: str = ""

    @property
    def sure(self) -> bool:
        return not self.doubt


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretGap:
    """Something that was not searched: a file, or all files of a layer."""

    reason: GapReason
    layer: int
    path: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """The findings, deleted ones first and those in doubt last, and what was not searched.

    `everything` says that all text files were searched, and not only those whose names say that they hold secrets.
    `files` and `bytes` count what was searched. At most `MOST_FINDINGS` and `MOST_GAPS` are listed; `found`, `doubtful`,
    and `not_searched` count all.
    """

    rules: str
    everything: bool
    findings: tuple[SecretFinding, ...]
    gaps: tuple[SecretGap, ...]
    files: int
    bytes: int
    found: int
    doubtful: int
    not_searched: int

    @property
    def complete(self) -> bool:
        """Whether everything was searched that was to be searched, and all that was found is listed."""
        return not self.not_searched and self.found + self.doubtful == len(self.findings)
