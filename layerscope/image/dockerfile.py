"""Parses what blame needs from a Dockerfile: the lines of each instruction, and its stage."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

from layerscope.errors import UsageError
from layerscope.image.shell import fold
from layerscope.patterns import pattern
from layerscope.records import dataclass

_DIRECTIVE: Final = pattern(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S.*)")
_HEREDOC: Final = pattern(r"(?<!\S)[0-9]*<<(-?)([\"']?)([^\s<\"']+)\2(?!\S)")
_QUOTED: Final = pattern(
    r"""\\.|<<-?(?:"[^"]*+"|'[^']*+')|(?P<text>"(?:[^"\\]++|\\.)*+"|'[^']*+')""", re.DOTALL
)
_STAGE: Final = pattern(r"(?i)from\s+(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?")
_HEREDOC_KEYWORDS: Final = frozenset(("RUN", "COPY", "ADD"))
MAX_BYTES: Final = 1 << 20
"""BuildKit refuses larger Dockerfiles too."""


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of a Dockerfile: its lines (1-based, inclusive) and its text on one line.

    `text` joins continuation lines; outside quotes, each run of blanks is one space. Here-document bodies keep their own
    lines.
    """

    keyword: str
    text: str
    start_line: int
    end_line: int

    @property
    def arguments(self) -> str:
        """The text after the keyword."""
        return self.text[len(self.keyword) :].strip()


def parse_dockerfile(text: str) -> tuple[Step, ...]:
    """The instructions of a Dockerfile, in order. Anything else is skipped, never refused."""
    lines = text.splitlines()
    escape, at = _directives(lines)
    return tuple(_steps(lines, at, escape))


def read_dockerfile(path: str) -> tuple[str, str]:
    """The name and text of the Dockerfile at `path`; raises `UsageError` if it can't be one."""
    return path, _read(path).decode("utf-8", "replace")


def read_exactly(path: str) -> str:
    """The text of a Dockerfile or .dockerignore, to be changed. Raises `UsageError` if it is not UTF-8 or too large."""
    try:
        return _read(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path} is not UTF-8 at byte {error.start}", hint="save it as UTF-8"
        ) from None


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="name a Dockerfile") from None
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"{path} has more than {MAX_BYTES} bytes, too many for a Dockerfile",
            hint="name a Dockerfile",
        )
    return data


def final_stage(steps: tuple[Step, ...], target: str | None = None) -> tuple[Step, ...]:
    """The instructions that building the last stage (or `target`) runs, starting with the stages it is FROM."""
    stages: list[tuple[str, str, list[Step]]] = []
    parents: list[int | None] = []
    named: dict[str, int] = {}
    for step in steps:
        if step.keyword == "FROM":
            match = _STAGE.fullmatch(step.text)
            base, name = (match[1], match[2] or "") if match else ("", "")
            parents.append(named.get(base.lower()) if base else None)
            if name:
                named[name.lower()] = len(stages)
            stages.append((name.lower(), base.lower(), [step]))
        elif stages:
            stages[-1][2].append(step)
    if not stages:
        return ()
    wanted = target.lower() if target else None
    at = len(stages) - 1
    for number, (name, _, _) in enumerate(stages):
        if wanted is not None and wanted in (name, str(number)):
            at = number
    chain: list[list[Step]] = []
    parent: int | None = at
    while parent is not None:
        chain.append(stages[parent][2])
        parent = parents[parent]
    return tuple(step for own in reversed(chain) for step in own)


def _directives(lines: list[str]) -> tuple[str, int]:
    escape = "\\"
    for at, line in enumerate(lines):
        match = _DIRECTIVE.fullmatch(line.strip())
        if match is None:
            return escape, at
        if match[1].lower() == "escape" and match[2] in ("\\", "`"):
            escape = match[2]
    return escape, len(lines)


def _steps(lines: list[str], at: int, escape: str) -> Iterator[Step]:
    endings = _Endings(lines)
    while at < len(lines):
        line = lines[at].strip()
        if not line or line.startswith("#"):
            at += 1
            continue
        start = at
        parts: list[str] = []
        while at < len(lines):
            line = lines[at].strip()
            at += 1
            if parts and (not line or line.startswith("#")):
                continue
            line = lines[at - 1].rstrip(" \t")
            # Two escape characters are one in the command, so the line ends there.
            if not line.endswith(escape) or line.endswith(2 * escape):
                parts.append(line)
                break
            parts.append(line[: -len(escape)])
        joined = fold("".join(parts))
        keyword, _, rest = joined.partition(" ")
        keyword = keyword.upper()
        text = f"{keyword} {rest.strip()}".rstrip()
        does = rest.partition(" ")[0].upper() if keyword == "ONBUILD" else keyword
        if does in _HEREDOC_KEYWORDS:
            body, at = _heredocs(text, lines, at, endings)
            text += body
        if keyword.isalpha():
            yield Step(keyword, text, start + 1, at)


class _Endings:
    """Where each here-document ends. Each line is read a fixed number of times, no matter how many are opened."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._lines = lines
        self._plain: dict[str, list[int]] | None = None
        self._stripped: dict[str, list[int]] = {}
        self.lines_read = 0

    def find(self, name: str, begin: int, *, strip_tabs: bool) -> int | None:
        """The first line at or after `begin` that ends the here-document `name`."""
        if self._plain is None:
            self._plain = {}
            names = {match[3] for line in self._lines for match in _HEREDOC.finditer(line)}
            for at, line in enumerate(self._lines):
                self.lines_read += 1
                bare = line.lstrip("\t")
                if bare in names:
                    self._plain.setdefault(line, []).append(at)
                    self._stripped.setdefault(bare, []).append(at)
        places = (self._stripped if strip_tabs else self._plain).get(name, [])
        at = bisect_left(places, begin)
        return places[at] if at < len(places) else None


def _emptied(match: re.Match[str]) -> str:
    """Empty quotes for what is in quotes, except for the name of a here-document."""
    return match[0] if match["text"] is None else '""'


def _heredocs(text: str, lines: Sequence[str], at: int, endings: _Endings) -> tuple[str, int]:
    """The here-documents that an instruction opens, and the line after them. One without an end doesn't count."""
    bodies = [""]
    for match in _HEREDOC.finditer(_QUOTED.sub(_emptied, text)):
        end = endings.find(match[3], at, strip_tabs=bool(match[1]))
        if end is None:
            break
        bodies += lines[at : end + 1]
        at = end + 1
    return "\n".join(bodies), at
