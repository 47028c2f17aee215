"""The pages of the documentation, and the blocks of code in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
FENCE = re.compile(r"^```([a-z]*)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words after that, and its text."""

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str


@dataclass(frozen=True)
class Command:
    """A command of a console block, and the lines of output that the page shows below it."""

    line: str
    shown: tuple[str, ...]


def blocks(page: Path, language: str) -> list[Block]:
    """The blocks of one language on a page, in order."""
    text = page.read_text()
    return [
        Block(
            page,
            text.count("\n", 0, match.start()) + 1,
            match[1],
            tuple(match[2].split()),
            match[3],
        )
        for match in FENCE.finditer(text)
        if match[1] == language
    ]


def commands(block: Block) -> Iterator[Command]:
    """The commands of a console block: lines that start with `$ `, each with the output below it."""
    line: str | None = None
    shown: list[str] = []
    for each in block.text.splitlines():
        if each.startswith("$ "):
            if line is not None:
                yield Command(line, tuple(shown))
            line, shown = each[2:], []
        else:
            assert line is not None, f"{block.page.name}: output before any command"
            shown.append(each)
    if line is not None:
        yield Command(line, tuple(shown))
