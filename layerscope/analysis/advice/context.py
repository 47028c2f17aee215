"""Which path of the build context a COPY or an ADD took a file from."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from typing import Final

from layerscope.analysis.advice.case import Case
from layerscope.layers.entry import FILE
from layerscope.patterns import pattern

_OPTIONS: Final = pattern(r"(?:COPY|ADD)((?: --[a-z-]+(?:=\S*)?)*) +(?=\S)")
_VARIABLE: Final = pattern(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_GLOB: Final = pattern(r"[*?\[\\]")
_UNPACKED: Final = pattern(r"(?i)://|@|\.(?:tar|tgz|gz|txz|xz|tbz2?|bz2|zst)$")
"""What ADD fetches or unpacks."""
_LONGEST: Final = 4_000


class Context:
    """Where the sources of an instruction are in the image, as far as its text says so for certain."""

    def __init__(self, case: Case, index: int) -> None:
        self._case = case
        self._sources: tuple[str, ...] = ()
        self._target: str | None = None
        self._read(index)

    def path(self, path: bytes) -> bytes | None:
        """The path in the context of a path in the image; None if it isn't certain."""
        if self._target is None:
            return None
        try:
            wanted = path.lstrip(b"/").decode()
        except UnicodeDecodeError:
            return None
        whole = [source for source in self._sources if self._as_file(source) == wanted]
        if whole:
            return whole[0].encode() if len(whole) == 1 and whole[0] else None
        start = f"{self._target}/" if self._target else ""
        folders = [source for source in self._sources if not self._is_file(source)]
        if len(folders) != 1 or not wanted.startswith(start):
            return None
        rest = wanted[len(start) :]
        return (f"{folders[0]}/{rest}" if folders[0] else rest).encode() or None

    def _as_file(self, source: str) -> str:
        """Where a source is if it is a file, or if the target is called like it."""
        assert self._target is not None
        name = source.rpartition("/")[2]
        if not source:
            return ""
        if len(self._sources) == 1 and self._target.rpartition("/")[2] == name:
            return self._target
        return f"{self._target}/{name}" if self._target else name

    def _is_file(self, source: str) -> bool:
        """Whether a source became a file of its own name."""
        where = self._as_file(source)
        node = self._case.analysis.tree.find(where.encode()) if where else None
        latest = None if node is None else node.latest
        return latest is not None and latest.kind == FILE

    def _read(self, index: int) -> None:
        words = words_of(self._case.text(index))
        if words is None or len(words) < 2:
            return
        above, known = _settings(self._case, index)
        sources = [_clean(_filled(word, known)) for word in words[:-1]]
        arguments = known | _arguments(self._case, index)
        target = _filled(words[-1], arguments)
        if target is not None and not target.startswith("/"):
            target = None if above is None else f"{above}/{target}"
        cleaned = _clean(target)
        if cleaned is None or any(source is None or _GLOB.search(source) for source in sources):
            return
        self._sources = tuple(source for source in sources if source is not None)
        self._target = cleaned


def words_of(text: str) -> list[str] | None:
    """The sources and the target of a COPY or an ADD from the build context; None for any other instruction."""
    match = _OPTIONS.match(text)
    if match is None or "--from=" in match[1] or "<<" in text or len(text) > _LONGEST:
        return None
    rest = text[match.end() :]
    words: object
    try:
        words = json.loads(rest) if rest.startswith("[") else shlex.split(rest)
    except (ValueError, RecursionError):
        return None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        return None
    if text.startswith("ADD") and any(_UNPACKED.search(word) for word in words[:-1]):
        return None
    return words


def clean_source(word: str) -> str | None:
    """A source as a path below the context, "" for all of it; None if it isn't certain."""
    return None if "$" in word or _GLOB.search(word) else _clean(word)


def _clean(path: str | None) -> str | None:
    """A path without a slash at the start and the end, and without dots."""
    if path is None:
        return None
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return None if ".." in parts else "/".join(parts)


def _filled(text: str, known: Mapping[str, str]) -> str | None:
    """The text with its variables; None if one of them isn't known."""
    filled = _VARIABLE.sub(lambda match: known.get(match[1] or match[2], "$"), text)
    return None if "$" in filled else filled


def _settings(case: Case, index: int) -> tuple[str | None, dict[str, str]]:
    """The WORKDIR at an instruction, None if it isn't certain, and the environment."""
    own = {
        name
        for each in case.analysis.instructions
        if each.instruction.keyword == "ENV"
        for name, _ in _pairs(each.instruction.text)
    }
    known = {
        name: value
        for name, _, value in (each.partition("=") for each in case.analysis.facts.config.env)
        if name not in own
    }
    folder: str | None = ""
    for at in range(index):
        text = case.analysis.instructions[at].instruction.text
        if case.keyword(at) == "ENV":
            for name, value in _pairs(text):
                known[name] = _filled(value, known) or "$"
        elif case.keyword(at) == "WORKDIR":
            word = case.text(at)[len("WORKDIR ") :].strip("\"'")
            named = _filled(word, known | _arguments(case, at))
            if named is None or named.startswith("/"):
                folder = named
            else:
                folder = None if folder is None else f"{folder}/{named}"
    return folder or None, known


def _arguments(case: Case, index: int) -> dict[str, str]:
    """The build arguments. A build may have set others, so they are for paths that the image confirms."""
    return {
        name: value
        for at in range(index)
        if case.keyword(at) == "ARG"
        for name, value in case.analysis.instructions[at].instruction.arguments
        if "$" not in value
    }


def _pairs(text: str) -> list[tuple[str, str]]:
    """The variables that an ENV sets."""
    _, _, rest = text[:_LONGEST].partition(" ")
    try:
        words = shlex.split(rest)
    except ValueError:
        return []
    if words and "=" not in words[0]:
        return [(words[0], " ".join(words[1:]))]
    return [
        (name, value) for name, equals, value in (word.partition("=") for word in words) if equals
    ]
