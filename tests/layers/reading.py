"""Reads tars from memory: by seeking, as a stream in pieces of any length, or completely."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from layerscope.errors import FormatError
from layerscope.image.blob import Blob, OpenFile
from layerscope.image.digest import Digest
from layerscope.layers.entry import Member
from layerscope.layers.layer_index import Columns
from layerscope.layers.reader import StoredLayer, Verify, index_layer
from layerscope.layers.tar import TarScanner
from layerscope.layers.window import SeekWindow, StreamWindow, Window
from layerscope.limits import DEFAULT_LIMITS, Limits

Fact = tuple[object, ...]


@contextmanager
def blob_of(data: bytes, name: str = "layer.tar") -> Iterator[Blob]:
    """A blob with these bytes. Its file has other bytes before and after it, as in an archive."""
    with tempfile.TemporaryFile() as file:
        file.write(b"before" + data + b"behind")
        file.flush()
        yield Blob(OpenFile(file.fileno(), name), 6, len(data), name)


@dataclass
class Scan:
    """The members, notes, and error of a scan."""

    entries: list[Member] = field(default_factory=list)
    notes: list[tuple[str, bytes | None]] = field(default_factory=list)
    error: FormatError | None = None
    end: int = 0

    @property
    def facts(self) -> list[Fact]:
        return [facts(entry) for entry in self.entries]

    @property
    def codes(self) -> list[str]:
        return [code for code, _ in self.notes]

    def only(self) -> Member:
        assert self.error is None, self.error
        (entry,) = self.entries
        return entry


def facts(entry: Member) -> Fact:
    """Everything the scanner says about a member, except the hash of its content."""
    return (
        entry.path,
        entry.kind,
        entry.size,
        entry.data,
        entry.owner,
        entry.mtime,
        entry.link,
        entry.extra,
    )


def run(window: Window, limits: Limits) -> Scan:
    scan = Scan()

    def note(code: str, message: str, path: bytes | None) -> None:
        assert message
        scan.notes.append((code, path))

    scanner = TarScanner(window, limits, note)
    columns = Columns()
    try:
        scanner.scan(columns)
    except FormatError as error:
        scan.error = error
    scan.entries.extend(columns.index(None, 0, ()).members())
    scan.end = scanner.end
    return scan


def seek(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Scan:
    """Scan by seeking over content."""
    with blob_of(data) as blob:
        return run(SeekWindow(blob), limits)


def stream(data: bytes, cuts: Sequence[int] = (1000,), limits: Limits = DEFAULT_LIMITS) -> Scan:
    """Scan as a stream of pieces. `cuts` are the lengths of the pieces, repeated."""
    return run(StreamWindow(pieces(data, cuts)), limits)


def pieces(data: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    at = number = 0
    while at < len(data):
        length = cuts[number % len(cuts)]
        yield data[at : at + length]
        at += length
        number += 1


def index(
    data: bytes,
    *,
    verify: Verify = "auto",
    digest: str | None = None,
    diff_id: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> StoredLayer:
    """Index a stored blob, compressed or not."""
    with blob_of(data) as blob:
        return index_layer(
            blob,
            digest=Digest.parse(digest) if digest else None,
            diff_id=Digest.parse(diff_id) if diff_id else None,
            verify=verify,
            limits=limits,
        )


def members_of(stored: StoredLayer) -> list[Member]:
    return list(stored.index.members())


def codes(indexed: StoredLayer) -> list[str]:
    return [note.code for note in indexed.notes]


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))
