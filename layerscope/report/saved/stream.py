"""A JSON document that is read a value at a time, so that neither its text nor its values are ever all in memory."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NoReturn

from layerscope.errors import LimitExceeded, UsageError
from layerscope.image.document import strict_decoder, structure
from layerscope.report.saved.fields import HINT

if TYPE_CHECKING:
    from layerscope.limits import Limits
    from layerscope.report.saved.stored import Stored

AHEAD: Final = 128 * 1024
"""The text before each value that is in memory. A container that ends in it is decoded in one go, a longer one in parts."""
_PARTS: Final = 6
"""So many levels of containers are decoded in parts. Below them, a value has to fit into memory as a whole."""
_QUARTER: Final = 4
"""A value that is decoded as a whole has at most this part of the text that the limit allows."""
_MOST_SIGNS: Final = 500_000
"""The most commas and brackets in a value that is longer than the text ahead. What they separate can take a hundred times their memory."""
_FEW: Final = 1000
"""So many commas and brackets are counted without a look at which of them are in strings."""
_NEAR: Final = 16
"""An error so close to the end of the text may come from the cut there. No escape and no literal is longer."""
_EXPONENT: Final = len("e-")
_SPACE: Final = re.compile(r"[ \t\r\n]*")
_TAIL: Final = 4096
_SHORT_STACK: Final = 900
"""The decoder can recurse at least so deep."""


class JsonStream:
    """Reads a document from the front. Errors are one line and call it `name`.

    Raises `UsageError` for anything but strict JSON, as `strict_decoder` has it, and `LimitExceeded`.
    """

    def __init__(
        self, stored: Stored, name: str, limits: Limits, *, start: int = 0, codec: str | None = None
    ) -> None:
        """With a `codec`, `start` is where a value begins. Without one, the first bytes say which it is."""
        self.name = name
        self._stored = stored
        self._limits = limits
        if codec is None:
            codec, start = _encoding(stored.read(4, 0))
        self.codec = codec
        self._decode_bytes = codecs.getincrementaldecoder(codec)("surrogatepass")
        self._decode = strict_decoder().raw_decode
        self._next = start
        self._start_bytes = start
        self._before = 0
        """Characters before the text."""
        self._text = ""
        self._at = 0
        self._ended = False
        self._apart = 0
        self._values = 0

    # Positions

    @property
    def place(self) -> int:
        """The byte that comes next."""
        return self._start_bytes + self._width(self._text[: self._at])

    def _width(self, text: str) -> int:
        if self.codec == "utf-8" and text.isascii():
            return len(text)
        return len(text.encode(self.codec, "surrogatepass"))

    def _more(self, count: int = 0) -> bool:
        """Read on, and forget what was read before. Returns whether there was anything."""
        if self._ended:
            return False
        data = self._stored.read(count or AHEAD, self._next)
        self._next += len(data)
        try:
            added = self._decode_bytes.decode(data, not data)
        except UnicodeDecodeError as error:
            first = self._next - len(error.object) + error.start
            self.refuse(f"is not JSON: byte {first} is not {self.codec.upper()}")
        self._ended = not data
        self._start_bytes += self._width(self._text[: self._at])
        self._before += self._at
        self._text = self._text[self._at :] + added
        self._at = 0
        return True

    # Errors

    def refuse(self, problem: str) -> NoReturn:
        raise UsageError(f"{self.name} {problem}", hint=HINT)

    def _exceed(self, problem: str, limit: str) -> NoReturn:
        raise LimitExceeded(f"{self.name} {problem}", limit=limit)

    def _broken(self, position: int) -> NoReturn:
        """Refuse the document for an error at a position of the text."""
        at_end = self._ended and position >= len(self._text.rstrip())
        tail = self._stored.read(_TAIL, max(self._stored.size - _TAIL, 0))
        cut = at_end or not tail.rstrip(b" \t\r\n\0").endswith(b"}")
        problem = "is cut short" if cut else "is not JSON"
        self.refuse(f"{problem} at character {self._before + position}")

    # Values

    def sign(self) -> str:
        """The next character that is not space, which stays unread; nothing at the end."""
        while True:
            found = _SPACE.match(self._text, self._at)
            assert found is not None
            self._at = found.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def skip(self, sign: str) -> None:
        """Go past this character."""
        if self.sign() != sign:
            self._broken(self._at)
        self._at += 1

    def members(self) -> Iterator[str]:
        """The keys of the object that begins here. The caller reads each one's value before it asks for the next."""
        self.skip("{")
        seen = set()
        if self.sign() == "}":
            self._at += 1
            return
        while True:
            if self.sign() != '"':
                self._broken(self._at)
            key: str = self.value()
            if key in seen:
                self.refuse(f"is not JSON: the key {key[:80]!r} appears twice in one object")
            seen.add(key)
            self.skip(":")
            yield key
            if self._last("}"):
                return

    def elements(self) -> Iterator[None]:
        """Stop before each element of the list that begins here. The caller reads it."""
        self.skip("[")
        if self.sign() == "]":
            self._at += 1
            return
        while True:
            yield
            if self._last("]"):
                return

    def _last(self, end: str) -> bool:
        sign = self.sign()
        if sign not in (",", end) or not sign:
            self._broken(self._at)
        self._at += 1
        return sign == end

    def end(self) -> None:
        """Refuse a document that goes on."""
        if self.sign():
            self._broken(self._at)

    def rows(self, plain: re.Pattern[str] | None = None) -> Iterator[Any]:
        """The elements of the list that begins here. They count for no limit but the length and the depth of each.

        An element that `plain` matches is that match, if all of it is in memory already.
        """
        start = self._before + self._at
        longest = 2 * self._limits.json_depth
        for _ in self.elements():
            first = self.sign()
            match = None if plain is None else plain.match(self._text, self._at)
            if match is not None:
                self._at = match.end()
                yield match
                continue
            before = self._before + self._at
            found = self._within()
            if found is _CUT:
                found = self._whole(first)
            length = self._before + self._at - before
            if length > longest:
                self._check_depth(self._text[self._at - length : self._at], 0)
            yield found
        self._apart += self._before + self._at - start

    def value(self, depth: int = 0) -> Any:
        """The next value, at a depth of the document. It counts for the limits of the document."""
        first = self.sign()
        before = self._before + self._at
        found = self._within()
        if found is _CUT:
            if first and first in "[{" and depth < _PARTS:
                return self._in_parts(first, depth)
            found = self._whole(first)
        after = self._before + self._at
        if type(found) in (dict, list):
            self._values += self._inner(self._text[self._at - (after - before) : self._at], depth)
        self._values += 1
        if self._values > self._limits.report_values:
            self._exceed(
                f"has over {self._limits.report_values} values besides the entries of its layers",
                "report_values",
            )
        if after - self._apart > self._limits.report_bytes:
            self._exceed(
                f"has over {self._limits.report_bytes} characters besides the entries of its layers",
                "report_bytes",
            )
        return found

    def _in_parts(self, first: str, depth: int) -> Any:
        if first == "{":
            return {key: self.value(depth + 1) for key in self.members()}
        return [self.value(depth + 1) for _ in self.elements()]

    def _within(self) -> Any:
        """The value here if it ends in the text ahead; `_CUT` if it doesn't."""
        if len(self._text) - self._at < AHEAD:
            self._more()
        return self._try()

    def _try(self) -> Any:
        text = self._text
        try:
            found, end = self._decode(text, self._at)
        except json.JSONDecodeError as error:
            near = error.pos >= len(text) - _NEAR or error.msg.startswith("Unterminated string")
            if near and not self._ended:
                return _CUT
            self._broken(error.pos)
        except RecursionError:
            if self._limits.json_depth < _SHORT_STACK:
                self._too_deep()
            self.refuse("is nested too deep")
        except ValueError as error:
            self.refuse(f"is not JSON: {error}")
        if len(text) - end <= _EXPONENT and not self._ended and type(found) in (int, float):
            return _CUT  # the number may go on
        self._at = end
        return found

    def _whole(self, first: str) -> Any:
        """The value here, however much text has to be in memory for it."""
        longest = self._limits.report_bytes // _QUARTER
        while True:
            size = len(self._text) - self._at
            if size > longest:
                self._exceed(
                    f"has a value of over {longest} characters at character {self._before + self._at}",
                    "report_bytes",
                )
            self._more(min(max(size, AHEAD), longest + 1 - size))
            if first != '"' and _signs(self._text, self._at) > _MOST_SIGNS:
                self._exceed(
                    f"has over {_MOST_SIGNS} values in one at character {self._before + self._at}",
                    "report_values",
                )
            found = self._try()
            if found is not _CUT:
                return found

    # Limits

    def _inner(self, text: str, depth: int) -> int:
        """The number of values in a container, whose depth is checked."""
        signs = _signs(text, 0)
        if signs > _FEW or depth + signs > self._limits.json_depth:
            return self._check_depth(text, depth)
        return signs

    def _check_depth(self, text: str, depth: int) -> int:
        """Check the depth of a value that lies in others, and return how many values it has."""
        deepest, values = structure(text.encode("utf-8", "surrogatepass"))
        if depth + deepest > self._limits.json_depth:
            self._too_deep()
        return values

    def _too_deep(self) -> NoReturn:
        self._exceed(f"is nested over {self._limits.json_depth} deep", "json_depth")


class _Cut:
    """Says that a value doesn't end in the text."""


_CUT: Final = _Cut()


def _signs(text: str, start: int) -> int:
    return text.count(",", start) + text.count("[", start) + text.count("{", start)


def _encoding(head: bytes) -> tuple[str, int]:
    """The codec of a document, by its first bytes, and the length of its byte order mark."""
    name = json.detect_encoding(head)
    if name == "utf-8-sig":
        return "utf-8", 3
    if name in ("utf-16", "utf-32"):
        little = head.startswith(codecs.BOM_UTF16_LE)
        return f"{name}-{'le' if little else 'be'}", 2 if name == "utf-16" else 4
    return name, 0
