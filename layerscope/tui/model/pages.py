"""A file's content as lines to view: text, hexadecimal, and what changed from the version below."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from layerscope.analysis.waste import changed_metadata
from layerscope.filesystem.entry import Entry
from layerscope.layers.file_content import Content
from layerscope.report.escape import escape
from layerscope.report.file_text import mode_text
from layerscope.tui.paint import Span
from layerscope.units import format_size

PAGE: Final = 1 << 18
"""Bytes per page."""
LOOK: Final = 1 << 13
"""How many bytes to check to tell text from other content."""
MOST_COMPARED: Final = 1 << 20
"""The most bytes of a text to compare with another."""
MOST_LINES: Final = 4_000
"""The most lines to compare one by one, between the common start and end of two texts."""

Line = Sequence[Span]


def looks_like_text(head: bytes) -> bool:
    """Whether a file that starts like this is text."""
    if b"\0" in head:
        return False
    text = head.decode("utf-8", "replace")
    strange = sum(
        letter == "\ufffd" or (letter < " " and letter not in "\t\n\r\f\x1b") for letter in text
    )
    return strange * 20 <= len(text)


def decode(data: bytes) -> str:
    """Bytes as text, with invalid UTF-8 as `\\xNN`."""
    return data.decode("utf-8", "backslashreplace")


def split_lines(text: str) -> list[str]:
    """Lines that are safe to show: tabs become spaces, and a carriage return before the end is dropped."""
    lines = text.split("\n")
    if lines and not lines[-1]:
        lines.pop()
    return [escape(line.removesuffix("\r").expandtabs(4)) for line in lines]


def text_lines(data: bytes, first: int = 1) -> list[Line]:
    lines = split_lines(decode(data))
    width = len(str(first + len(lines)))
    return [
        [(f"{number:>{width}}  ", "dim"), (line, "")]
        for number, line in enumerate(lines, start=first)
    ]


def styled_lines(runs: Sequence[tuple[str, str]]) -> list[Line]:
    """Lines from the highlighter's runs of text and style."""
    lines: list[list[Span]] = [[]]
    for text, style in runs:
        for number, part in enumerate(text.split("\n")):
            if number:
                lines.append([])
            part = part.removesuffix("\r")
            if part:
                lines[-1].append((escape(part.expandtabs(4)), style))
    if not lines[-1]:
        lines.pop()
    width = len(str(1 + len(lines)))
    return [[(f"{number:>{width}}  ", "dim"), *line] for number, line in enumerate(lines, start=1)]


_PRINTABLE = bytes(byte if 32 <= byte < 127 else 46 for byte in range(256))


def hex_lines(data: bytes, position: int) -> list[Line]:
    """Sixteen bytes per line: the offset, the bytes, and the printable characters."""
    lines: list[Line] = []
    for start in range(0, len(data), 16):
        row = data[start : start + 16]
        left, right = row[:8].hex(" "), row[8:].hex(" ")
        letters = row.translate(_PRINTABLE).decode("ascii")
        lines.append(
            [
                (f"{position + start:010x}  ", "dim"),
                (f"{left:<23}  {right:<23}", ""),
                (f"  {letters}", "link"),
            ]
        )
    return lines


_LABELS = {"uid": "owner", "gid": "group", "mtime": "time"}


def metadata_lines(before: Entry, after: Entry) -> list[Line]:
    """What differs apart from the content."""
    lines: list[Line] = []
    for name in changed_metadata(before, after):
        if name == "mode":
            pair = mode_text(before), mode_text(after)
        elif name == "uid":
            pair = str(before.uid), str(after.uid)
        elif name == "gid":
            pair = str(before.gid), str(after.gid)
        elif name == "mtime":
            pair = _moment(before.mtime), _moment(after.mtime)
        else:
            pair = f"{len(before.xattrs)} attributes", f"{len(after.xattrs)} attributes"
        lines.append(
            [(f"{_LABELS.get(name, name):<7} ", "dim"), (f"{pair[0]} → {pair[1]}", "modified")]
        )
    return lines


def _moment(seconds: int) -> str:
    """A time as a date in UTC, or as it is stored if no calendar has it."""
    try:
        # Windows has no `fromtimestamp` before 1970.
        return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"
    except OverflowError:
        return str(seconds)


def diff_lines(before: Content | None, after: Content | None) -> list[Line]:
    """How two versions of a file's content differ; None means empty."""
    sizes = [0 if each is None else each.size for each in (before, after)]
    if max(sizes) > MOST_COMPARED:
        return _first_difference(before, after, sizes)
    texts = [b"" if each is None else each.read(0, each.size) for each in (before, after)]
    if texts[0] == texts[1]:
        return [[("the content is the same", "dim")]]
    if not all(looks_like_text(text[:LOOK]) for text in texts):
        return _first_difference(before, after, sizes)
    old, new = (split_lines(decode(text)) for text in texts)
    return list(_unified(old, new))


def _unified(old: list[str], new: list[str]) -> Iterator[Line]:
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    shown = max(0, start - 3)
    middle_old, middle_new = old[start : len(old) - end], new[start : len(new) - end]
    if len(middle_old) + len(middle_new) > MOST_LINES:
        yield [
            (f"{len(middle_old):,} lines became {len(middle_new):,}: too many to compare", "dim")
        ]
        return
    if shown:
        yield [(f"⋯ {shown:,} lines the same", "dim")]
    for line in old[shown:start]:
        yield [("  ", ""), (line, "")]
    matcher = difflib.SequenceMatcher(None, middle_old, middle_new)
    for group in matcher.get_grouped_opcodes(3):
        for tag, a, b, c, d in group:
            if tag == "equal":
                for line in middle_old[a:b]:
                    yield [("  ", ""), (line, "")]
                continue
            for line in middle_old[a:b]:
                yield [("- ", "removed"), (line, "removed")]
            for line in middle_new[c:d]:
                yield [("+ ", "added"), (line, "added")]
        yield [("⋯", "dim")] if group[-1][2] < len(middle_old) - 3 else [("", "")]
    tail = old[len(old) - end :]
    for line in tail[:3]:
        yield [("  ", ""), (line, "")]
    if len(tail) > 3:
        yield [(f"⋯ {len(tail) - 3:,} lines the same", "dim")]


def _first_difference(
    before: Content | None, after: Content | None, sizes: list[int]
) -> list[Line]:
    lines: list[Line] = [
        [("not compared line by line: ", "dim"), ("not text, or more than a megabyte", "dim")],
        [("size    ", "dim"), (f"{format_size(sizes[0])} → {format_size(sizes[1])}", "modified")],
    ]
    if before is None or after is None:
        return lines
    position = 0
    while position < min(sizes):
        one, other = before.read(position, PAGE), after.read(position, PAGE)
        if one != other:
            short = min(len(one), len(other))
            position += next((at for at in range(short) if one[at] != other[at]), short)
            lines.append(
                [("bytes   ", "dim"), (f"the first difference is at byte {position:,}", "")]
            )
            return lines
        position += len(one)
    same = "the same" if sizes[0] == sizes[1] else f"the same for {position:,} bytes"
    lines.append([("bytes   ", "dim"), (same, "")])
    return lines
