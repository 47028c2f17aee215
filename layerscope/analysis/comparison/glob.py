"""Path patterns such as `/usr/lib`, `/usr/**/*.so`, or `*.pyc`."""

from __future__ import annotations

import re
from collections.abc import Callable

from layerscope.errors import UsageError


def compile_glob(pattern: str) -> Callable[[bytes], object]:
    """A test of absolute paths.

    `*` and `?` match within a name, `**` matches across slashes, and `[…]` is one of several characters. A pattern
    without a leading slash matches at any depth. One that matches a directory also matches everything below it. Raises
    `UsageError`.
    """
    if not pattern:
        raise UsageError("the path pattern is empty", hint="write one such as '/usr/lib/**'")
    anchored = pattern.startswith("/")
    body = _translate(pattern.strip("/"))
    try:
        return re.compile(
            (b"/" if anchored else b"(?:/|.*/)") + body + b"(?:/.*)?", re.DOTALL
        ).fullmatch
    except re.error as error:
        raise UsageError(f"the path pattern {pattern!r} is invalid: {error.msg}") from None


def _translate(pattern: str) -> bytes:
    text = pattern.encode("utf-8", "surrogateescape")
    parts: list[bytes] = []
    position = 0
    while position < len(text):
        if text.startswith(b"**/", position):
            parts.append(b"(?:.*/)?")
            position += 3
        elif text.startswith(b"**", position):
            parts.append(b".*")
            position += 2
        elif text[position] == 0x2A:
            parts.append(b"[^/]*")
            position += 1
        elif text[position] == 0x3F:
            parts.append(b"[^/]")
            position += 1
        elif text[position] == 0x5B and (end := text.find(b"]", position + 2)) > 0:
            inner = text[position + 1 : end]
            sign = b"^" if inner[:1] in (b"!", b"^") else b""
            listed = re.sub(rb"([\\\[\]^&~|])", rb"\\\1", inner[len(sign) :])
            parts.append(b"[" + sign + listed + b"]")
            position = end + 1
        else:
            parts.append(re.escape(text[position : position + 1]))
            position += 1
    return b"".join(parts)
