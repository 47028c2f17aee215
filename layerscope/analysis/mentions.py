"""Short names for instructions and files in sentences, by line number if it's known."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from layerscope.analysis.base_instructions import base_instructions
from layerscope.patterns import pattern
from layerscope.units import count

if TYPE_CHECKING:
    from layerscope.analysis.model import Analysis, WastedFile

WIDEST_PATH = 60
"""The most characters of a path. The start is cut, since the end says more."""
WIDEST_TEXT = 40
"""The most characters of an instruction without a line number."""
_LONGEST = 20_000

_SETUP = pattern(
    r"--(?:mount|network|security)=\S{1,2000}\s+"
    r"|set(?:\s+[-+](?:[A-Za-z]{0,8}o\s+\w{1,32}|[A-Za-z]{1,16})){1,16}\s*(?:;|&&|\n)\s*"
)
"""The part of a RUN before the actual command: build flags and shell options."""
_PROGRAM = pattern(r"(?:[\w.+/-]{0,200}/)?([\w.+-]{1,24})(?![\w./=+-])")


def short_command(text: str) -> str:
    """An instruction without build flags and shell options: `RUN set -eux; make` becomes `RUN make`."""
    if not text.startswith("RUN "):
        return text
    at = 4
    while match := _SETUP.match(text, at):
        if match.end() == len(text):
            break
        at = match.end()
    return text[:4] + text[at:]


def one_spaced(text: str) -> str:
    """The start of an instruction's text with single spaces, build flags and shell options left out."""
    return " ".join(short_command(text[:_LONGEST]).split())


class Mentions:
    """Names the instructions of one analysis."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._inherited = base_instructions(analysis.facts)
        self._lines = Counter(map(self._start_line, range(len(analysis.instructions))))

    def is_of_base(self, index: int) -> bool:
        """Whether the instruction belongs to a known base image."""
        return index in self._inherited

    def line(self, index: int) -> int | None:
        """The line to edit, or None for instructions that come with FROM (including triggers)."""
        line = self._start_line(index)
        return None if self._lines[line] > 1 or self.is_of_base(index) else line

    def _start_line(self, index: int) -> int | None:
        location = self._analysis.instructions[index].instruction.location
        return None if location is None else location.start_line

    def start(self, index: int) -> str:
        """`Line 8`, `Instruction 17`, or `Instruction 3 of the base image`, at the start of a sentence."""
        of_base = " of the base image" if self.is_of_base(index) else ""
        return self.place(index).capitalize() + of_base

    def place(self, index: int) -> str:
        """`line 8` or `instruction 17`."""
        line = self.line(index)
        return f"instruction {index}" if line is None else f"line {line}"

    def named(self, index: int) -> str:
        """`RUN chown, line 21` or `instruction 22 (RUN chown -R www-data:www-data /app)`."""
        if self.line(index) is not None:
            name = self._name(index)
            return f"{name}, {self.place(index)}" if name else self.place(index)
        text = one_spaced(self._text(index))
        if len(text) > WIDEST_TEXT:
            text = text[: WIDEST_TEXT - 1].rstrip() + "…"
        return f"instruction {index} ({text})" if text else f"instruction {index}"

    def subject(self, index: int) -> str:
        """The same as the subject of a sentence: `RUN chown, line 21,`."""
        named = self.named(index)
        return f"{named}," if ", line " in named and self.line(index) is not None else named

    def _text(self, index: int) -> str:
        return self._analysis.instructions[index].instruction.text

    def _name(self, index: int) -> str:
        """`RUN chown` for a command, else the keyword."""
        keyword = self._analysis.instructions[index].instruction.keyword.upper()
        if keyword != "RUN":
            return keyword
        match = _PROGRAM.match(one_spaced(self._text(index)), 4)
        return f"RUN {match[1]}" if match else "RUN"


def files_word(files: Sequence[WastedFile]) -> str:
    """`/app/data.bin`, `100 files in /app/static`, or `100 files` if they share no directory below the root."""
    return paths_word([file.path for file in files])


def paths_word(paths: Sequence[bytes]) -> str:
    """The same for paths."""
    if len(paths) == 1:
        return _path(paths[0])
    paths = [b"/" + path.lstrip(b"/") for path in paths]
    above = posixpath.commonpath([min(paths), max(paths)])
    number = count(len(paths), "file")
    return number if above == b"/" else f"{number} in {_path(above)}"


def _path(path: bytes) -> str:
    text = "/" + path.decode("utf-8", "backslashreplace").lstrip("/")
    return text if len(text) <= WIDEST_PATH else "…" + text[1 - WIDEST_PATH :]
