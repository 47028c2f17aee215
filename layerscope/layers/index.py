"""What one layer holds: its entries in tar order, its sizes and digests, read in one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Literal

import xxhash

from layerscope.errors import DigestMismatch, FormatError, LimitExceeded, TarError
from layerscope.image.blob import Blob
from layerscope.image.digest import Digest
from layerscope.layers import names
from layerscope.layers.ahead import read_ahead
from layerscope.layers.compression import Decompression, sniff
from layerscope.layers.entry import (
    CHARACTER,
    DIRECTORY,
    FILE,
    METADATA,
    OPAQUE,
    OTHER,
    WHITEOUT,
    Entry,
)
from layerscope.layers.header import BLOCK_SIZE, is_header
from layerscope.layers.remainder import ESTARGZ_TOC, Remainder
from layerscope.layers.tar import TarScanner
from layerscope.layers.window import SeekWindow, StreamWindow, Window
from layerscope.limits import Limits
from layerscope.notes import Note, Notes

Verify = Literal["auto", "full", "off"]
"""Digests: checked where the bytes are read in full anyway, always, or never."""

_LANDMARKS = frozenset((b".prefetch.landmark", b".no.prefetch.landmark"))
_LANDMARK_CONTENT = xxhash.xxh3_128_digest(b"\x0f")
_OVERLAY_OPAQUE = frozenset((b"trusted.overlay.opaque", b"user.overlay.opaque"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerIndex:
    """One layer blob, indexed. `tar_size` counts the uncompressed bytes, end marker and padding included.

    `compressed_size` is None for a blob that is stored uncompressed. `verified` tells that the digests which the image
    names were compared with the bytes.
    """

    blob: Blob
    compression: str
    entries: list[Entry] = field(repr=False)
    tar_size: int
    compressed_size: int | None
    verified: bool
    notes: tuple[Note, ...]

    def at_layer(self, layer: int) -> LayerIndex:
        """The same blob at another place in the stack; what was odd about it has been told at the first."""
        return replace(self, entries=[entry.copy_to(layer) for entry in self.entries], notes=())


def index_layer(
    blob: Blob,
    *,
    layer: int,
    digest: Digest | None,
    diff_id: Digest | None,
    verify: Verify,
    limits: Limits,
    ahead: bool = False,
    advanced: Callable[[int], None] | None = None,
) -> LayerIndex:
    """Index one layer; `ahead` lets a thread of its own decompress it.

    Raises `FormatError` (`TarError` with the offset, `DigestMismatch`, `LimitExceeded`, `UnsupportedFormat`) with the
    blob's name in the message.
    """
    notes = Notes()
    compression = sniff(blob)
    try:
        if compression == "none" and verify != "full":
            return _index_seekable(blob, layer, limits, notes, advanced)
        return _index_stream(
            blob, compression, layer, digest, diff_id, verify, limits, notes, ahead, advanced
        )
    except TarError as error:
        if error.offset == 0 and compression != "none":
            raise FormatError(f"{blob.name}: the {compression} data in it is no tar") from None
        if error.offset == 0 and not is_header(blob.read_at(0, BLOCK_SIZE)):
            raise FormatError(
                f"{blob.name}: is neither a tar nor compressed with anything known"
            ) from None
        raise TarError(
            f"{blob.name}: {error.reason}", offset=error.offset, hint=error.hint
        ) from None
    except LimitExceeded as error:
        if error.message.startswith(blob.name):
            raise
        raise LimitExceeded(f"{blob.name}: {error.message}", hint=error.hint) from None


def _index_seekable(
    blob: Blob,
    layer: int,
    limits: Limits,
    notes: Notes,
    advanced: Callable[[int], None] | None,
) -> LayerIndex:
    window = SeekWindow(blob, advanced)
    entries, end = _collect(window, layer, limits, notes)
    position = end
    remainder = Remainder()
    while not remainder.is_settled and (data := blob.read_at(position, 1 << 20)):
        remainder.feed(data)
        position += len(data)
    if remainder.is_odd:
        _note_left_over(notes, layer, blob.size - end - 2 * BLOCK_SIZE)
    if advanced is not None:
        advanced(blob.size - window.told)
    blob.file.check_unchanged()
    return LayerIndex(
        blob=blob,
        compression="none",
        entries=entries,
        tar_size=blob.size,
        compressed_size=None,
        verified=False,
        notes=tuple(notes),
    )


def _index_stream(
    blob: Blob,
    compression: str,
    layer: int,
    digest: Digest | None,
    diff_id: Digest | None,
    verify: Verify,
    limits: Limits,
    notes: Notes,
    ahead: bool,
    advanced: Callable[[int], None] | None,
) -> LayerIndex:
    stored = digest.hasher() if digest and verify != "off" else None
    unpacked = diff_id.hasher() if diff_id and verify != "off" else None
    source = Decompression(blob, compression, limits, hasher=stored, advanced=advanced)
    pieces = read_ahead(source) if ahead else iter(source)
    chunks = pieces if unpacked is None else _hashed(pieces, unpacked.update)
    window = StreamWindow(chunks)
    entries, end = _collect(window, layer, limits, notes)
    offset = max(end - window.start, 0)
    remainder = Remainder()
    remainder.feed(window.data[offset:])
    for chunk in chunks:
        remainder.feed(chunk)
    if remainder.is_odd:
        _note_left_over(notes, layer, source.produced - end - 2 * BLOCK_SIZE)
    if source.trailing:
        notes.add(
            "trailing-bytes",
            f"{source.trailing} bytes behind the {compression} data belong to nothing; engines disagree on it",
            layer=layer,
        )
    blob.file.check_unchanged()
    for expected, hasher, what in ((digest, stored, "digest"), (diff_id, unpacked, "diff_id")):
        if expected is not None and hasher is not None and hasher.hexdigest() != expected.hex:
            raise DigestMismatch(
                f"{blob.name}: the bytes have {what} {expected.algorithm}:{hasher.hexdigest()}, the"
                f" image names {expected}",
                hint="save or fetch the image again, or read on with --no-verify",
            )
    return LayerIndex(
        blob=blob,
        compression=compression,
        entries=entries,
        tar_size=source.produced,
        compressed_size=None if compression == "none" else source.read,
        verified=unpacked is not None,
        notes=tuple(notes),
    )


def _hashed(chunks: Iterable[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for chunk in chunks:
        update(chunk)
        yield chunk


def _note_left_over(notes: Notes, layer: int, count: int) -> None:
    notes.add(
        "data-after-end",
        f"{count} bytes stand behind the end marker of the tar and belong to no file",
        layer=layer,
    )


def _collect(window: Window, layer: int, limits: Limits, notes: Notes) -> tuple[list[Entry], int]:
    """The entries with cleaned paths and whiteouts told apart, and where the tar's members end."""

    def note(code: str, message: str, path: bytes | None) -> None:
        notes.add(code, message, layer=layer, path=path)

    refused: list[Entry] = []
    markers: dict[int, Entry] = {}
    landmarks: list[Entry] = []

    def settle(entry: Entry) -> bool:
        entry.path = path = entry.path.rstrip(b"/") or entry.path[:1]
        if (not path or path[0] in b"./" or b"/." in path or b"//" in path) and not _settle_name(
            entry, note
        ):
            refused.append(entry)
            return False
        if entry.size == 1 and entry.path in _LANDMARKS:
            landmarks.append(entry)
        if entry.extra is not None and entry.kind <= OTHER:
            marker = _overlay_marker(entry, note)
            if marker is not None:
                markers[id(entry)] = marker
        return True

    scanner = TarScanner(window, limits, note, layer=layer, settle=settle)
    entries = list(islice(scanner, limits.members + 1))
    if markers:
        pairs = ((markers.get(id(entry)), entry) for entry in entries)
        entries = [each for pair in pairs for each in pair if each is not None]
    if len(entries) + len(refused) > limits.members:
        raise LimitExceeded(f"more than {limits.members} members", hint="raise --limit members=N")
    _set_apart(entries, landmarks, window)
    return entries, scanner.end


