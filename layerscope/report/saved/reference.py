"""Recognizes references to saved reports. The code that reads them is loaded only when there is one."""

from __future__ import annotations

import os
import stat

SCHEME = "report:"

_MAGIC_AT, _MAGIC = 257, b"ustar"


def report_path(reference: str) -> str | None:
    """The path of the saved report that a reference names (as `report:PATH`, or if the file looks like one), or None."""
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
