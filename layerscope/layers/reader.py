"""Reading a layer: its members, sizes, and digests, in one pass over its blob."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from layerscope.errors import DigestMismatch, FormatError, LimitExceeded, TarError
from layerscope.image.blob import Blob, DeferredBlob, StoredBlob
from layerscope.image.digest import Digest
from layerscope.layers.ahead import read_ahead
from layerscope.layers.beside import HashBeside
from layerscope.layers.budget import Budget
from layerscope.layers.compression import Decompression, sniff
from layerscope.layers.content_hash import digest as content_digest
from layerscope.layers.costs import member_costs
from layerscope.layers.documents import DocumentKeeper
from layerscope.layers.entry import FILE, METADATA
from layerscope.layers.header import BLOCK_SIZE, is_header
from layerscope.layers.layer_index import Columns, LayerIndex
from layerscope.layers.remainder import ESTARGZ_TOC, Remainder
from layerscope.layers.secret_search import SecretSearch
from layerscope.layers.settling import settling
from layerscope.layers.split_blob import SplitBlob
from layerscope.layers.tar import TarScanner
from layerscope.layers.window import SeekWindow, SplitWindow, StreamWindow, Window
from layerscope.limits import Limits
from layerscope.notes import Note, Notes
from layerscope.options import SecretScope
from layerscope.packages.documents import may_be_document
from layerscope.packages.package import PackageType
from layerscope.records import dataclass

if TYPE_CHECKING:
    from hashlib import _Hash

Verify = Literal["auto", "full", "off"]
"""When digests are checked: if the bytes are read in full anyway (auto), always (full), or never (off)."""

_LANDMARK_CONTENT = content_digest(b"\x0f")
_MISMATCH_HINT = "save or fetch the image again, or read on with --no-verify"
_HERE = 0
"""A placeholder for the layer number while notes are collected, so that notes of one kind are counted together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredLayer:
    """The index of a layer and the blob it was read from.

    `index.tar_size` is the number of uncompressed bytes, end marker and padding included. `compressed_size` is None if
    the blob is stored uncompressed. `verified` means the bytes were checked against the digests that the image names.
    """

    blob: StoredBlob
    index: LayerIndex
    compression: str
    compressed_size: int | None
    verified: bool
    own_notes: tuple[Note, ...] = ()
    """Notes about the blob itself, as opposed to the tar in it."""
    proven: tuple[Digest, ...] = ()
    """The digests, of the blob or the tar, that the bytes were compared with and do have."""
    hashed: bool = False
    """Whether the index has the hash of every content, because all bytes passed."""
    unread: frozenset[PackageType] = frozenset()
    """The types of packages that the layer may have, but that were not looked for."""
    by_table: bool = False
    """Whether the index comes from a table of contents. `blob` then holds all contents uncompressed, at the offsets of
    the index, which are not those in the tar."""

    @property
    def notes(self) -> tuple[Note, ...]:
        """All notes on the layer. They don't name a layer, since an image may use the same index several times."""
        return self.index.notes + self.own_notes

    @property
    def tar_size(self) -> int | None:
        return self.index.tar_size


