"""What a reader says about a tar: its members, and whether it takes the tar for damaged."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from layerscope.layers.entry import BLOCK, CHARACTER, FILE, HARDLINK, SYMLINK
from tests.layers.reading import Scan, seek


class Row(NamedTuple):
    """One member. A field is None if the reader does not say it."""

    kind: int
    name: bytes | None
    link: bytes | None = None
    mode: int | None = None
    uid: int | None = None
    gid: int | None = None
    mtime: int | None = None
    size: int | None = None
    """The logical size of a file, and 0 for anything else."""
    content: int | None = None
    """The CRC-32 of the content, unless the file is sparse."""
    device: tuple[int, int] | None = None


@dataclass
class Listing:
    rows: list[Row] = field(default_factory=list)
    error: str | None = None


FIELDS = Row._fields


def ours(data: bytes) -> tuple[Scan, Listing]:
    """The scanner's listing, and the scan that it comes from."""
    scan = seek(data)
    error = None if scan.error is None else str(scan.error)
    return scan, Listing(list(_rows(scan, data)), error)


def _rows(scan: Scan, data: bytes) -> Iterator[Row]:
    for entry in scan.entries:
        extra = entry.extra
        logical = None if extra is None else extra.logical_size
        crc = zlib.crc32(data[entry.data : entry.data + entry.size])
        yield Row(
            entry.kind,
            entry.path,
            entry.link,
            *entry.owner,
            entry.mtime,
            entry.size if logical is None else logical,
            crc if logical is None else None,
            extra.device if extra is not None and entry.kind in {CHARACTER, BLOCK} else None,
        )


def compare(mine: Listing, theirs: Listing, *, exact: bool = False) -> str:
    """How another reader's listing relates to ours, in a few words: "the same" and "both refuse" mean that they agree.

    Only `exact` looks at slashes at the end of names: some readers drop them, others add them to directories.
    """
    for one, other in zip(mine.rows, theirs.rows, strict=False):
        wrong = different(one, other, exact=exact)
        if wrong is not None:
            return f"another {wrong}"
    if (mine.error is None) != (theirs.error is None):
        return "we refuse, it reads" if mine.error is not None else "we read, it refuses"
    if mine.error is None and len(mine.rows) != len(theirs.rows):
        return "another number of members"
    return "the same" if mine.error is None else "both refuse"


AGREE = frozenset({"the same", "both refuse"})


def different(one: Row, other: Row, *, exact: bool) -> str | None:
    """The first field that both know and that differs."""
    for name, mine, theirs in zip(FIELDS, one, other, strict=True):
        if mine is None or theirs is None or mine == theirs:
            continue
        if name == "link" and one.kind not in {HARDLINK, SYMLINK} and not exact:
            continue
        if name == "size" and one.kind != FILE and not exact:
            continue
        if name in {"name", "link"} and not exact and mine.rstrip(b"/") == theirs.rstrip(b"/"):  # type: ignore[union-attr]
            continue
        return name
    return None
