"""The single choke point between text from an image and a terminal or log."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator

from layerscope.patterns import pattern

ELLIPSIS = "…"

_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp", "Co", "Cn"})
_HIDDEN = frozenset("\u115f\u1160\u3164\uffa0\u034f\u180b\u180c\u180d\u180f")
"""Letters and marks that are invisible: Hangul fillers, the grapheme joiner, Mongolian selectors."""


def is_hidden(character: str) -> bool:
    """Whether a character moves, hides, or reorders text: controls, bidi, zero width, separators, unassigned."""
    return (
        unicodedata.category(character) in _HIDDEN_CATEGORIES
        or character in _HIDDEN
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


def escape(text: str) -> str:
    r"""`text` on one line, with everything a terminal could act on escaped, such as `\x1b`, `\n`, or `\u202e`.

    No character is dropped. More than four combining marks on one letter are escaped too, since they would paint over
    the lines above.
    """
    if text.isascii() and text.isprintable():
        return text
    parts: list[str] = []
    marks = 0
    for character in text:
        if " " <= character <= "~":
            marks = 0
            parts.append(character)
            continue
        marks = marks + 1 if unicodedata.combining(character) else 0
        parts.append(_visible(character) if marks > 4 or is_hidden(character) else character)
    return "".join(parts)


_CI_COMMAND = pattern(r"##(?=[A-Za-z]*\[)")


def guard_line(line: str) -> str:
    r"""`line` escaped so that no CI system treats it as a command: `::error::` at its start, `##[` or `##vso[` anywhere."""
    if "##" in line:
        line = _CI_COMMAND.sub(r"#\\x23", line)
    body = line.lstrip()
    if body.startswith("::"):
        return f"{line[: len(line) - len(body)]}\\x3a{body[1:]}"
    return line


def _visible(character: str) -> str:
    named = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    if named is not None:
        return named
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def cell_width(text: str) -> int:
    """The number of columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def fit_start(text: str, width: int) -> str:
    """The start of `text` within `width` columns. If the end is cut off, an ellipsis replaces it."""
    if cell_width(text) <= width:
        return text
    return "".join(_fitting(text, width - 1)).rstrip() + ELLIPSIS if width > 0 else ""


def fit_end(text: str, width: int) -> str:
    """The end of `text` within `width` columns. If the start is cut off, an ellipsis replaces it."""
    if cell_width(text) <= width:
        return text
    kept = "".join(_fitting(reversed(text), width - 1))
    return ELLIPSIS + kept[::-1] if width > 0 else ""


def _fitting(characters: Iterable[str], width: int) -> Iterator[str]:
    """The first characters that fit into `width` columns."""
    for character in characters:
        width -= cell_width(character)
        if width < 0:
            return
        yield character


def pad(text: str, width: int, *, right: bool = False) -> str:
    """`text` padded with spaces to `width` columns, on the left if `right` is true."""
    space = " " * max(0, width - cell_width(text))
    return space + text if right else text + space