def index_layer(
    blob: StoredBlob,
    *,
    digest: Digest | None,
    diff_id: Digest | None,
    verify: Verify,
    limits: Limits,
    proves: bool = False,
    budget: Budget | None = None,
    ahead: bool = False,
    documents: bool = True,
    secrets: SecretScope = "known",
    advanced: Callable[[int], None] | None = None,
) -> StoredLayer:
    """Index one layer. With `ahead`, a separate thread reads or hashes its tar. Layers may share a memory `budget`.

    `documents` keeps package databases and the like in the index, and `secrets` says where to look for secrets. A layer
    whose bytes all pass is looked into in any case, since its index serves others. `proves` compares the tar with its
    diff_id even if `verify` is `auto` and the blob's digest is known.
    Raises `FormatError` with the blob's name in the message: `TarError` (with the offset), `DigestMismatch`,
    `LimitExceeded`, or `UnsupportedFormat`.
    """
    blob = blob.blob if isinstance(blob, DeferredBlob) else blob
    notes = Notes()
    compression = sniff(blob)
    seeks = reads_headers_alone(blob, compression, verify)
    search = SecretSearch(
        limits, budget, everything=secrets == "all", off=seeks and secrets == "off"
    )
    if compression == "none" and verify != "off":
        compare_names(blob, digest, diff_id)
    with _naming(blob, compression):
        if seeks and isinstance(blob, Blob | SplitBlob):
            if isinstance(blob, Blob):
                columns = _collect_seekable(blob, limits, budget, search, notes, advanced)
            else:
                columns = _collect_split(blob, limits, budget, search, notes, advanced)
            if documents:
                DocumentKeeper(columns, budget).look_through(blob)
            search.look_through(blob, columns)
            columns.secrets = search.result(columns)
            return _unverified(blob, columns, diff_id, notes)
        named = _compared(compression, digest, diff_id, verify, proves)
        return _index_stream(
            blob, compression, named, diff_id, limits, budget, search, notes, ahead, advanced
        )


@contextmanager
def _naming(blob: StoredBlob, compression: str) -> Iterator[None]:
    """Put the blob's name before the messages of errors, and say what the bytes are if they are not a tar."""
    try:
        yield
    except TarError as error:
        if error.offset == 0 and compression != "none":
            raise FormatError(f"{blob.name}: the {compression} data in it is not a tar") from None
        if error.offset == 0 and not is_header(blob.read_at(0, BLOCK_SIZE)):
            raise FormatError(
                f"{blob.name}: neither a tar nor compressed in a known format"
            ) from None
        raise TarError(
            f"{blob.name}: {error.reason}", offset=error.offset, hint=error.hint
        ) from None
    except LimitExceeded as error:
        if error.message.startswith(blob.name):
            raise
        raise LimitExceeded(f"{blob.name}: {error.message}", hint=error.hint) from None


def can_seek(blob: StoredBlob) -> bool:
    """Whether skipping bytes of the blob costs nothing."""
    return isinstance(blob, Blob | DeferredBlob | SplitBlob)


def reads_headers_alone(blob: StoredBlob, compression: str, verify: Verify) -> bool:
    """Whether contents are skipped, so that no digest can be compared."""
    return compression == "none" and verify != "full" and can_seek(blob)


def is_verified(
    blob: StoredBlob, compression: str, named: tuple[Digest | None, Digest | None], verify: Verify
) -> bool:
    """`StoredLayer.verified` of this blob, once it is read without an error. `named` are its digest and its diff_id."""
    return (
        named != (None, None)
        and verify != "off"
        and not reads_headers_alone(blob, compression, verify)
    )


def _collect_seekable(
    blob: Blob,
    limits: Limits,
    budget: Budget | None,
    search: SecretSearch,
    notes: Notes,
    advanced: Callable[[int], None] | None,
) -> Columns:
    window = SeekWindow(blob, advanced)
    columns, end = _collect(window, limits, budget, search, notes)
    position = end
    remainder = Remainder()
    while not remainder.is_settled and (data := blob.read_at(position, 1 << 20)):
        remainder.feed(data)
        position += len(data)
    if remainder.is_odd:
        _note_left_over(notes, blob.size - end - 2 * BLOCK_SIZE)
    if advanced is not None:
        advanced(blob.size - window.told)
    return columns


def _collect_split(
    blob: SplitBlob,
    limits: Limits,
    budget: Budget | None,
    search: SecretSearch,
    notes: Notes,
    advanced: Callable[[int], None] | None,
) -> Columns:
    window = SplitWindow(blob, advanced)
    columns, end = _collect(window, limits, budget, search, notes)
    position = end
    remainder = Remainder()
    while not remainder.is_settled:
        window.move(position, 1)
        data = window.data[position - window.start :]
        if not data:
            break
        remainder.feed(data)
        position += len(data)
    window.finish()
    if end >= blob.size:
        raise FormatError(f"{blob.name}: the tar has no end, so the file may be cut short")
    if remainder.is_odd:
        _note_left_over(notes, blob.size - end - 2 * BLOCK_SIZE)
    return columns


