"""Dockerfiles as far as blame needs them: which instruction stands on which lines, and in which stage."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from layerscope.errors import UsageError

_DIRECTIVE: Final = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(\S+)\s*")
_HEREDOC: Final = re.compile(r"<<(-?)([\"']?)([A-Za-z_][A-Za-z0-9_.-]*)\2")
_STAGE: Final = re.compile(r"(?i)from\s+(?:--\S+\s+)*(\S+)(?:\s+as\s+(\S+))?")
_HEREDOC_KEYWORDS: Final = frozenset(("RUN", "COPY", "ADD"))
MAX_BYTES: Final = 1 << 20
"""BuildKit itself reads no larger ones."""


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of a Dockerfile: its lines (1-based, both ends included) and its text on one line.

    `text` has continuation lines joined by one space; the bodies of here-documents stay on lines of their own.
    """

    keyword: str
    text: str
    start_line: int
    end_line: int

    @property
    def arguments(self) -> str:
        """What follows the keyword."""
        return self.text[len(self.keyword) :].strip()


def parse_dockerfile(text: str) -> tuple[Step, ...]:
    """The instructions of a Dockerfile in their order; what is no instruction is passed over, never refused."""
    lines = text.splitlines()
    escape, at = _directives(lines)
    return tuple(_steps(lines, at, escape))


def read_dockerfile(path: str) -> tuple[str, str]:
    """The name and text of a Dockerfile that a user names; raises `UsageError` where it cannot be one."""
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="name a Dockerfile") from None
    if len(data) > MAX_BYTES:
        raise UsageError(
            f"{path} has more than {MAX_BYTES} bytes, and is no Dockerfile",
            hint="name a Dockerfile",
        )
    return path, data.decode("utf-8", "replace")


def final_stage(steps: tuple[Step, ...], target: str | None = None) -> tuple[Step, ...]:
    """The instructions that a build of the last stage (or of `target`) runs, those of stages it is FROM first."""
    stages: list[tuple[str, str, list[Step]]] = []
    for step in steps:
        if step.keyword == "FROM":
            match = _STAGE.fullmatch(step.text)
            base, name = (match[1], match[2] or "") if match else ("", "")
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
    while True:
        _, base, own = stages[at]
        chain.append(own)
        earlier = [number for number in range(at) if stages[number][0] == base]
        if not earlier or not base:
            break
        at = earlier[-1]
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
            if not line.endswith(escape):
                parts.append(line)
                break
            parts.append(line[: -len(escape)].strip())
        joined = " ".join(part for part in parts if part)
        keyword, _, rest = joined.partition(" ")
        keyword = keyword.upper()
        text = f"{keyword} {rest.strip()}".rstrip()
        if keyword in _HEREDOC_KEYWORDS:
            body, at = _heredocs(text, lines, at)
            text += body
        if keyword.isalpha():
            yield Step(keyword, text, start + 1, at)


def _heredocs(text: str, lines: list[str], at: int) -> tuple[str, int]:
    """The here-documents that an instruction opens, and the line after them; without an end they are none."""
    body = ""
    for match in _HEREDOC.finditer(text):
        strip = "\t" if match[1] else ""
        end = at
        while end < len(lines) and lines[end].lstrip(strip) != match[3]:
            end += 1
        if end == len(lines):
            break
        body += "\n" + "\n".join(lines[at : end + 1])
        at = end + 1
    return body, at
