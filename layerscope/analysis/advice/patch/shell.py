"""Which RUN instructions a command can be added to, and how."""

from __future__ import annotations

import json
import re
from typing import Final

_FLAGS: Final = re.compile(r"RUN((?:[ \t]+--[a-z]+(?:=\S*)?)*)[ \t]*", re.IGNORECASE)
_ALONE: Final = re.compile(r"<<(-?)([\"']?)([A-Za-z_][A-Za-z0-9_.-]*)\2")
_LEAVES: Final = re.compile(r"(?:^|[\s;&|(])(?:exit|exec|return)(?![\w-])")


def command_of(text: str) -> str:
    """The command of a RUN, without build flags."""
    match = _FLAGS.match(text)
    return text if match is None else text[match.end() :]


def is_exec_form(command: str) -> bool:
    """Whether the command is a JSON list, which no shell runs."""
    if not command.startswith("["):
        return False
    try:
        return isinstance(json.loads(command), list)
    except (ValueError, RecursionError):
        return False


def heredoc_end(text: str) -> str | None:
    """The line that ends the here-document if the RUN is nothing but one that the shell runs; else None."""
    command, _, body = command_of(text).partition("\n")
    match = _ALONE.fullmatch(command.strip())
    if match is None or body.startswith("#!") or _LEAVES.search(body):
        return None
    return match[3]


def joint(command: str) -> str | None:
    """What goes between a shell command and another one that is added: `&& ` or nothing. None if that is not certain."""
    if "\n" in command or "<<" in command or _LEAVES.search(command):
        return None
    quote, escaped, before = "", False, " "
    for character in command:
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            if character == quote:
                quote = ""
        elif character in "\"'":
            quote = character
        elif character == "#" and before in " \t;&|(":
            return None
        before = character
    last = command.rstrip()
    if quote or escaped or not last or last[-1] in "&|({":
        return None
    return "" if last[-1] == ";" else "&& "
