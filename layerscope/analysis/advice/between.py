"""What lies between two instructions, and whether a command can move up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from layerscope.analysis.advice.case import Case
from layerscope.layers.entry import DIRECTORY, METADATA, UNCHANGED
from layerscope.patterns import pattern

_HARMLESS: Final = frozenset(
    (
        *("ARG", "CMD", "ENTRYPOINT", "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "MAINTAINER"),
        *("STOPSIGNAL", "VOLUME"),
    )
)
_WORD: Final = r"[^\s;&|<>$`(){}\\\"'#!]+"
_CLEANUP: Final = pattern(
    rf"""(?x)
    (?: rm(?:[ ]--?[A-Za-z-]+)*(?:[ ]/{_WORD})+
      | apt(?:-get)?[ ](?:-\S+[ ])*(?:auto)?clean
      | (?:dnf|yum|microdnf)[ ](?:-\S+[ ])*clean[ ]all
      | npm[ ]cache[ ]clean[ ]--force | yarn[ ]cache[ ]clean | pip3?[ ]cache[ ]purge )
    """
)
_CACHES: Final = {
    "apt": "/var/cache/apt",
    "dnf": "/var/cache",
    "microdnf": "/var/cache",
    "npm": "/root/.npm",
    "pip": "/root/.cache",
    "yarn": "/usr/local/share/.cache",
    "yum": "/var/cache",
}
"""Where the commands that clean up delete, for root."""
_ROOT: Final = ("", "0", "root")


def cleanup_command(text: str) -> str | None:
    """The command of a RUN that does nothing but delete absolute paths or caches, which works the same earlier."""
    if not text.startswith("RUN "):
        return None
    command = text[4:]
    parts = command.split(" && ")
    return command if all(_CLEANUP.fullmatch(part) for part in parts) else None


def cleaned_folders(command: str) -> list[str]:
    """The directories and files that such a command deletes from, up to the first wildcard."""
    found = []
    for part in command.split(" && "):
        words = part.split()
        if words[0] == "rm":
            found += [fixed_part(word) for word in words if word.startswith("/")]
        else:
            found.append(_CACHES.get(words[0].removesuffix("-get").rstrip("3"), "/"))
    return found


def fixed_part(path: str) -> str:
    """The path up to the first name with a wildcard."""
    names = path.split("/")
    for at, name in enumerate(names):
        if any(sign in name for sign in "*?["):
            return "/".join(names[:at]) or "/"
    return path.rstrip("/") or "/"


def obstacle(case: Case, first: int, last: int, folders: Iterable[str]) -> str:
    """Why a command that touches only what is in `folders` can't move from `last` up to `first`; empty if it can.

    A RUN in between may need the files. A COPY, an ADD, or a WORKDIR may put files there, which the image tells.
    """
    inside = tuple(folders)
    for index in range(first + 1, last):
        keyword = case.keyword(index)
        place = case.mentions.place(index)
        if keyword in _HARMLESS:
            continue
        if keyword == "USER" and _user_at(case, first) in _ROOT:
            continue
        if keyword in ("COPY", "ADD", "WORKDIR"):
            if not any(_is_in(path, inside) for path in _stored(case, index)):
                continue
            return f"{place} puts files there in between"
        return f"{keyword} at {place} is in between"
    return ""


def _user_at(case: Case, index: int) -> str:
    """The user that an instruction runs as, as far as the image's instructions say."""
    for at in range(index, -1, -1):
        if case.keyword(at) == "USER":
            return case.text(at)[len("USER ") :].partition(":")[0].strip()
    return ""


def _stored(case: Case, index: int) -> Iterable[str]:
    """The paths of the files and the new directories that an instruction stores."""
    for layer in case.analysis.instructions[index].instruction.layers:
        for entry in case.analysis.tree.layers[layer]:
            leads = entry.kind == DIRECTORY and entry.change == UNCHANGED
            if leads or entry.kind == METADATA:
                continue
            yield "/" + entry.path.decode("utf-8", "surrogateescape")


def _is_in(path: str, folders: tuple[str, ...]) -> bool:
    return any(folder in ("/", path) or path.startswith(f"{folder}/") for folder in folders)
