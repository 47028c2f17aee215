"""Globs and regular expressions, fast enough to search a million paths while you type."""

from __future__ import annotations

import fnmatch
import re
import warnings
from collections.abc import Callable, Iterable
from operator import methodcaller
from typing import Final

from layerscope.records import dataclass

_IDLE_START: Final = re.compile(
    r"(?P<atom>\.|\\[dDsSwW]|\[\^?\]?(?:\\.|[^\]\\])*\])(?P<repeat>[*+]\??)(?![*+?{])"
)
"""A repetition at the start. A search only needs its minimum count, so it is cut to that."""
_REPEAT: Final = re.compile(r"[*+?]|\{\d*(?:,\d*)?\}")
_ATOM: Final = re.compile(r"\\(?:x..|[0-9]{1,3}|.)|\[\^?\]?(?:\\.|[^\]\\])*\]?|.", re.DOTALL)
"""An escape, a character class, or a single character."""
_LOOSE: Final = re.compile(r"\(\?(?:#|[aLsu]*[imx])")
"""A comment or a flag, after which characters may not be literal."""
_WILD: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A test of names (`names`) or of whole paths. A `folded` pattern is matched against lower-case text.

    It can match only text that contains all `needles`, in which a NUL means the start or end of the text. A `sure`
    pattern matches whenever its only needle is found.
    """

    needles: tuple[bytes, ...]
    match: Callable[[bytes], object]
    names: bool
    folded: bool
    sure: bool = False

    def flags(self, texts: Iterable[bytes]) -> bytes:
        """A byte for each text: 1 if the pattern matches, else 0."""
        return bytes(map(bool, map(self.match, texts)))

    def holds(self, path: bytes) -> bool:
        """Whether it matches one path, given without a leading slash."""
        text = path.rpartition(b"/")[2] if self.names else path
        return bool(self.match(text.lower() if self.folded else text))


def plain(needle: bytes, *, names: bool) -> Pattern:
    """Text anywhere in a name or path. A NUL before or after it anchors it at the start or end."""
    text = needle.strip(b"\0")
    begins, ends = needle[:1] == b"\0", needle[-1:] == b"\0"
    match: Callable[[bytes], object]
    if begins or ends:
        match = methodcaller("startswith" if begins else "endswith", text)
    else:
        match = re.compile(re.escape(text)).search
    return Pattern((needle,), match, names, text == text.lower(), sure=True)


def glob(word: str) -> Pattern:
    """A glob for names, or for paths if it has a slash. `*` matches slashes too."""
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
    """A regular expression to search paths for. Raises `re.error`, `RecursionError`, or `OverflowError`."""
    folded = not minds_case(re.sub(r"\\.", "", text))
    _compile(text)
    while start := _IDLE_START.match(text):
        text = start["atom"] * (start["repeat"][0] == "+") + text[start.end() :]
        if start["repeat"][0] == "+":
            break
    needles = tuple(encode(needle) for needle in needles_of(text))
    return Pattern(needles, _compile(text).search, names=False, folded=folded)


def _compile(text: str) -> re.Pattern[bytes]:
    """Compile without `FutureWarning`, which doesn't concern someone typing a filter."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return re.compile(encode(text))


def needles_of(expression: str) -> list[str]:
    """Texts that every match of a valid regular expression contains; empty if that's not certain.

    Text in groups is ignored. An alternative, a flag, or a comment makes everything uncertain. A NUL means the start.
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
    """The end of the item that starts at `at`: a whole group, a class, an escape, or a single character."""
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
