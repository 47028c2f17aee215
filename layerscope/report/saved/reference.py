"""How a saved report is named. What reads it is only loaded when one is."""

from __future__ import annotations

import os
import stat

SCHEME = "report:"

_MAGIC_AT, _MAGIC = 257, b"ustar"


def report_path(reference: str) -> str | None:
    """The path of the saved report that a reference names, as `report:PATH` or by what the file begins with, else None."""
    if reference.startswith(SCHEME):
        return reference.removeprefix(SCHEME)
    try:
        if not stat.S_ISREG(os.stat(reference).st_mode):
            return None
        with open(reference, "rb") as file:
            head = file.read(512)
    except (OSError, ValueError):
        return None
    tar = head[_MAGIC_AT : _MAGIC_AT + len(_MAGIC)] == _MAGIC
    return reference if head.lstrip()[:1] == b"{" and not tar else None
