"""The text of a Dockerfile while it is edited. Everything that is not edited stays as it is, to the byte."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from layerscope.analysis.advice.context import clean_source, words_of
from layerscope.analysis.advice.edits import (
    AddFlag,
    AddOption,
    AppendCommand,
    DropInstruction,
    Edit,
    IgnorePaths,
    ReplaceInstruction,
)
from layerscope.analysis.advice.patch.shell import (
    command_of,
    heredoc_end,
    is_exec_form,
    joint,
)
from layerscope.image.dockerfile import Step, parse_dockerfile

_INDENT: Final = "    "
_ESCAPE: Final = re.compile(r"(?im)^[ \t]*#[ \t]*escape[ \t]*=[ \t]*`")
_SHELL: Final = re.compile(r"SHELL\s*\[\s*\"(?:/usr)?(?:/bin/)?(?:ba|da|a|z)?sh\"")
_COMMAND_END: Final = re.compile(r"[;&|]|(?<!\\)(?<!\\\r)\n")
_LONGEST: Final = 4_000
"""The most characters of a command after its first words that are searched for a flag."""
_BIND: Final = re.compile(r"--mount=(\S+)")
_END: Final = re.compile(r"(\r?\n|\r)?\Z")


class NotMechanicalError(Exception):
    """An edit needs a decision. The message says why, as the end of a sentence."""


class Editor:
    """A Dockerfile that is edited one instruction at a time."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines(keepends=True)
        self._steps = {step.start_line: step for step in parse_dockerfile(text)}
        self._changed: dict[int, list[str]] = {}
        self._plain = _ESCAPE.search(text) is None and all(
            _SHELL.match(step.text) for step in self._steps.values() if step.keyword == "SHELL"
        )

    def step_at(self, start: int, end: int) -> Step | None:
        """The instruction on exactly these lines."""
        step = self._steps.get(start)
        return step if step is not None and step.end_line == end else None

    @property
    def text(self) -> str:
        """The text with all edits."""
        parts: list[str] = []
        at = 0
        for start in sorted(self._changed):
            parts += self._lines[at : start - 1]
            parts += self._changed[start]
            at = self._steps[start].end_line
        return "".join([*parts, *self._lines[at:]])

    def other_use(self, step: Step, lines: Iterable[str]) -> Step | None:
        """Another instruction of any stage that may take files with it that `lines` of .dockerignore leave out."""
        found = [line for line in lines if not line.startswith("**/__pycache__")]
        for other in self._steps.values():
            if other is not step and any(
                _overlaps(source, line) for source in _sources(other) for line in found
            ):
                return other
        return None

    def state(self) -> dict[int, list[str]]:
        """What was changed so far, for `restore`."""
        return dict(self._changed)

    def restore(self, state: dict[int, list[str]]) -> None:
        """Take back what was changed since `state`."""
        self._changed = state

    def apply(self, step: Step, edit: Edit) -> None:
        """Make one change. Raises `NotMechanicalError`, and then nothing has changed."""
        match edit:
            case DropInstruction():
                if self._changed.get(step.start_line):
                    raise NotMechanicalError(f"line {step.start_line} is changed by other advice")
                self._changed[step.start_line] = []
            case ReplaceInstruction():
                self._change(step, [self._indent(step) + edit.text + self._ending(step)])
            case AddOption():
                self._change(step, _with_option(self._current(step), step, edit.option))
            case AddFlag() if is_exec_form(command_of(step.text)):
                raise NotMechanicalError(f"line {step.start_line} is a JSON list, not a command")
            case AddFlag():
                self._change(step, _with_flag(self._current(step), edit))
            case AppendCommand():
                self._append(step, edit.command)
            case IgnorePaths():
                raise NotMechanicalError("it is about .dockerignore")

    def _current(self, step: Step) -> list[str]:
        lines = self._changed.get(step.start_line)
        if lines is None:
            return self._lines[step.start_line - 1 : step.end_line]
        if not lines:
            raise NotMechanicalError(f"line {step.start_line} is removed by other advice")
        return lines

    def _change(self, step: Step, lines: list[str]) -> None:
        self._current(step)
        self._changed[step.start_line] = lines

    def _indent(self, step: Step) -> str:
        line = self._lines[step.start_line - 1]
        return line[: len(line) - len(line.lstrip())]

    def _ending(self, step: Step) -> str:
        match = _END.search(self._lines[step.end_line - 1])
        return (match[1] or "") if match else ""

    def _append(self, step: Step, command: str) -> None:
        lines = list(self._current(step))
        text = parse_dockerfile("".join(lines))
        place = f"line {step.start_line}"
        if step.keyword != "RUN" or len(text) != 1:
            raise NotMechanicalError(f"{place} is not a RUN")
        if not self._plain:
            raise NotMechanicalError("the Dockerfile has another shell or escape character")
        newline = "\r\n" if lines[0].endswith("\r\n") else "\n"
        end = heredoc_end(text[0].text)
        if end is not None and lines[-1].strip() == end:
            self._change(step, [*lines[:-1], command + newline, lines[-1]])
            return
        own = command_of(text[0].text)
        between = None if is_exec_form(own) else joint(own)
        if between is None or lines[-1].rstrip().endswith("\\"):
            raise NotMechanicalError(f"nothing can be added to the command of {place} for certain")
        last = lines[-1]
        ending = last[len(last.rstrip("\r\n")) :]
        indent = _INDENT
        if len(lines) > 1:
            indent = last[: len(last) - len(last.lstrip())] or _INDENT
        lines[-1:] = [
            f"{last.rstrip()} \\{newline}",
            f"{indent}{between}{command}{ending}",
        ]
        self._change(step, lines)


