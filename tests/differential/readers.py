"""The other readers of tar: Go's archive/tar, GNU tar, libarchive (bsdtar), and Python's tarfile."""

from __future__ import annotations

import io
import locale
import logging
import math
import re
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from layerscope.layers.entry import (
    BLOCK,
    CHARACTER,
    DIRECTORY,
    FIFO,
    FILE,
    HARDLINK,
    OTHER,
    SYMLINK,
)
from layerscope.layers.header import PERMISSIONS
from tests.differential.listing import Listing, Row
from tests.layers import gotar

GLOBAL = 0x67
FLAGS = {
    0x30: FILE,
    0x31: HARDLINK,
    0x32: SYMLINK,
    0x33: CHARACTER,
    0x34: BLOCK,
    0x35: DIRECTORY,
    0x36: FIFO,
    0x53: FILE,
}
DEVICES = {CHARACTER, BLOCK}


def go(program: Path, tars: Sequence[bytes]) -> list[Listing]:
    """What Go's archive/tar says, which is what every engine reads layers with."""
    return [_go_listing(each) for each in gotar.read(program, tars)]


def _go_listing(result: dict[str, Any]) -> Listing:
    return Listing(
        [_go_row(row) for row in result["members"] if row["flag"] != GLOBAL],
        result["error"] or None,
    )


def _go_row(row: dict[str, Any]) -> Row:
    kind = FLAGS.get(row["flag"], OTHER)
    return Row(
        kind,
        bytes.fromhex(row["name"]),
        bytes.fromhex(row["link"]),
        row["mode"] & PERMISSIONS,
        row["uid"],
        row["gid"],
        row["mtime"],
        row["size"] if kind == FILE else None if kind == OTHER else 0,
        row["content"] if kind == FILE else 0,
        (row["major"], row["minor"]) if kind in DEVICES else None,
    )


# GNU tar

