"""Pieces of painted lines: text of a known width, with a style name. All text from an image is escaped here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.analysis.mentions import short_command
from layerscope.filesystem.entry import Entry
from layerscope.layers.entry import BLOCK, CHARACTER, DIRECTORY, FIFO, HARDLINK, SYMLINK
from layerscope.report.escape import cell_width, escape, fit_start, pad
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.image.instruction import Instruction

_LONGEST = 2000
"""The most characters of an instruction that a short form reads."""
Span = tuple[str, str]
"""Text, and the name of a style (a component class without its prefix; "" for plain)."""

_TYPE_LETTERS = {DIRECTORY: "d", SYMLINK: "l", HARDLINK: "h", CHARACTER: "c", BLOCK: "b", FIFO: "p"}
_EIGHTHS = " ▏▎▍▌▋▊▉"


def cell(text: str, width: int, *, right: bool = False) -> str:
    """`text`, which must be safe to show, in exactly `width` columns."""
    return pad(fit_start(text, width), width, right=right)


def name_text(name: bytes) -> str:
    """A name from an image in a form that is safe to show: lossless, and always on one line."""
    if name.isascii():
        text = name.decode("ascii")
        if text.isprintable():
            return text.replace("\\", "\\\\") if "\\" in text else text
    return escape(name.replace(b"\\", b"\\\\").decode("utf-8", "backslashreplace"))


def path_text(path: bytes) -> str:
    """A path from an image, absolute and safe to show."""
    return name_text(path if path.startswith(b"/") else b"/" + path)


def one_line(text: str) -> str:
    """Text from an image with its white space folded, safe to show."""
    return escape(" ".join(text.split()))


def instruction_name(instruction: Instruction, width: int) -> str:
    """The short form of an instruction, at most `width` columns wide."""
    text = one_line(short_command(instruction.text[:_LONGEST]))
    return fit_start(text or one_line(instruction.created_by[:_LONGEST]) or "–", width)


def size_text(size: int | None) -> str:
    """A size for a column of sizes, where a dash means zero. Same text as `format_size`, but faster."""
    if not size:
        return "–"
    if size < 1000:
        return f"{size} B"
    return format_size(size)


def bar(part: int, whole: int, width: int) -> str:
    """A bar for `part` of `whole` in exactly `width` columns. Anything above zero shows."""
    if whole <= 0 or part <= 0 or width <= 0:
        return " " * max(width, 0)
    eighths = max(1, min(8 * width, round(8 * width * part / whole)))
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def split_bar(live: int, wasted: int, whole: int, width: int) -> list[Span]:
    """A bar with two parts that differ in more than color: live is solid, wasted is dotted."""
    if whole <= 0 or width <= 0 or live + wasted <= 0:
        return [(" " * max(width, 0), "")]
    total = max(1, min(width, round(width * (live + wasted) / whole)))
    dotted = min(total, round(total * wasted / (live + wasted)))
    if wasted and not dotted and wasted * 100 >= live + wasted:
        dotted = 1
    solid = total - dotted
    if not dotted:
        return [(bar(live, whole, width), "bar")]
    return [("█" * solid, "bar"), ("▒" * dotted, "waste"), (" " * (width - total), "")]


def mode_text(entry: Entry) -> str:
    """The mode as `ls -l` writes it, with `h` for a hard link."""
    mode = entry.mode
    letters = ["-"] * 9
    for position in range(9):
        if mode & (0o400 >> position):
            letters[position] = "rwxrwxrwx"[position]
    for bit, position, plain, bare in (
        (0o4000, 2, "s", "S"),
        (0o2000, 5, "s", "S"),
        (0o1000, 8, "t", "T"),
    ):
        if mode & bit:
            letters[position] = plain if letters[position] == "x" else bare
    return _TYPE_LETTERS.get(entry.kind, "-") + "".join(letters)


def owner_text(entry: Entry) -> str:
    return f"{entry.uid}:{entry.gid}"


def width_of(spans: list[Span]) -> int:
    return sum(cell_width(text) for text, _ in spans)
