"""Which path of the build context a COPY took a file from."""

from __future__ import annotations

import re
from typing import Final

from layerscope.analysis.advice.case import Case

_COPY: Final = re.compile(r"(?:COPY|ADD)((?: --[a-z-]+(?:=\S*)?)*) \.(?:/)? (\S+)")


class Context:
    """Where a COPY of the whole context puts it."""

    def __init__(self, case: Case, index: int) -> None:
        self.target = _target(case, index)

    def path(self, path: bytes) -> bytes | None:
        """The path in the context of a path in the image; None if it isn't certain."""
        if self.target is None:
            return None
        path = path.lstrip(b"/")
        if not self.target:
            return path
        return path[len(self.target) + 1 :] if path.startswith(self.target + b"/") else None


def _target(case: Case, index: int) -> bytes | None:
    """The directory below the root that `COPY . DIRECTORY` fills; None for any other instruction."""
    match = _COPY.fullmatch(case.text(index))
    if match is None or "--from=" in match[1] or "$" in match[2]:
        return None
    target = match[2]
    if not target.startswith("/"):
        above = _working_directory(case, index)
        if above is None:
            return None
        target = f"{above}/{target}"
    parts = [part for part in target.split("/") if part not in ("", ".")]
    return None if ".." in parts else "/".join(parts).encode()


def _working_directory(case: Case, index: int) -> str | None:
    """The WORKDIR at an instruction; None if it isn't certain."""
    found = ""
    for at in range(index):
        if case.keyword(at) == "WORKDIR":
            value = case.text(at)[len("WORKDIR ") :].strip("\"'")
            if "$" in value:
                return None
            found = value if value.startswith("/") else f"{found}/{value}"
    return found or None