def _unverified(
    blob: Blob | SplitBlob, columns: Columns, diff_id: Digest | None, notes: Notes
) -> StoredLayer:
    """An uncompressed layer of which only the headers were read."""
    blob.check_unchanged()
    return StoredLayer(
        blob=blob,
        index=columns.index(diff_id, blob.size, anywhere(notes)),
        compression="none",
        compressed_size=None,
        verified=False,
    )


def _index_stream(
    blob: StoredBlob,
    compression: str,
    compared: tuple[Digest | None, Digest | None],
    diff_id: Digest | None,
    limits: Limits,
    budget: Budget | None,
    search: SecretSearch,
    notes: Notes,
    ahead: bool,
    advanced: Callable[[int], None] | None,
) -> StoredLayer:
    by_digest, by_diff_id = compared
    # The scanner says where files begin, which decides where compressed bytes are measured. So it keeps in step with the
    # decompression, or else the measures would depend on which thread is faster.
    compressed = compression != "none"
    with (
        _hashing(by_digest, beside=True) as stored,
        _hashing(by_diff_id, beside=ahead and compressed) as unpacked,
    ):
        update = None if stored is None else stored.update
        source = Decompression(
            blob, compression, limits, update=update, advanced=advanced, measured=True
        )
        pieces = read_ahead(source) if ahead and not compressed else iter(source)
        chunks = pieces if unpacked is None else _hashed(pieces, unpacked.update)
        window = StreamWindow(chunks, source.inside)
        columns, end = _collect(window, limits, budget, search, notes)
        remainder = _remainder(window, chunks, end)
        found = None if stored is None else stored.hexdigest()
        found_unpacked = None if unpacked is None else unpacked.hexdigest()
    if remainder.is_odd:
        _note_left_over(notes, source.produced - end - 2 * BLOCK_SIZE)
    blob.check_unchanged()
    _compare(blob, "digest", found, by_digest)
    _compare(blob, "diff_id", found_unpacked, by_diff_id)
    costs = _costs(columns, source) if compressed else None
    return StoredLayer(
        blob=blob,
        index=columns.index(diff_id, source.produced, anywhere(notes), costs),
        compression=compression,
        compressed_size=source.read if compressed else None,
        verified=compared != (None, None),
        own_notes=_trailing(source.trailing, compression),
        proven=tuple(each for each in compared if each is not None),
        hashed=True,
    )


def _remainder(window: StreamWindow, chunks: Iterable[bytes], end: int) -> Remainder:
    """What follows the end of the tar, read to its end."""
    remainder = Remainder()
    remainder.feed(window.rest(end))
    for chunk in chunks:
        remainder.feed(chunk)
    return remainder


@contextmanager
def _hashing(digest: Digest | None, *, beside: bool) -> Iterator[HashBeside | _Hash | None]:
    """What computes a digest, in a thread of its own or in this one; None if there is nothing to compare."""
    if digest is None:
        yield None
    elif beside:
        with HashBeside(digest.hasher()) as hasher:
            yield hasher
    else:
        yield digest.hasher()


def _costs(columns: Columns, source: Decompression) -> array[int]:
    """The compressed bytes of each member."""
    return member_costs(columns.data, columns.sizes, source.checkpoints, columns.skipped)