def _sources(step: Step) -> Iterator[str | None]:
    """What an instruction takes from the build context: paths, "" for all of it, None if that isn't certain."""
    if step.keyword in ("COPY", "ADD"):
        if "--from=" in step.text:
            return
        text = " ".join(step.text.split())
        words = words_of(text)
        if words is None:
            yield from () if "<<" in text else (None,)
            return
        yield from map(clean_source, words[:-1])
    for match in _BIND.finditer(step.text if step.keyword == "RUN" else ""):
        pairs = (each.partition("=") for each in match[1].split(","))
        options = {name: value for name, _, value in pairs}
        if options.get("type", "bind") == "bind" and "from" not in options:
            yield clean_source(options.get("source") or options.get("src") or "")


def _overlaps(source: str | None, line: str) -> bool:
    """Whether a source may have files that a line of .dockerignore leaves out."""
    if not source or "*" in line:
        return True
    return source == line or line.startswith(f"{source}/") or source.startswith(f"{line}/")


def _with_option(lines: list[str], step: Step, option: str) -> list[str]:
    name = option.partition("=")[0]
    if name != "--mount" and re.search(rf"(?<!\S){re.escape(name)}(?![\w-])", step.text):
        raise NotMechanicalError(f"line {step.start_line} has {name} already")
    first = lines[0]
    if f" {option} " in first:
        return lines
    start = len(first) - len(first.lstrip())
    at = start + len(step.keyword)
    if first[start:at].upper() != step.keyword:
        raise NotMechanicalError(f"line {step.start_line} does not begin with {step.keyword}")
    return [f"{first[:at]} {option}{first[at:]}", *lines[1:]]


def _with_flag(lines: list[str], edit: AddFlag) -> list[str]:
    """The lines with the flag after each subcommand that doesn't have it yet."""
    raw = "".join(lines)
    pattern = re.compile(
        rf"(?<![\w./-])(?:{edit.programs})(?![\w-])((?:[^\n;&|#]|\\\r?\n){{0,400}}?)(?<![\w-]){edit.subcommand}(?![\w-])"
    )
    parts, at, found = [], 0, False
    for match in pattern.finditer(raw):
        if _is_comment(raw, match.start()) or _has_flag(raw, match, edit.flag):
            continue
        parts.append(f"{raw[at : match.end()]} {edit.flag}")
        at, found = match.end(), True
    if not found:
        raise NotMechanicalError(f"no command there takes {edit.flag} for certain")
    return "".join([*parts, raw[at:]]).splitlines(keepends=True)


def _has_flag(raw: str, match: re.Match[str], flag: str) -> bool:
    """Whether the command that a match is in has the flag already."""
    end = _COMMAND_END.search(raw, match.end(), match.end() + _LONGEST)
    command = raw[match.start() : match.end() + _LONGEST if end is None else end.start()]
    return re.search(rf"[ \t]{re.escape(flag)}(?!\S)", command) is not None


def _is_comment(raw: str, at: int) -> bool:
    """Whether a position is on a line that is a comment."""
    return raw[raw.rfind("\n", 0, at) + 1 : at].lstrip().startswith("#")
