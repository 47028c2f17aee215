"""What lies between two instructions, and whether a command can move up."""

from __future__ import annotations

import re
from typing import Final

from layerscope.analysis.advice.case import Case

_HARMLESS: Final = frozenset(
    ("ENV", "LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "STOPSIGNAL", "HEALTHCHECK", "MAINTAINER")
)
_WORD: Final = r"[^\s;&|<>$`(){}\\\"'#!]+"
_CLEANUP: Final = re.compile(
    rf"""(?x)
    (?: rm(?:[ ]--?[A-Za-z-]+)*(?:[ ]/{_WORD})+
      | apt(?:-get)?[ ](?:-\S+[ ])*(?:auto)?clean
      | (?:dnf|yum|microdnf)[ ](?:-\S+[ ])*clean[ ]all
      | npm[ ]cache[ ]clean[ ]--force | yarn[ ]cache[ ]clean | pip3?[ ]cache[ ]purge )
    """
)


def cleanup_command(text: str) -> str | None:
    """The command of a RUN that does nothing but delete absolute paths or caches, which works the same earlier."""
    if not text.startswith("RUN "):
        return None
    command = text[4:]
    parts = command.split(" && ")
    return command if all(_CLEANUP.fullmatch(part) for part in parts) else None


def nothing_happens_between(case: Case, first: int, last: int) -> bool:
    """Whether the instructions between two others change no file, and nothing that a command depends on."""
    return all(case.keyword(index) in _HARMLESS for index in range(first + 1, last))