def _settle_name(entry: Entry, note: Callable[[str, str, bytes | None], None]) -> bool:
    """Clean the path and tell whiteouts; False for an entry that must be refused."""
    raw = entry.path
    if not raw:
        note("empty-name", "a member without a name is left out", None)
        return False
    if raw[0] == 0x2F:
        note("absolute-name", "an absolute name is taken as relative to the image's root", raw)
    path = raw
    if raw[0] in b"./" or names.DOTS.search(raw) is not None:
        path, climbed = names.clean(raw)
        if climbed:
            note("parent-name", "a name with .. is cleaned as engines clean it", raw)
        entry.path = path
    if names.WHITEOUT_PREFIX not in path:
        if not path and entry.kind != DIRECTORY:
            note(
                "root-no-directory",
                "a root that is no directory is left out of the filesystem",
                raw,
            )
            entry.kind = METADATA
        return True
    parent, name = names.split(path)
    if (b"/" + parent).find(b"/" + names.WHITEOUT_PREFIX) >= 0:
        if b"/" + names.METADATA_PREFIX not in b"/" + parent:
            note(
                "under-whiteout",
                "a member below a whiteout's name is left out of the filesystem",
                path,
            )
        else:
            note("aufs-metadata", "AUFS metadata is left out of the filesystem", path)
        entry.kind = METADATA
        return True
    if not name.startswith(names.WHITEOUT_PREFIX):
        return True
    target = name[len(names.WHITEOUT_PREFIX) :]
    if name == names.OPAQUE_MARKER:
        kind = OPAQUE
        entry.path = parent
    elif name.startswith(names.METADATA_PREFIX):
        note("aufs-metadata", "AUFS metadata is left out of the filesystem", path)
        entry.kind = METADATA
        return True
    elif target in (b"", b".", b".."):
        note("invalid-whiteout", "a whiteout that names no file is refused", path)
        return False
    else:
        kind = WHITEOUT
        entry.path = parent + b"/" + target if parent else target
    if entry.size or entry.kind != FILE:
        note("odd-whiteout", "a whiteout is no empty file, and counts all the same", path)
    entry.kind = kind
    entry.size = 0
    return True


