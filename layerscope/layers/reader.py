"""Reading a layer: its members, sizes, and digests, in one pass over its blob."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import xxhash

from layerscope.errors import DigestMismatch, FormatError, LimitExceeded, TarError
from layerscope.image.blob import Blob, DeferredBlob, StoredBlob
from layerscope.image.digest import Digest
from layerscope.layers import names
from layerscope.layers.ahead import read_ahead
from layerscope.layers.beside import HashBeside
from layerscope.layers.budget import Budget
from layerscope.layers.compression import Decompression, sniff
from layerscope.layers.costs import member_costs
from layerscope.layers.documents import DocumentKeeper
from layerscope.layers.entry import (
    CHARACTER,
    DIRECTORY,
    FILE,
    METADATA,
    OPAQUE,
    OTHER,
    WHITEOUT,
    Member,
)
from layerscope.layers.header import BLOCK_SIZE, is_header
from layerscope.layers.layer_index import Columns, LayerIndex
from layerscope.layers.remainder import ESTARGZ_TOC, Remainder
from layerscope.layers.split_blob import SplitBlob
from layerscope.layers.tar import TarScanner
from layerscope.layers.window import SeekWindow, SplitWindow, StreamWindow, Window
from layerscope.limits import Limits
from layerscope.notes import Note, Notes

Verify = Literal["auto", "full", "off"]
"""When digests are checked: if the bytes are read in full anyway (auto), always (full), or never (off)."""

_LANDMARKS = frozenset((b".prefetch.landmark", b".no.prefetch.landmark"))
_LANDMARK_CONTENT = xxhash.xxh3_128_digest(b"\x0f")
_OVERLAY_OPAQUE = frozenset((b"trusted.overlay.opaque", b"user.overlay.opaque"))
_WHITEOUT_NAME = b"/" + names.WHITEOUT_PREFIX
_NO_NAMES = frozenset((b"", b".", b".."))
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
    advanced: Callable[[int], None] | None = None,
) -> StoredLayer:
    """Index one layer. With `ahead`, a separate thread decompresses it. Layers may share a memory `budget`.

    `proves` compares the tar with its diff_id even if `verify` is `auto` and the blob's digest is known.

    Raises `FormatError` with the blob's name in the message: `TarError` (with the offset), `DigestMismatch`,
    `LimitExceeded`, or `UnsupportedFormat`.
    """
    if isinstance(blob, DeferredBlob):
        blob = blob.blob
    notes = Notes()
    compression = sniff(blob)
    if compression == "none" and verify != "off":
        _compare_names(blob, digest, diff_id)
    try:
        if reads_headers_alone(blob, compression, verify):
            if isinstance(blob, Blob):
                return _index_seekable(blob, diff_id, limits, budget, notes, advanced)
            if isinstance(blob, SplitBlob):
                return _index_split(blob, diff_id, limits, budget, notes, advanced)
        named = _compared(compression, digest, diff_id, verify, proves)
        return _index_stream(
            blob, compression, named, diff_id, limits, budget, notes, ahead, advanced
        )
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


def _index_seekable(
    blob: Blob,
    diff_id: Digest | None,
    limits: Limits,
    budget: Budget | None,
    notes: Notes,
    advanced: Callable[[int], None] | None,
) -> StoredLayer:
    window = SeekWindow(blob, advanced)
    columns, end = _collect(window, limits, budget, notes)
    DocumentKeeper(columns, budget).look_through(blob)
    position = end
    remainder = Remainder()
    while not remainder.is_settled and (data := blob.read_at(position, 1 << 20)):
        remainder.feed(data)
        position += len(data)
    if remainder.is_odd:
        _note_left_over(notes, blob.size - end - 2 * BLOCK_SIZE)
    if advanced is not None:
        advanced(blob.size - window.told)
    blob.check_unchanged()
    return StoredLayer(
        blob=blob,
        index=columns.index(diff_id, blob.size, anywhere(notes)),
        compression="none",
        compressed_size=None,
        verified=False,
    )


def _index_split(
    blob: SplitBlob,
    diff_id: Digest | None,
    limits: Limits,
    budget: Budget | None,
    notes: Notes,
    advanced: Callable[[int], None] | None,
) -> StoredLayer:
    window = SplitWindow(blob, advanced)
    columns, end = _collect(window, limits, budget, notes)
    if end >= blob.size:
        raise FormatError(f"{blob.name}: the tar has no end, so the file may be cut short")
    position = end
    remainder = Remainder()
    while not remainder.is_settled and position < blob.size:
        window.move(position, 1)
        data = window.data[position - window.start :]
        if not data:
            break
        remainder.feed(data)
        position += len(data)
    if not window.reaches(blob.size):
        raise FormatError(
            f"{blob.name}: the tar does not have the {blob.size} bytes that it should"
        )
    if remainder.is_odd:
        _note_left_over(notes, blob.size - end - 2 * BLOCK_SIZE)
    DocumentKeeper(columns, budget).look_through(blob)
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
    notes: Notes,
    ahead: bool,
    advanced: Callable[[int], None] | None,
) -> StoredLayer:
    by_digest, by_diff_id = compared
    unpacked = by_diff_id.hasher() if by_diff_id is not None else None
    with HashBeside(by_digest.hasher()) if by_digest is not None else nullcontext() as stored:
        source = Decompression(
            blob,
            compression,
            limits,
            update=None if stored is None else stored.update,
            advanced=advanced,
        )
        pieces = read_ahead(source) if ahead else iter(source)
        chunks = pieces if unpacked is None else _hashed(pieces, unpacked.update)
        window = StreamWindow(chunks)
        columns, end = _collect(window, limits, budget, notes)
        remainder = Remainder()
        remainder.feed(window.rest(end))
        for chunk in chunks:
            remainder.feed(chunk)
        found = None if stored is None else stored.hexdigest()
    if remainder.is_odd:
        _note_left_over(notes, source.produced - end - 2 * BLOCK_SIZE)
    trailing = Notes()
    if source.trailing:
        trailing.add(
            "trailing-bytes",
            f"{source.trailing} bytes after the {compression} data are not part of it; engines disagree on them",
        )
    blob.check_unchanged()
    if by_digest is not None and found != by_digest.hex:
        raise _mismatch(blob, "digest", f"{by_digest.algorithm}:{found}", by_digest)
    if unpacked is not None and by_diff_id is not None and unpacked.hexdigest() != by_diff_id.hex:
        computed = f"{by_diff_id.algorithm}:{unpacked.hexdigest()}"
        raise _mismatch(blob, "diff_id", computed, by_diff_id)
    return StoredLayer(
        blob=blob,
        index=columns.index(
            diff_id,
            source.produced,
            anywhere(notes),
            None
            if compression == "none"
            else member_costs(columns.data, columns.sizes, source.checkpoints),
        ),
        compression=compression,
        compressed_size=None if compression == "none" else source.read,
        verified=compared != (None, None),
        own_notes=tuple(trailing),
        proven=tuple(each for each in compared if each is not None),
        hashed=True,
    )


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


def _compare_names(blob: StoredBlob, digest: Digest | None, diff_id: Digest | None) -> None:
    """Check that an uncompressed layer has the same digest as a blob and as a tar."""
    if digest is None or diff_id is None or digest.algorithm != diff_id.algorithm:
        return
    if digest != diff_id:
        raise DigestMismatch(
            f"{blob.name}: the uncompressed layer has digest {digest}, but the image names diff_id {diff_id}",
            hint=_MISMATCH_HINT,
        )


def _mismatch(blob: StoredBlob, what: str, computed: str, expected: Digest) -> DigestMismatch:
    return DigestMismatch(
        f"{blob.name}: the bytes have {what} {computed}, but the image names {expected}",
        hint=_MISMATCH_HINT,
    )


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
    window: Window, limits: Limits, budget: Budget | None, notes: Notes
) -> tuple[Columns, int]:
    """The members with clean paths and whiteouts recognized, and the offset where the tar's members end."""

    def note(code: str, message: str, path: bytes | None) -> None:
        notes.add(code, message, layer=_HERE, path=path)

    columns = Columns()
    landmarks: list[int] = []
    settle = settling(columns, landmarks, note)
    keeper = DocumentKeeper(columns, budget)
    passed = partial(keeper.pass_by, window) if window.fingerprints else None
    scanner = TarScanner(window, limits, note, budget=budget, settle=settle, passed=passed)
    scanner.scan(columns)
    _set_apart(columns, landmarks, window)
    return columns, scanner.end


