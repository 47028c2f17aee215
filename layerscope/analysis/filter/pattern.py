"""Globs and regular expressions, held against a million paths while they are being written."""

from __future__ import annotations

import fnmatch
import re
import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import methodcaller
from typing import Final

_IDLE_START: Final = re.compile(
    r"(?P<atom>\.|\\[dDsSwW]|\[\^?\]?(?:\\.|[^\]\\])*\])(?P<repeat>[*+]\??)(?![*+?{])"
)
"""A repetition at the start: where it is found, it is found with as few as it may have, without trying more."""
_REPEAT: Final = re.compile(r"[*+?]|\{\d*(?:,\d*)?\}")
_ATOM: Final = re.compile(r"\\(?:x..|[0-9]{1,3}|.)|\[\^?\]?(?:\\.|[^\]\\])*\]?|.", re.DOTALL)
"""An escape, a class, or one letter."""
_LOOSE: Final = re.compile(r"\(\?(?:#|[aLsu]*[imx])")
"""A comment or a flag, after which letters may not mean what they say."""
_WILD: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """Holds for names (`names`) or for whole paths; a `folded` one is held against those in lower case.

    It can hold only for a text that contains all `needles`, in which a NUL stands for where the text begins or ends; a
    `sure` one holds wherever its one needle is.
    """

    needles: tuple[bytes, ...]
    match: Callable[[bytes], object]
    names: bool
    folded: bool
    sure: bool = False

    def flags(self, texts: Iterable[bytes]) -> bytes:
        """For each text 1 where the pattern holds, else 0."""
        return bytes(map(bool, map(self.match, texts)))

    def holds(self, path: bytes) -> bool:
        """Whether it holds for one path, which has no slash before it."""
        text = path.rpartition(b"/")[2] if self.names else path
        return bool(self.match(text.lower() if self.folded else text))


def plain(needle: bytes, *, names: bool) -> Pattern:
    """Text that stands anywhere in a name or a path; with a NUL before or after it, where that begins or ends."""
    text = needle.strip(b"\0")
    begins, ends = needle[:1] == b"\0", needle[-1:] == b"\0"
    match: Callable[[bytes], object]
    if begins or ends:
        match = methodcaller("startswith" if begins else "endswith", text)
    else:
        match = re.compile(re.escape(text)).search
    return Pattern((needle,), match, names, text == text.lower(), sure=True)


def glob(word: str) -> Pattern:
    """A glob of names, or of paths where it has a slash; `*` matches slashes too."""
    folded = not minds_case(word)
    text = encode(word)
    names = b"/" not in text
    text = text.strip(b"/")
    if names and text.count(b"*") and not _WILD.search(word.strip("*")):
        before, after = (b"" if end == b"*" else b"\0" for end in (text[:1], text[-1:]))
        return plain(before + text.strip(b"*") + after, names=True)
    marked = b"\0" + text + b"\0"
    needles = tuple(part for part in re.split(rb"\[.*\]|[*?\[]", marked) if part.strip(b"\0"))
    inner = text.lstrip(b"*")
    compiled = re.compile(fnmatch.translate(inner.decode("latin-1")).encode("latin-1"))
    match = compiled.match if inner == text else compiled.search
    return Pattern(needles, match, names, folded)


def expression(text: str) -> Pattern:
    """A regular expression that is searched for in paths. Raises `re.error`, `RecursionError` or `OverflowError`."""
    folded = not minds_case(re.sub(r"\\.", "", text))
    _compile(text)
    while start := _IDLE_START.match(text):
        text = start["atom"] * (start["repeat"][0] == "+") + text[start.end() :]
        if start["repeat"][0] == "+":
            break
    needles = tuple(encode(needle) for needle in needles_of(text))
    return Pattern(needles, _compile(text).search, names=False, folded=folded)


def _compile(text: str) -> re.Pattern[bytes]:
    """What may mean something else in a later Python is no concern of who writes a filter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.compile(encode(text))


def needles_of(expression: str) -> list[str]:
    """Texts that every match of a valid regular expression contains; none where that is not sure.

    What stands in groups is left out, and so is everything where an alternative, a flag or a comment leaves it open. A NUL stands
    for the beginning.
    """
    if _LOOSE.search(expression):
        return []
    runs = [""]
    at = 0
    while at < len(expression):
        letter = expression[at]
        if repeat := _REPEAT.match(expression, at):
            if repeat[0] != "+":
                runs[-1] = runs[-1][:-1]
            runs.append("")
            at = repeat.end()
        elif letter == "|":
            return []
        elif letter == "^" and not at:
            runs[-1] = "\0"
            at = 1
        elif letter == "\\" and not expression[at + 1].isalnum():
            runs[-1] += expression[at + 1]
            at += 2
        elif letter in "([.^$\\":
            runs.append("")
            at = _after(expression, at)
        else:
            runs[-1] += letter
            at += 1
    return [run for run in runs if run.strip("\0")]


def _after(expression: str, at: int) -> int:
    """Where what begins at `at` ends: a group with all that is in it, a class, an escape, or one letter."""
    depth = 0
    while True:
        found = _ATOM.match(expression, at)
        assert found is not None
        depth += (found[0] == "(") - (found[0] == ")")
        at = found.end()
        if depth <= 0 or at >= len(expression):
            return at


def minds_case(text: str) -> bool:
    return any(letter.isupper() for letter in text)


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
