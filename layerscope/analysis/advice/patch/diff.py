"""A unified diff as `patch -p1` and `git apply` read it."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

_CONTEXT = 3


def unified(before: str | None, after: str, name: str) -> str:
    """The diff from `before` to `after` of the file `name`; None for a file that is new. Empty if nothing differs."""
    old = [] if before is None else _lines(before)
    new = _lines(after)
    if old == new:
        return ""
    # git ends a name with a space at a tab
    label = f"{name}\t" if " " in name else name
    source = "/dev/null" if before is None else f"a/{label}"
    head = f"--- {source}\n+++ b/{label}\n"
    body = list(difflib.unified_diff(old, new, n=_CONTEXT, lineterm="\n"))[2:]
    return head + "".join(_ended(body))


def _lines(text: str) -> list[str]:
    """The lines as `patch` sees them: only a line feed ends one."""
    lines = text.split("\n")
    last = lines.pop()
    return [*(f"{line}\n" for line in lines), *([last] if last else [])]


def _ended(rows: list[str]) -> Iterator[str]:
    for row in rows:
        yield row if row.endswith("\n") else f"{row}\n\\ No newline at end of file\n"
