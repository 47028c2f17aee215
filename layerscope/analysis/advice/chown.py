"""Instructions that do nothing but chown or chmod, and what they set."""

from __future__ import annotations

import re
from typing import Final

from layerscope.analysis.advice.case import Case
from layerscope.analysis.grouping import WastePair
from layerscope.patterns import pattern

_OWNERSHIP: Final = pattern(
    r"RUN (chown|chmod)(?: --?[A-Za-z][A-Za-z-]*)* ([A-Za-z0-9_.:=+,][A-Za-z0-9_.:=+,-]*)((?: [^\s;&|<>$`()]+)+)"
)
_MAKES_USER: Final = pattern(r"\b(?:useradd|adduser|groupadd|addgroup)\b")
_LONGEST: Final = 20_000
_FIELDS: Final = {
    "mode": "the mode",
    "uid": "the owner",
    "gid": "the group",
    "mtime": "the time",
    "xattrs": "extended attributes",
}


def ownership_command(text: str) -> re.Match[str] | None:
    """A RUN that does nothing but chown or chmod: the program, the value, and the paths. Else None."""
    return _OWNERSHIP.fullmatch(text)


def option_value(match: re.Match[str] | None) -> str:
    """The value that a chown or chmod sets, for use in COPY; "" if that isn't certain."""
    if match is None:
        return ""
    value = match[2]
    if match[1] == "chmod":
        return value
    if value.startswith(":"):
        return f"0{value}"
    return "" if "." in value else value.removesuffix(":")


def flags_of(changed: tuple[str, ...]) -> list[str]:
    """The flags of COPY that set what was changed."""
    flags = ["--chown"] if "uid" in changed or "gid" in changed else []
    return [*flags, "--chmod"] if "mode" in changed else flags


def changed_words(changed: tuple[str, ...]) -> str:
    """`the mode, the owner and the group`, or `the metadata` if nobody knows what was changed."""
    words = [_FIELDS[name] for name in _FIELDS if name in changed]
    if not words:
        return "the metadata"
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def user_made_between(case: Case, pair: WastePair, match: re.Match[str] | None) -> int | None:
    """The instruction after the copy that creates the user or group it would name, or None."""
    names = [] if match is None else [name for name in re.split("[:.]", match[2]) if name]
    if names and all(name.isdigit() for name in names):
        return None
    for index in range(pair.written_by + 1, pair.wasted_by + 1):
        text = case.analysis.instructions[index].instruction.text[:_LONGEST]
        made = _MAKES_USER.search(text)
        if made is None:
            continue
        if not names or any(
            re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", text[made.end() :]) for n in names
        ):
            return index
    return None