def settling(
    columns: Columns, landmarks: list[int], note: Callable[[str, str, bytes | None], None]
) -> Callable[[Member], bool]:
    """What cleans a member's path and recognizes whiteouts before it is added to `columns`; False leaves it out.

    The positions of members that may be landmarks are added to `landmarks`.
    """

    def settle(member: Member) -> bool:
        if _is_plain_whiteout(member):
            return True
        member.path = path = member.path.rstrip(b"/") or member.path[:1]
        if (not path or path[0] in b"./" or b"/." in path or b"//" in path) and not _settle_name(
            member, note
        ):
            return False
        if member.extra is not None and member.kind <= OTHER:
            marker = _overlay_marker(member, note)
            if marker is not None:
                columns.add(marker)
        if member.size == 1 and member.path in _LANDMARKS:
            landmarks.append(len(columns))
        return True

    return settle


def _is_plain_whiteout(member: Member) -> bool:
    """Recognize the common whiteout quickly: an empty file whose name is clean apart from the prefix."""
    folder, prefix, target = member.path.rpartition(_WHITEOUT_NAME)
    if (
        not prefix
        or member.kind != FILE
        or member.size
        or member.extra is not None
        or not folder
        or folder[0] in b"./"
        or b"/." in folder
        or b"//" in folder
        or folder[-1] == 0x2F
        or b"/" in target
        or target in _NO_NAMES
        or target.startswith(names.WHITEOUT_PREFIX)
    ):
        return False
    member.path = folder + b"/" + target
    member.kind = WHITEOUT
    return True


