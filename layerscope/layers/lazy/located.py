"""Finds a layer's table of contents, and checks it against the digest in the manifest."""

from __future__ import annotations

import hashlib
import json
import re
from binascii import a2b_base64
from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Final

from layerscope.errors import DigestMismatch, FormatError, LimitExceeded
from layerscope.image.blob import StoredBlob
from layerscope.image.digest import Digest
from layerscope.layers.compression import Decompression
from layerscope.layers.header import BLOCK_SIZE, FIELDS, FieldError, is_header, number
from layerscope.layers.lazy.part import Held, read_part
from layerscope.layers.remainder import ESTARGZ_TOC
from layerscope.limits import Limits
from layerscope.records import dataclass

TOC_DIGEST: Final = "containerd.io/snapshot/stargz/toc.digest"
"""The annotation of an eStargz layer: the digest of the table's JSON."""
UNCOMPRESSED_SIZE: Final = "io.containers.estargz.uncompressed-size"
_CHUNKED: Final = ("io.github.containers.zstd-chunked.", "io.containers.zstd-chunked.")
"""Prefixes of the annotations on zstd:chunked layers: those of containers/storage, and of stargz-snapshotter."""
_FOOTERS: Final = (51, 47)
_TAIL: Final = 128 * 1024
"""Bytes at the end of an eStargz blob to request first: the footer, and often the whole table."""
_MARK: Final = re.compile(rb"([0-9a-f]{16})STARGZ")
_POSITION: Final = re.compile(
    r"([0-9]{1,18}):([0-9]{1,18}):([0-9]{1,18})(?::([0-9]{1,9}))?", re.ASCII
)
_FRAME_HEADER: Final = 8


class UnusableError(Exception):
    """The layer has no usable table. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """A table of contents as JSON. Contents end at byte `end` of the blob, which uses `compression`.

    `tar_size` is the size of the uncompressed tar, and `stored` the bytes that all files store. Each is None if unknown.
    """

    compression: str
    data: bytes = field(repr=False)
    end: int
    tar_size: int | None = None
    stored: int | None = None
    is_member: bool = False
    """Whether the table is in the tar, after the files."""
    taken: int = 0
    """The compressed bytes of the table, if it is a member."""


def has_table(annotations: Mapping[str, str]) -> bool:
    """Whether the manifest announces a table of contents with a digest."""
    return TOC_DIGEST in annotations or any(
        f"{each}manifest-checksum" in annotations for each in _CHUNKED
    )


def locate(blob: StoredBlob, annotations: Mapping[str, str], limits: Limits) -> Located:
    """The table of a layer.

    Raises `UnusableError`, `NoPartsError`, `DigestMismatch` if it is not the one that the manifest names, and
    `LimitExceeded`.
    """
    for prefix in _CHUNKED:
        if (
            f"{prefix}manifest-checksum" in annotations
            and f"{prefix}manifest-position" in annotations
        ):
            return _zstd_chunked(blob, annotations, prefix, limits)
    digest = annotations.get(TOC_DIGEST)
    if digest is None:
        raise UnusableError("it has no table of contents whose digest the manifest names")
    return _estargz(blob, annotations, digest, limits)


def _estargz(
    blob: StoredBlob, annotations: Mapping[str, str], digest: str, limits: Limits
) -> Located:
    """The table after the files: https://github.com/containerd/stargz-snapshotter/blob/main/docs/estargz.md."""
    count = min(blob.size, _TAIL)
    tail = read_part(blob, blob.size - count, count)
    offset = -1
    for size in _FOOTERS:
        match = _MARK.search(tail[-size:])
        if match is not None and tail[-size:].startswith(b"\x1f\x8b"):
            offset, footer = int(match[1], 16), size
            break
    else:
        raise UnusableError("it has no eStargz footer")
    length = blob.size - footer - offset
    if offset <= 0 or length <= 0:
        raise UnusableError("its eStargz footer points outside of the blob")
    _check_size(blob, length, limits)
    missing = blob.size - count - offset
    packed = read_part(blob, offset, missing) + tail if missing > 0 else tail[-missing or 0 :]
    found = _unpacked(blob, packed[:length], "gzip", limits.toc_bytes + 4 * BLOCK_SIZE)
    data = _only_member(found)
    _check_digest(blob, data, digest)
    unpacked = annotations.get(UNCOMPRESSED_SIZE, "")
    # The end marker is in the same gzip member as the table.
    tar_bytes = BLOCK_SIZE + (len(data) + BLOCK_SIZE - 1 & -BLOCK_SIZE)
    known = unpacked.isascii() and unpacked.isdigit() and len(unpacked) < 19
    return Located(
        compression="gzip",
        data=data,
        end=offset,
        tar_size=int(unpacked) if known else None,
        is_member=True,
        taken=length * tar_bytes // (tar_bytes + 2 * BLOCK_SIZE),
    )


def _only_member(tar: bytes) -> bytes:
    """The content of `stargz.index.json`, which is the first member of a tar."""
    header = tar[:BLOCK_SIZE]
    if not is_header(header):
        raise UnusableError("its table of contents is not in a tar")
    name, _, size, *_ = FIELDS.unpack(header)
    try:
        length = number(size)
    except FieldError:
        length = -1
    if name.partition(b"\0")[0] != ESTARGZ_TOC or not 0 <= length <= len(tar) - BLOCK_SIZE:
        raise UnusableError("its table of contents is cut short or has another name")
    return tar[BLOCK_SIZE : BLOCK_SIZE + length]


