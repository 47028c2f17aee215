"""Paths of an image as text, without losing a byte."""

from __future__ import annotations

import re

from layerscope.errors import UsageError
from layerscope.patterns import pattern

_ESCAPED = pattern(rb"\\(?:x([0-9a-f]{2})|\\)?")


def escape_path(path: bytes) -> str:
    r"""The absolute path as text: a backslash is doubled, and a byte that is not valid UTF-8 becomes `\xNN`.

    Everything else stays the same, even control characters. `unescape_path` is the inverse.
    """
    if not path.startswith(b"/"):
        path = b"/" + path
    return escape_text(path)


def escape_text(text: bytes) -> str:
    """Bytes of an image that are not one of its paths, such as a symlink's target, escaped in the same way."""
    if b"\\" in text:
        text = text.replace(b"\\", b"\\\\")
    return text.decode("utf-8", "backslashreplace")


def unescape_path(text: str) -> bytes:
    """The inverse of `escape_path`, with the leading slash. Raises `UsageError` for text it never writes."""

    def literal(match: re.Match[bytes]) -> bytes:
        if match[1]:
            return bytes.fromhex(match[1].decode("ascii"))
        if match[0] == b"\\":
            raise UsageError(
                f"{text!r} has a lone backslash", hint=r"write \\ for a backslash, \xNN for a byte"
            )
        return b"\\"

    return _ESCAPED.sub(literal, text.encode("utf-8", "surrogatepass"))


def clean_text(text: str) -> str:
    r"""Text from an image's JSON or the command line as valid Unicode. A lone surrogate becomes `\xNN` or `\uNNNN`."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        try:
            return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        except UnicodeEncodeError:
            return text.encode("utf-8", "backslashreplace").decode("utf-8")
    return text
