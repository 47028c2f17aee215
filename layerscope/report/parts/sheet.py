"""A GitHub Markdown comment of limited size, and the text of an image in it.

Text from the image goes into `<code>`, with every Markdown character written as an entity, so it is never markup or a
mention.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from layerscope.report.words import one_line

LIMIT = 60_000
"""Bytes. GitHub accepts comments of fewer than 65,536 characters."""
WIDTH = 120
"""The most columns of any text from the image."""

_ACTIVE = re.compile(r"[^A-Za-z0-9 /,;=\"'().+\-\u00a0-\U0010ffff]|(?<=[wW])\.")
_AT = "&#64;<!-- -->"
"""An at sign that doesn't turn an address into a link. A plain entity would: GitHub decodes those first."""
_SOCIAL = re.compile(r"&#(?:64|35);|&#58;(?=(?:[A-Za-z0-9+-]|&#95;)+&#58;)")


def code(text: str, width: int = WIDTH) -> str:
    """Text from the image as inline code, on one line."""
    return f"<code>{_entities(one_line(text, width)).replace('&#64;', _AT)}</code>"


def prose(text: str, width: int = 4 * WIDTH) -> str:
    """A sentence with text from the image. A zero-width space keeps it from mentioning people and issues."""
    return _SOCIAL.sub(r"\g<0>&#8203;", _entities(one_line(text, width)))


def _entities(text: str) -> str:
    return _ACTIVE.sub(lambda match: f"&#{ord(match[0])};", text)


class Sheet:
    """Collects text up to a limit."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._left = LIMIT
        self._closing = 0

    def add(self, text: str) -> bool:
        """Add text if there's room. Returns whether there was."""
        size = len(text.encode())
        if size > self._left - self._closing:
            return False
        self._parts.append(text)
        self._left -= size
        return True

    def table(
        self,
        titles: Sequence[str],
        rows: Iterable[Sequence[str]],
        *,
        total: int,
        rest: str = "",
        fold: str = "",
    ) -> None:
        """Add a table. With `fold`, it is folded below that line.

        A title that ends in `>` marks a column of numbers. `rest` is the last row, which sums up what the caller left
        out. If not all of the `total` rows fit, their number replaces it.
        """
        head = f"\n<details><summary>{fold}</summary>\n\n" if fold else "\n"
        head += "| " + " | ".join(title.removesuffix(">") for title in titles) + " |\n"
        head += "|" + "|".join("--:" if title.endswith(">") else ":--" for title in titles) + "|\n"
        foot = "\n</details>\n" if fold else ""
        self._closing = len(foot) + len(rest.encode()) + 80
        written = 0
        if self.add(head):
            for row in rows:
                if not self.add("| " + " | ".join(row) + " |\n"):
                    break
                written += 1
            self._closing = 0
            last = rest if written == total else f"{total - written:,} more rows, cut off here"
            if last:
                blank = "".join(" |" for _ in titles[1:])
                self.add(f"| *{last}* |{blank}\n")
            self.add(foot)
        self._closing = 0

    def text(self) -> str:
        return "".join(self._parts)
