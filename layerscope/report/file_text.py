"""Names, sizes, modes, and owners of files as text for lists, on one line and safe to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from layerscope.layers.entry import BLOCK, CHARACTER, DIRECTORY, FIFO, HARDLINK, SYMLINK
from layerscope.report.escape import escape
from layerscope.units import format_size

if TYPE_CHECKING:
    from layerscope.filesystem.entry import Entry

_TYPE_LETTERS = {DIRECTORY: "d", SYMLINK: "l", HARDLINK: "h", CHARACTER: "c", BLOCK: "b", FIFO: "p"}


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


def size_text(size: int | None) -> str:
    """A size for a column of sizes, where a dash means zero. Same text as `format_size`, but faster."""
    if not size:
        return "–"
    if size < 1000:
        return f"{size} B"
    return format_size(size)


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
