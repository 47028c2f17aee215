"""Lines of text for a terminal or a log: escaped, fitted to the width, and colored if that's wanted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from layerscope.report.escape import cell_width, escape, guard_line

Span = str | tuple[str, str]
"""Text, or text with the name of a style."""

_STYLES = {
    "title": "1",
    "head": "1",
    "dim": "2",
    "bar": "36",
    "waste": "33",
    "good": "32",
    "bad": "1;31",
}
_UNITS = frozenset(("%", "B", "GB", "MB", "TB", "kB"))
_AFTER = ".,;:)"
"""What may follow a unit."""
_EIGHTHS = " ▏▎▍▌▋▊▉"
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("█▉▊▋▌", "#"),
        **dict.fromkeys("▍▎▏", " "),
        "–": "-",
        "−": "-",
        "·": "|",
        "…": "~",
        "◀": "<",
        "→": ">",
    }
)


class Page:
    """Writes lines to `out`. All text is escaped here, so no image can control the terminal or the CI system."""

    def __init__(self, out: TextIO, *, width: int, color: bool) -> None:
        self.width = width
        self._out = out
        self._color = color
        self._plain = not _can_draw(out)

    def line(self, *spans: Span) -> None:
        pairs = [(escape(s), "") if isinstance(s, str) else (escape(s[0]), s[1]) for s in spans]
        text = "".join(piece for piece, _ in pairs)
        guarded = guard_line(text)
        if self._color and guarded == text:
            while pairs and not pairs[-1][0].strip():
                pairs.pop()
            guarded = "".join(_styled(piece, style) for piece, style in pairs)
        if self._plain:
            guarded = guarded.translate(_PLAIN)
        self._out.write(guarded.rstrip() + "\n")

    def gap(self) -> None:
        self._out.write("\n")

    def paragraph(self, text: str, *, indent: int, head: tuple[str, str] = ("", "")) -> None:
        """Write `text` wrapped to the page and indented, with `head` before the first line."""
        margin = " " * indent
        for number, part in enumerate(wrap(text, max(16, self.width - indent))):
            if number == 0 and head[0]:
                self.line(" " * (indent - cell_width(head[0])), head, part)
            else:
                self.line(margin, part)


def _can_draw(out: TextIO) -> bool:
    try:
        "█–…◀".encode(getattr(out, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _styled(text: str, style: str) -> str:
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if style and text.strip() else text


def bar(part: int, whole: int, width: int) -> str:
    """A bar for `part` of `whole`, which fills `width` columns. Any part above zero is visible."""
    if whole <= 0 or part <= 0 or width <= 0:
        return ""
    eighths = max(1, min(8 * width, round(8 * width * part / whole)))
    full, rest = divmod(eighths, 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def wrap(text: str, width: int) -> Iterator[str]:
    """`text`, escaped, in lines of at most `width` columns. Longer words are cut. A size stays with its unit."""
    line = ""
    used = 0
    for word in _words(escape(text)):
        size = cell_width(word)
        if line and used + 1 + size > width:
            yield line
            line, used = "", 0
        while size > width:
            head = _take(word, width)
            yield head
            word = word[len(head) :]
            size = cell_width(word)
        line, used = (f"{line} {word}", used + 1 + size) if line else (word, size)
    yield line


def _words(text: str) -> Iterator[str]:
    """The words between spaces, and a number with the unit after it as one."""
    number = ""
    for word in text.split(" "):
        if number and word.rstrip(_AFTER) not in _UNITS:
            yield number
            number = ""
        if number:
            yield f"{number} {word}"
            number = ""
        elif word[-1:].isdigit():
            number = word
        else:
            yield word
    if number:
        yield number


def _take(word: str, width: int) -> str:
    used = 0
    for position, character in enumerate(word):
        used += cell_width(character)
        if used > width:
            return word[: max(1, position)]
    return word