def _overlay_marker(entry: Entry, note: Callable[[str, str, bytes | None], None]) -> Entry | None:
    """Read overlayfs's own whiteouts, which a badly made export leaves in the tar; the marker of an opaque directory."""
    extra = entry.extra
    if extra is None:
        return None
    if entry.kind == CHARACTER and extra.device == (0, 0):
        note(
            "overlay-whiteout",
            "a character device 0:0 is taken as overlayfs's own whiteout",
            entry.path,
        )
        entry.kind = WHITEOUT
    elif entry.kind == DIRECTORY and any(
        key in _OVERLAY_OPAQUE and value == b"y" for key, value in extra.xattrs
    ):
        note("overlay-opaque", "an overlayfs attribute is taken as an opaque whiteout", entry.path)
        return Entry(
            entry.path, OPAQUE, 0, entry.data, entry.owner, entry.mtime, b"", None, entry.layer
        )
    return None


def _set_apart(entries: list[Entry], landmarks: list[Entry], window: Window) -> None:
    """The table of contents and the landmarks of eStargz and zstd:chunked layers are not files of the image.

    A landmark is known by its one byte, since a zstd:chunked layer keeps its table outside of the tar.
    """
    if entries and entries[-1].path == ESTARGZ_TOC and entries[-1].kind == FILE:
        entries[-1].kind = METADATA
    for entry in landmarks:
        mark = entry.fingerprint or window.fingerprint(entry.data, 1)
        if entry.kind == FILE and mark == _LANDMARK_CONTENT:
            entry.kind = METADATA
