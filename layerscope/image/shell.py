"""The shell and build arguments that builders put before a RUN command in the history."""

from __future__ import annotations

import re
from collections.abc import Collection

from layerscope.patterns import pattern

Arguments = tuple[tuple[str, str], ...]

DEFAULT_SHELL = "/bin/sh -c"

# Every alternative starts at a word and is bounded, so a search is linear in the text.
_SHELL = pattern(
    r"(?<!\S)(?P<program>(?:[\w./\\:-]*[/\\])?(?:"
    r"(?P<posix>(?:ba|da|z|k|mk|a)?sh)(?:\.exe)?"
    r"(?P<options>(?: [-+]\w{0,8}[oO] \w{1,32}| [-+]{1,2}[\w-]{1,32}){0,8}?) -[A-Za-z]{0,8}c"
    r"|cmd(?:\.exe)? /[sS] /[cC]"
    r"|(?:powershell|pwsh|PowerShell)(?:\.exe)?(?: -[A-Za-z]{1,32}(?: \w{1,32})?){0,8}? -[cC]ommand"
    r"))(?=\s|\Z)"
)
_ASSIGNMENT = pattern(r"""(?<!\S)([^\s="'$/|]+)=""")
_COUNT = pattern(r"\|([0-9]{1,9}) ")
_WORDS = pattern(
    r"""(?P<blank>[ \t]++)|'[^']*+'|"(?:[^"\\]++|\\.)*+"|\\.|[^'"\\ \t]++|.""", re.DOTALL
)
_CHECKSUMS = pattern(r"(?::(?:sha256:)?[0-9a-f]{64}){1,64}\Z")
_INTERACTIVE = pattern(r"(?:[\w./-]*/)?(?:ba|da|z|k|mk|a)?sh(?: -[A-Za-z]{1,8})?")


def shell_prefix(command: str, shell: str) -> int:
    """How many characters of `command` are the shell that runs it; 0 if there is none.

    `shell` is the one that the history's last SHELL set. Any other bare `bash -c` counts as part
    of the command: somebody wrote it in the exec form. One with options (`-o pipefail`) doesn't,
    because a SHELL whose own entry is missing looks like that.
    """
    for known in (shell, DEFAULT_SHELL):
        if command.startswith(known) and (
            len(command) == len(known) or command[len(known)].isspace()
        ):
            return len(known)
    match = _SHELL.match(command)
    if match is None or (match["posix"] and not match["options"]):
        return 0
    return match.end()


def is_shell(text: str, shell: str) -> bool:
    """Whether `text` is a shell, its options and nothing else."""
    return text in {shell, DEFAULT_SHELL} or _SHELL.fullmatch(text) is not None


def is_interactive_shell(text: str) -> bool:
    """Whether `text` is a shell without a command, as in `docker run -it IMAGE bash`."""
    return _INTERACTIVE.fullmatch(text) is not None


def shell_words(text: str) -> list[str] | None:
    """The words of a SHELL that Go printed without quotes; None if they are ambiguous."""
    match = _SHELL.match(text)
    if match is not None:
        rest = text[match.end() :].strip()
        return [*match.group().split(" "), *([rest] if rest else [])]
    if re.search(r"""["'`$;\\]""", text):
        return None
    return text.split()


def assignments(text: str) -> tuple[str, Arguments]:
    """The names without a value at the start of `text`, then its `NAME=VALUE` pairs.

    Builders don't quote values, so a word after a value that isn't an assignment belongs to it.
    """
    starts = [match.start() for match in _ASSIGNMENT.finditer(text)]
    if not starts:
        return text, ()
    pairs = []
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        name, _, value = text[start:end].partition("=")
        pairs.append((name, value.rstrip(" ")))
    return text[: starts[0]].rstrip(" "), tuple(pairs)


def split_arguments(text: str, shell: str, known: Collection[str]) -> tuple[Arguments, str]:
    """Split `|N NAME=VALUE… COMMAND` into its build arguments and the command, shell included.

    Values can contain spaces and are not quoted. Docker's N counts arguments, buildah's counts
    words. `known` are the names that earlier ARG entries declared. If no shell marks the start of
    the command (the exec form), the last value ends at its first space.
    """
    match = _COUNT.match(text)
    if match is None:
        return (), text
    begin, count = match.end(), int(match[1])
    if count == 0:
        return (), text[begin:]
    end = _after_words(text, begin, count)
    if end is None or not _shell_at(text, end, shell):
        end = _command_start(text, begin, count, shell, known)
    _, pairs = assignments(text[begin:end])
    return pairs, text[end:].lstrip(" ")


def _after_words(text: str, begin: int, count: int) -> int | None:
    position = begin
    for _ in range(count):
        position = text.find(" ", position) + 1
        if position == 0:
            return None
    return position


def _shell_at(text: str, position: int, shell: str) -> bool:
    return text.startswith((shell + " ", DEFAULT_SHELL + " "), position) or (
        _SHELL.match(text, position) is not None
    )


def _find_shell(text: str, position: int, shell: str) -> int | None:
    match = _SHELL.search(text, position)
    found = [match.start()] if match else []
    for needle in {shell, DEFAULT_SHELL}:
        start = text.find(f" {needle} ", position - 1)
        if start >= 0:
            found.append(start + 1)
    return min(found, default=None)


def _command_start(text: str, begin: int, count: int, shell: str, known: Collection[str]) -> int:
    every = list(_ASSIGNMENT.finditer(text, begin))
    if not every:
        start = _find_shell(text, begin, shell)
        return begin if start is None else start
    declared = [match for match in every if match[1] in known]
    chosen = declared if len(declared) >= count else every
    last = chosen[min(count, len(chosen)) - 1]
    start = _find_shell(text, last.end(), shell)
    if start is None:
        start = _find_shell(text, begin, shell)
    if start is None:
        space = text.find(" ", last.end())
        return len(text) if space < 0 else space + 1
    return start


def fold(command: str) -> str:
    """Collapse each run of blanks outside quotes, which continuation lines leave, to one space.

    A command of several lines is a here-document, where indentation matters, so it stays as is.
    """
    if "\n" in command:
        return command.strip("\n").rstrip()
    if "  " not in command and "\t" not in command:
        return command.strip()
    return _WORDS.sub(lambda word: " " if word["blank"] else word.group(), command).strip()


def without_checksums(command: str) -> str:
    """`command` without the checksums of bind mounts that buildah appends."""
    if "--mount=" not in command:
        return command
    match = _CHECKSUMS.search(command[-64 * 80 :])
    return command[: -len(match.group())] if match else command
