"""The scanner reads or refuses mutated tars like Go's archive/tar, which all engines read layers with."""

from __future__ import annotations

import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from layerscope.errors import TarError
from layerscope.layers.entry import (
    BLOCK,
    CHARACTER,
    DIRECTORY,
    FIFO,
    FILE,
    HARDLINK,
    OTHER,
    SYMLINK,
    Member,
)
from layerscope.layers.header import PERMISSIONS, number
from tests.builder.tar import BLOCK as BLOCK_SIZE
from tests.fuzz.mutations import many
from tests.layers import gotar
from tests.layers.reading import Scan, seek

COUNT = 1500
KINDS = {
    0x30: FILE,
    0x31: HARDLINK,
    0x32: SYMLINK,
    0x33: CHARACTER,
    0x34: BLOCK,
    0x35: DIRECTORY,
    0x36: FIFO,
    0x53: FILE,
}
GLOBAL = 0x67

STRICTER = {
    "an extension header with no member after it": "Go forgets it in silence; a name was lost here",
    "a member of -": "a negative size on a member without data, which Go overlooks",
    "a PAX size of -": "the same in a PAX record",
    "extension headers of": "over the bounds on what may stand before one member",
    "regions": "more regions in a sparse map than any file needs",
}
"""Parts of messages for what is refused although Go reads it, and why."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("go") is None:
        pytest.skip("no Go toolchain here to compile the oracle with")
    try:
        return gotar.build(tmp_path_factory.mktemp("gotar"))
    except subprocess.CalledProcessError as error:
        pytest.skip(f"the Go toolchain here does not compile: {error.stderr[-200:]!r}")


def differences(data: bytes, theirs: dict[str, Any]) -> Iterator[str]:
    ours = seek(data)
    found = [row for row in theirs["members"] if row["flag"] != GLOBAL]
    for place, (entry, row) in enumerate(zip(ours.entries, found, strict=False)):
        mine, other = ours_of(entry, data), theirs_of(row, entry)
        if mine != other:
            yield f"member {place}: {mine} and Go {other}"
            return
    if ours.error is None and theirs["error"] and not carried(ours):
        yield f"read, and Go says {theirs['error']}"
    elif ours.error is not None and not theirs["error"]:
        if not any(part in str(ours.error) for part in STRICTER) and not superseded(ours, data):
            yield f"refused with {ours.error}, and Go reads it"
    elif ours.error is None and not theirs["error"] and len(ours.entries) != len(found):
        yield f"{len(ours.entries)} members, and Go {len(found)}"


def superseded(scan: Scan, data: bytes) -> bool:
    """Whether a malformed PAX header is refused that Go ignores because of a second or a global one."""
    if not isinstance(scan.error, TarError) or "PAX" not in str(scan.error):
        return False
    at = scan.error.offset - BLOCK_SIZE
    while data[at + 156 : at + 157] in {b"x", b"L", b"K"}:
        at += BLOCK_SIZE + (number(data[at + 124 : at + 136]) + 511 & -512)
        if data[at + 156 : at + 157] in {b"x", b"g", b"", b"\0"}:
            return True
    return False


def carried(scan: Scan) -> bool:
    """Whether a hard link has data, which POSIX allows. Go's reader mistakes the data for a header."""
    return "link-with-data" in scan.codes


def ours_of(entry: Member, data: bytes) -> tuple[object, ...]:
    sparse = entry.extra is not None and entry.extra.logical_size is not None
    content = data[entry.data : entry.data + entry.size]
    return (
        entry.kind,
        entry.path,
        entry.link,
        entry.owner,
        entry.mtime,
        entry.extra.logical_size if sparse and entry.extra is not None else entry.size,
        None if sparse else zlib.crc32(content),
        entry.extra.device
        if entry.extra is not None and entry.kind in {CHARACTER, BLOCK}
        else None,
    )


def theirs_of(row: dict[str, Any], entry: Member) -> tuple[object, ...]:
    kind = KINDS.get(row["flag"], OTHER)
    sparse = entry.extra is not None and entry.extra.logical_size is not None
    has_data = kind == FILE
    return (
        kind,
        bytes.fromhex(row["name"]),
        bytes.fromhex(row["link"]),
        (row["mode"] & PERMISSIONS, row["uid"], row["gid"]),
        row["mtime"],
        row["size"] if has_data or sparse else 0,
        None if sparse else row["content"] if has_data else 0,
        (row["major"], row["minor"]) if kind in {CHARACTER, BLOCK} else None,
    )


def compare(program: Path, count: int, seed: int) -> list[str]:
    tars = list(many(count, seed))
    rows = []
    for place, (data, theirs) in enumerate(zip(tars, gotar.read(program, tars), strict=True)):
        rows += [f"{seed}/{place}: {text}" for text in differences(data, theirs)]
    return rows


@pytest.mark.slow
def test_mutated_tars_are_read_and_refused_as_go_does(program: Path) -> None:
    assert compare(program, COUNT, seed=1) == []


def test_the_comparison_sees_members_and_refusals(program: Path) -> None:
    tars = list(many(300))
    rows = gotar.read(program, tars)
    assert sum(bool(row["error"]) for row in rows) > 50
    assert sum(len(row["members"]) for row in rows) > 500
    row = next(row for row in rows if not row["error"] and row["members"])
    data = tars[rows.index(row)]
    row["members"][0]["name"] = b"other".hex()
    assert list(differences(data, row))