def _compared(
    compression: str,
    digest: Digest | None,
    diff_id: Digest | None,
    verify: Verify,
    proves: bool,
) -> tuple[Digest | None, Digest | None]:
    """The digest and the diff_id to compare the bytes with.

    A blob's digest vouches for its tar as well, unless the image lies about one of them, so the diff_id is hashed only
    for `full`, for `proves`, or if the image names no digest. A plain layer has one digest, and its names are compared.
    """
    if verify == "off":
        return None, None
    hashes_tar = digest is None or (
        (proves or verify == "full") and not (compression == "none" and digest == diff_id)
    )
    return digest, diff_id if hashes_tar else None


def compare_names(blob: StoredBlob, digest: Digest | None, diff_id: Digest | None) -> None:
    """Check that an uncompressed layer has the same digest as a blob and as a tar."""
    if digest is None or diff_id is None or digest.algorithm != diff_id.algorithm:
        return
    if digest != diff_id:
        raise DigestMismatch(
            f"{blob.name}: the uncompressed layer has digest {digest}, but the image names diff_id {diff_id}",
            hint=_MISMATCH_HINT,
        )


def _compare(blob: StoredBlob, what: str, computed: str | None, expected: Digest | None) -> None:
    """Check the hex digits that the bytes have, if there is a digest to compare them with."""
    if expected is not None and computed != expected.hex:
        raise DigestMismatch(
            f"{blob.name}: the bytes have {what} {expected.algorithm}:{computed}, but the image names {expected}",
            hint=_MISMATCH_HINT,
        )


def _trailing(count: int, compression: str) -> tuple[Note, ...]:
    if not count:
        return ()
    message = (
        f"{count} bytes after the {compression} data are not part of it; engines disagree on them"
    )
    return (Note("trailing-bytes", message),)


def _hashed(chunks: Iterable[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for chunk in chunks:
        update(chunk)
        yield chunk


def anywhere(notes: Notes) -> tuple[Note, ...]:
    """The notes without a layer number, since the same index may be used several times and in several images."""
    return tuple(replace(note, layer=None) for note in notes)


def _note_left_over(notes: Notes, count: int) -> None:
    notes.add(
        "data-after-end",
        f"{count} bytes follow the tar's end marker and belong to no file",
        layer=_HERE,
    )


def _collect(
    window: Window,
    limits: Limits,
    budget: Budget | None,
    search: SecretSearch,
    notes: Notes,
) -> tuple[Columns, int]:
    """The members with clean paths and whiteouts recognized, and the offset where the tar's members end."""

    def note(code: str, message: str, path: bytes | None) -> None:
        notes.add(code, message, layer=_HERE, path=path)

    columns = Columns()
    landmarks: list[int] = []
    settle = settling(columns, landmarks, note)
    keeper = DocumentKeeper(columns, budget)

    def wanted(name: bytes, size: int) -> bool:
        return may_be_document(name, size) or search.wants(name)

    def passed(name: bytes, mode: int, offset: int, size: int) -> bool:
        moved = may_be_document(name, size) and keeper.pass_by(window, name, mode, offset, size)
        if search.wants(name):
            search.pass_by(window, name, offset, size)
            moved = True
        return moved

    scanner = TarScanner(
        window,
        limits,
        note,
        budget=budget,
        settle=settle,
        wanted=wanted,
        passed=passed if window.fingerprints else None,
    )
    scanner.scan(columns)
    if window.fingerprints:
        columns.secrets = search.result(columns)
    _set_apart(columns, landmarks, window)
    return columns, scanner.end


def _set_apart(columns: Columns, landmarks: list[int], window: Window) -> None:
    """Mark the table of contents and the landmarks of eStargz and zstd:chunked layers as not being files of the image.

    A landmark is recognized by its single byte of content, since zstd:chunked keeps its table outside the tar.
    """
    kinds = columns.kinds
    if columns.last_path() == ESTARGZ_TOC and kinds[-1] == FILE:
        kinds[-1] = METADATA
    for position in landmarks:
        mark = columns.fingerprint(position) or window.fingerprint(columns.data[position], 1)
        if kinds[position] == FILE and mark == _LANDMARK_CONTENT:
            kinds[position] = METADATA
