"""The text of a Dockerfile while it is edited. Everything that is not edited stays as it is, to the byte."""

from __future__ import annotations

import re
from typing import Final

from layerscope.analysis.advice.edits import (
    AddFlag,
    AddOption,
    AppendCommand,
    DropInstruction,
    Edit,
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
_END: Final = re.compile(r"(\r?\n|\r)?\Z")


class NotMechanicalError(Exception):
    """An edit needs a decision."""


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

    @property
    def uses_of_context(self) -> int:
        """How many instructions take files from the build context, over all stages."""
        return sum(
            "--from=" not in step.text
            if step.keyword in ("COPY", "ADD")
            else "--mount=type=bind" in step.text
            for step in self._steps.values()
        )

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
                    raise NotMechanicalError
                self._changed[step.start_line] = []
            case ReplaceInstruction():
                self._change(step, [self._indent(step) + edit.text + self._ending(step)])
            case AddOption():
                self._change(step, _with_option(self._current(step), step, edit.option))
            case AddFlag() if not is_exec_form(command_of(step.text)):
                self._change(step, _with_flag(self._current(step), edit))
            case AppendCommand():
                self._append(step, edit.command)
            case _:
                raise NotMechanicalError

    def _current(self, step: Step) -> list[str]:
        lines = self._changed.get(step.start_line)
        if lines is None:
            return self._lines[step.start_line - 1 : step.end_line]
        if not lines:
            raise NotMechanicalError
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
        if step.keyword != "RUN" or not self._plain or len(text) != 1:
            raise NotMechanicalError
        newline = "\r\n" if lines[0].endswith("\r\n") else "\n"
        end = heredoc_end(text[0].text)
        if end is not None and lines[-1].strip() == end:
            self._change(step, [*lines[:-1], command + newline, lines[-1]])
            return
        own = command_of(text[0].text)
        between = None if is_exec_form(own) else joint(own)
        if between is None or lines[-1].rstrip().endswith("\\"):
            raise NotMechanicalError
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


def _with_option(lines: list[str], step: Step, option: str) -> list[str]:
    name = option.partition("=")[0]
    if name != "--mount" and re.search(rf"(?<!\S){re.escape(name)}(?![\w-])", step.text):
        raise NotMechanicalError
    first = lines[0]
    if f" {option} " in first:
        return lines
    start = len(first) - len(first.lstrip())
    at = start + len(step.keyword)
    if first[start:at].upper() != step.keyword:
        raise NotMechanicalError
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
        raise NotMechanicalError
    return "".join([*parts, raw[at:]]).splitlines(keepends=True)


def _has_flag(raw: str, match: re.Match[str], flag: str) -> bool:
    """Whether the command that a match is in has the flag already."""
    end = _COMMAND_END.search(raw, match.end(), match.end() + _LONGEST)
    command = raw[match.start() : match.end() + _LONGEST if end is None else end.start()]
    return re.search(rf"[ \t]{re.escape(flag)}(?!\S)", command) is not None


def _is_comment(raw: str, at: int) -> bool:
    """Whether a position is on a line that is a comment."""
    return raw[raw.rfind("\n", 0, at) + 1 : at].lstrip().startswith("#")