_LOOP = """
for number in $(seq 0 $1); do
  tar -tvPf $number --full-time --numeric-owner --quoting-style=escape >$number.out 2>$number.err || echo $? >$number.failed
done
"""
_LINE = re.compile(
    r"(?P<type>.)(?P<mode>\S{9}) +(?P<uid>-?\d+)/(?P<gid>-?\d+) +(?P<size>\d+|\d+,\d+) "
    r"(?P<time>-?\d+-\d\d-\d\d \d\d:\d\d:\d\d|-?\d+)(?:\.\d+)? +(?P<rest>.*)"
)
_LETTERS = {
    "-": FILE,
    "d": DIRECTORY,
    "l": SYMLINK,
    "h": HARDLINK,
    "c": CHARACTER,
    "b": BLOCK,
    "p": FIFO,
}
_ESCAPES = {"a": 7, "b": 8, "t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "\\": 92, " ": 32}
_ESCAPE = re.compile(r"\\([0-7]{3}|.)")


def gnu_tar(tars: Sequence[bytes]) -> list[Listing]:
    """What `tar -tv` lists, one process per archive."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, data in enumerate(tars):
            (folder / str(number)).write_bytes(data)
        subprocess.run(
            ["sh", "-c", _LOOP, "sh", str(len(tars) - 1)],
            cwd=folder,
            env={"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"},
            check=True,
        )
        return [_gnu_listing(folder / str(number)) for number in range(len(tars))]


def _gnu_listing(path: Path) -> Listing:
    failed = path.with_name(f"{path.name}.failed").exists()
    said = path.with_name(f"{path.name}.err").read_text("latin-1").strip()
    listing = Listing(error=said.partition("\n")[0] or "failed" if failed else None)
    for line in path.with_name(f"{path.name}.out").read_text("latin-1").split("\n"):
        if line:
            listing.rows.append(_gnu_row(line))
    return listing


def _gnu_row(line: str) -> Row:
    match = _LINE.fullmatch(line)
    if match is None:  # such as a time that no calendar has
        return Row(_LETTERS.get(line[0], OTHER), None)
    kind = _LETTERS.get(match["type"], OTHER)
    rest, link = match["rest"].removesuffix("--Volume Header--"), ""
    if kind in {SYMLINK, HARDLINK}:
        rest, _, link = rest.partition(" -> " if kind == SYMLINK else " link to ")
    device = tuple(map(int, match["size"].split(","))) if "," in match["size"] else None
    return Row(
        kind,
        _unescaped(rest),
        _unescaped(link),
        _bits(match["mode"]),
        int(match["uid"]),
        int(match["gid"]),
        _seconds(match["time"]),
        None if device is not None else int(match["size"]),
        device=device,  # type: ignore[arg-type]
    )


def _unescaped(name: str) -> bytes:
    def byte(match: re.Match[str]) -> str:
        code = match[1]
        return chr(int(code, 8) if len(code) == 3 else _ESCAPES[code])

    return _ESCAPE.sub(byte, name).encode("latin-1")


def _bits(letters: str) -> int:
    mode = 0
    for at, letter in enumerate(letters):
        if letter not in "-ST":
            mode |= 0o400 >> at
        if letter in "sStT":
            mode |= {2: 0o4000, 5: 0o2000, 8: 0o1000}[at]
    return mode


def _seconds(text: str) -> int | None:
    with suppress(ValueError, OverflowError):
        return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    return None


# libarchive, which is bsdtar


def libarchive(data: bytes) -> Listing:
    """What libarchive lists. It reads names in the character set of the locale, so that one is set."""
    from libarchive import ffi

    locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    logging.getLogger("libarchive").disabled = True
    ffi.logger.disabled = True
    listing = Listing()
    archive = ffi.read_new()
    try:
        ffi.get_read_format_function("tar")(archive)
        entry = ffi.entry_new()
        try:
            ffi.read_open_memory(archive, data, len(data))
            while ffi.read_next_header2(archive, entry) != ffi.ARCHIVE_EOF:
                listing.rows.append(_archive_row(ffi, entry))
        finally:
            ffi.entry_free(entry)
    except ffi.ArchiveError as error:
        listing.error = str(error)
    finally:
        ffi.read_free(archive)
    return listing


_FORMATS = {
    0o100000: FILE,
    0o040000: DIRECTORY,
    0o120000: SYMLINK,
    0o020000: CHARACTER,
    0o060000: BLOCK,
    0o010000: FIFO,
}


def _archive_row(ffi: Any, entry: Any) -> Row:
    hard = ffi.entry_hardlink(entry)
    kind = HARDLINK if hard is not None else _FORMATS.get(ffi.entry_filetype(entry), OTHER)
    return Row(
        kind,
        ffi.entry_pathname(entry),
        hard if kind == HARDLINK else ffi.entry_symlink(entry) if kind == SYMLINK else b"",
        ffi.entry_perm(entry),
        ffi.entry_uid(entry),
        ffi.entry_gid(entry),
        ffi.entry_mtime(entry),
        ffi.entry_size(entry),
        device=(ffi.entry_rdevmajor(entry), ffi.entry_rdevminor(entry))
        if kind in DEVICES
        else None,
    )


# Python's tarfile


def python(data: bytes) -> Listing:
    """What tarfile lists. It takes a damaged header in the middle for the end, and says nothing."""
    listing = Listing()
    try:
        with tarfile.open(
            fileobj=io.BytesIO(data), encoding="utf-8", errors="surrogateescape"
        ) as archive:
            listing.rows.extend(_python_rows(archive, data))
    except Exception as error:  # noqa: BLE001 -- it leaks ValueError, IndexError, and others
        listing.error = f"{type(error).__name__}: {error}"
    return listing


def _python_rows(archive: tarfile.TarFile, data: bytes) -> Iterator[Row]:
    for info in archive:
        kind = FLAGS.get(info.type[0], FILE if info.type == tarfile.AREGTYPE else OTHER)
        crc = None
        if kind == FILE and not info.issparse():
            crc = zlib.crc32(data[info.offset_data : info.offset_data + info.size])
        yield Row(
            kind,
            _raw(info.name),
            _raw(info.linkname),
            info.mode & PERMISSIONS,
            info.uid,
            info.gid,
            math.floor(info.mtime),
            info.size,
            crc,
            (info.devmajor, info.devminor) if kind in DEVICES else None,
        )


def _raw(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
