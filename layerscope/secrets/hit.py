"""What the search for secrets says: where one is, and by which rule, but never which."""

from __future__ import annotations

from dataclasses import dataclass as ordered
from typing import Final, Literal

from layerscope.records import dataclass

MOST_IN_FILE: Final = 100
"""Findings of one file that are listed."""

Gap = Literal["too-large", "too-many", "sparse", "unreadable"]
"""Why (the rest of) a file was not searched."""


@ordered(frozen=True, slots=True, order=True)
class Hit:
    """A secret in `line` of a text. `doubt` is the reason why it may not be one, and empty if there is none."""

    line: int
    rule: str
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """What one text has. `complete` is False if there are more findings than are listed."""

    hits: tuple[Hit, ...] = ()
    complete: bool = True


BINARY: Final = Search()
"""The result for a file that is not a text, which is this very object."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many files, and bytes of them, were searched."""

    files: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerSecrets:
    """What the files of one layer have, each known by the offset of its content in the tar.

    `rules` is the version of the rules. `everything` says that all text files were searched, and not only those whose
    names say that they hold secrets, and `most` is the size up to which a file was. `gaps` are the files that were not
    searched, or not to the end.
    """

    rules: str
    everything: bool
    most: int
    hits: tuple[tuple[int, Hit], ...] = ()
    gaps: tuple[tuple[int, Gap], ...] = ()
    known: Tally = Tally()
    searched: Tally = Tally()

    def serves(self, rules: str, most: int, *, everything: bool) -> bool:
        """Whether this answers a search with these rules."""
        return self.rules == rules and self.most == most and (self.everything or not everything)