def _zstd_chunked(
    blob: StoredBlob, annotations: Mapping[str, str], prefix: str, limits: Limits
) -> Located:
    """The table in a skippable frame: containers/storage docs/containers-storage-zstd-chunked.md."""
    offset, length, unpacked, kind = _position(blob, annotations, f"{prefix}manifest-position")
    if kind != 1:
        raise UnusableError(f"its table of contents is of type {kind}, not 1")
    if offset <= _FRAME_HEADER:
        raise UnusableError("its table of contents is at the beginning of the blob")
    _check_size(blob, max(length, unpacked), limits)
    packed = read_part(blob, offset, length)
    _check_digest(blob, packed, annotations[f"{prefix}manifest-checksum"])
    data = _unpacked(blob, packed, "zstd", unpacked)
    if len(data) != unpacked:
        raise UnusableError(f"its table of contents has {len(data)} bytes, not {unpacked}")
    tar_size = stored = None
    split = _text(data, "tarSplitDigest")
    if split and f"{prefix}tarsplit-position" in annotations:
        tar_size, stored = _split_sums(blob, annotations, prefix, split, limits)
    return Located(
        compression="zstd",
        data=data,
        end=offset - _FRAME_HEADER,
        tar_size=tar_size,
        stored=stored,
    )


def _split_sums(
    blob: StoredBlob, annotations: Mapping[str, str], prefix: str, digest: str, limits: Limits
) -> tuple[int, int]:
    """The bytes of the tar and of all contents in it, from the tar-split data next to the table."""
    offset, length, unpacked, _ = _position(blob, annotations, f"{prefix}tarsplit-position")
    _check_size(blob, max(length, unpacked), limits)
    packed = read_part(blob, offset, length)
    _check_digest(blob, packed, digest)
    tar = stored = 0
    for line in _lines(blob, packed, limits):
        try:
            row = json.loads(line)
            if row["type"] == 1:
                size = int(row.get("size") or 0)
                stored += size
            else:
                size = len(a2b_base64(row["payload"] or ""))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise UnusableError("its tar-split data cannot be read") from None
        tar += size
    return tar, stored


def _lines(blob: StoredBlob, packed: bytes, limits: Limits) -> Iterator[bytes]:
    rest: list[bytes] = []
    total = 0
    for piece in Decompression(Held(blob.name, packed), "zstd", limits):
        total += len(piece)
        if total > limits.toc_bytes:
            raise _too_large(blob, total, limits)
        first, *others = piece.split(b"\n")
        rest.append(first)
        if others:
            yield b"".join(rest)
            last = others.pop()
            yield from others
            rest = [last]
    if any(rest):
        yield b"".join(rest)


def _position(
    blob: StoredBlob, annotations: Mapping[str, str], key: str
) -> tuple[int, int, int, int]:
    """The offset, stored length, unpacked length, and type that an annotation specifies."""
    match = _POSITION.fullmatch(annotations[key])
    if match is None:
        raise UnusableError(f"the annotation {key} is not a position")
    offset, length, unpacked = int(match[1]), int(match[2]), int(match[3])
    if not length or offset + length > blob.size:
        raise UnusableError(f"the annotation {key} points outside of the blob")
    return offset, length, unpacked, int(match[4] or 0)


def _text(data: bytes, key: str) -> str:
    """A string without escapes in the table's outermost object; empty if there is none."""
    match = re.search(rb'"%s"\s*:\s*"([a-z0-9]{1,32}:[0-9a-f]{32,128})"' % key.encode(), data)
    return "" if match is None else match[1].decode()


def _unpacked(blob: StoredBlob, packed: bytes, compression: str, most: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    try:
        for piece in Decompression(Held(blob.name, packed), compression, Limits()):
            parts.append(piece)
            total += len(piece)
            if total > most:
                raise UnusableError(f"its table of contents has more than {most} bytes")
    except LimitExceeded:
        raise
    except FormatError as error:
        raise UnusableError(f"its table of contents cannot be unpacked: {error.message}") from None
    return b"".join(parts)


def _check_digest(blob: StoredBlob, data: bytes, digest: str) -> None:
    """Raise `DigestMismatch` if the table is not the one that the manifest names."""
    expected = Digest.parse(digest, f"{blob.name}: the digest of the table of contents")
    found = hashlib.new(expected.algorithm, data).hexdigest()
    if found != expected.hex:
        raise DigestMismatch(
            f"{blob.name}: the table of contents has the digest {expected.algorithm}:{found}, the image"
            f" names {expected}",
            hint="read the image without --lazy, or push it again",
        )


def _check_size(blob: StoredBlob, size: int, limits: Limits) -> None:
    if size > limits.toc_bytes:
        raise _too_large(blob, size, limits)


def _too_large(blob: StoredBlob, size: int, limits: Limits) -> LimitExceeded:
    return LimitExceeded(
        f"{blob.name}: the table of contents has {size} bytes, over the {limits.toc_bytes} allowed",
        hint="raise --limit toc_bytes=N, or leave --lazy out",
    )