def _settle_name(member: Member, note: Callable[[str, str, bytes | None], None]) -> bool:
    """Clean the path and recognize whiteouts. False means the member must be left out."""
    raw = member.path
    if not raw:
        note("empty-name", "a member without a name is left out", None)
        return False
    if raw[0] == 0x2F and len(raw) > 1:  # kaniko and umoci begin every layer with "/" itself
        note("absolute-name", "an absolute name is taken as relative to the image's root", raw)
    path = raw
    if raw[0] in b"./" or names.DOTS.search(raw) is not None:
        path, climbed = names.clean(raw)
        if climbed:
            note("parent-name", "a name with .. is cleaned as engines clean it", raw)
        member.path = path
    if names.WHITEOUT_PREFIX not in path:
        if not path and member.kind != DIRECTORY:
            note(
                "root-no-directory",
                "a root that is not a directory is left out of the filesystem",
                raw,
            )
            member.kind = METADATA
        return True
    return _settle_whiteout(member, path, note)


def _settle_whiteout(
    member: Member, path: bytes, note: Callable[[str, str, bytes | None], None]
) -> bool:
    """Recognize whiteouts and what AUFS keeps beside them. False means the member must be left out."""
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
        member.kind = METADATA
        return True
    if not name.startswith(names.WHITEOUT_PREFIX):
        return True
    target = name[len(names.WHITEOUT_PREFIX) :]
    if name == names.OPAQUE_MARKER:
        kind = OPAQUE
        member.path = parent
    elif name.startswith(names.METADATA_PREFIX):
        note("aufs-metadata", "AUFS metadata is left out of the filesystem", path)
        member.kind = METADATA
        return True
    elif target in (b"", b".", b".."):
        note("invalid-whiteout", "a whiteout that names no file is refused", path)
        return False
    else:
        kind = WHITEOUT
        member.path = parent + b"/" + target if parent else target
    if member.size or member.kind != FILE:
        note("odd-whiteout", "a whiteout is not an empty file, but still counts", path)
    member.kind = kind
    member.size = 0
    return True


def _overlay_marker(
    member: Member, note: Callable[[str, str, bytes | None], None]
) -> Member | None:
    """Recognize overlayfs's own whiteouts, which a bad export leaves in the tar.

    Returns the marker to add for an opaque directory.
    """
    extra = member.extra
    if extra is None:
        return None
    if member.kind == CHARACTER and extra.device == (0, 0):
        note(
            "overlay-whiteout",
            "a character device 0:0 is taken as overlayfs's own whiteout",
            member.path,
        )
        member.kind = WHITEOUT
    elif member.kind == DIRECTORY and any(
        key in _OVERLAY_OPAQUE and value == b"y" for key, value in extra.xattrs
    ):
        note("overlay-opaque", "an overlayfs attribute is taken as an opaque whiteout", member.path)
        return Member(member.path, OPAQUE, 0, member.data, member.owner, member.mtime)
    return None


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
