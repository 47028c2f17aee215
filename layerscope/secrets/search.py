"""The search of one file: which files are looked into, what is found in them, and what is not looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Final

from layerscope.secrets import doubts, expressions, gitleaks
from layerscope.secrets.files import FILE_RULES, is_binary_kind, is_known, search_file
from layerscope.secrets.gitleaks import GENERIC
from layerscope.secrets.hit import BINARY, MOST_IN_FILE, Hit, Search
from layerscope.secrets.prefilter import Prefilter, Words

ReadAt = Callable[[int, int], bytes]
"""Reads bytes of the file: from a position, so many."""
VARIABLE: Final = "secret-variable"
ARGUMENT: Final = "secret-build-argument"
LOGIN_URL: Final = "password-in-url"
CONFIG_RULES: Final = {
    VARIABLE: "A setting whose name says that its value is secret",
    ARGUMENT: "A build argument whose name says that its value is secret; the history keeps it",
    LOGIN_URL: "A URL with a password",
}
"""The rules for an image's configuration, and what they find."""
OWN_RULES: Final = 2
"""Increases with every change to the rules of this room."""
HEAD: Final = 8192
"""How much of a file tells whether it is text."""
BOMS: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


@cache
def version() -> str:
    """The version of all rules together."""
    return f"gitleaks {gitleaks.origin()['version']}+{OWN_RULES}"


def is_available() -> bool:
    """Whether secrets can be searched for."""
    return expressions.is_available()


def require() -> None:
    """Raise `SecretsUnavailable` if secrets can't be searched for."""
    expressions.module()


def is_wanted(path: bytes, size: int, *, everything: bool) -> bool:
    """Whether a file is looked into."""
    return size > 0 and (everything or is_known(path))


def search(path: bytes, size: int, read_at: ReadAt, most: int) -> Search | None:
    """The secrets of a file of `size` bytes; None for a text of more than `most`. Of a binary file, only the head is read."""
    head = read_at(0, min(size, HEAD))
    if not is_text(head) and not is_binary_kind(path):
        return BINARY
    if size > most:
        return None
    return search_bytes(head if size <= HEAD else read_at(0, size), path)


def is_text(head: bytes) -> bool:
    """Whether a file that begins so is a text."""
    return head.find(b"\0", 0, HEAD) < 0 or head[:2] in BOMS


def prefilter() -> Prefilter:
    """What tells in one pass which texts are worth a search. Raises `SecretsUnavailable`."""
    return gitleaks.engine().prefilter


def search_bytes(data: bytes, path: bytes = b"", words: Words | None = None) -> Search:
    """The secrets of a file with such a name, sorted by line. `words` are what the prefilter found in a text of one block.

    Without a name it is a text of an image's configuration. There, the words of `words.py` say which settings are
    secret, so the rule that guesses by names (`GENERIC`) is left out: it takes the fingerprint in GPG_KEY for one.
    """
    path = path.removeprefix(b"./").lstrip(b"/")
    coding = BOMS.get(data[:2])
    if coding is not None and b"\0" in data[:HEAD]:
        data, words = data[2:].decode(coding, "replace").encode("utf-8"), None
    own = list(_limited(search_file(data, path))) if path else []
    hits: list[Hit] = []
    complete = len(own) <= MOST_IN_FILE
    for hit in gitleaks.engine().search(data, path, words):
        if hit is None or len(hits) > MOST_IN_FILE:
            complete = False
            break
        if path or hit.rule != GENERIC:
            hits.append(hit)
    found = _settled([*own, *hits], path)
    return Search(found[:MOST_IN_FILE], complete and len(found) <= MOST_IN_FILE)


def _limited(hits: Iterable[Hit]) -> Iterator[Hit]:
    for number, hit in enumerate(hits):
        if number > MOST_IN_FILE:
            return
        yield hit


def _settled(hits: list[Hit], path: bytes) -> tuple[Hit, ...]:
    """Each line and rule once, without a generic finding where a rule for the very thing has one, and with doubts."""
    special = {hit.line for hit in hits if hit.rule != GENERIC}
    kept = {hit for hit in hits if hit.rule != GENERIC or hit.line not in special}
    best: dict[tuple[int, str], Hit] = {}
    for hit in sorted(kept):
        # A certain finding wins over one in doubt of the same line.
        best.setdefault((hit.line, hit.rule), hit)
    return tuple(
        Hit(
            hit.line,
            hit.rule,
            (doubts.doubt_about_place(hit.rule, path) if path else "") or hit.doubt,
        )
        for hit in sorted(best.values())
    )


def values(text: str) -> list[str]:
    """The secrets of a text by the rules for all files, so that they can be masked; none without the engine."""
    if not is_available():
        return []
    found = gitleaks.engine().values(text.encode("utf-8", "surrogatepass"))
    return [each.decode("utf-8", "surrogatepass") for each in found]


@cache
def messages() -> dict[str, str]:
    """What each rule finds."""
    known = {rule.name: rule.message for rule in FILE_RULES}
    if is_available():
        known |= {rule.name: rule.message for rule in gitleaks.engine().rules}
    return known | CONFIG_RULES
