"""Layers with a table of contents, as stargz-snapshotter (eStargz) and containers/storage (zstd:chunked) write them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.builder.compression import footer, gzip_one, skippable, zstd_one
from tests.builder.nodes import File
from tests.builder.tar import END, member

TYPES = {
    tarfile.REGTYPE: "reg",
    tarfile.AREGTYPE: "reg",
    tarfile.DIRTYPE: "dir",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block",
    tarfile.FIFOTYPE: "fifo",
}
CHUNKED = "io.github.containers.zstd-chunked."


@dataclass(frozen=True)
class Chunked:
    """A layer's uncompressed tar, its blob, and the annotations of its descriptor."""

    tar: bytes
    blob: bytes
    annotations: dict[str, str]
    table: bytes = field(repr=False, default=b"")


def estargz(
    tar: bytes,
    *,
    chunk: int = 4 << 20,
    shared: int = 0,
    keep_end: bool = False,
    with_size: bool = True,
    edit: Callable[[list[dict[str, Any]]], object] | None = None,
) -> Chunked:
    """One gzip member for each chunk of content, with what follows it.

    `shared` is the size that a gzip member has at least, so that small files share one. `keep_end` leaves the end marker
    in front of the table and no landmark, as BuildKit does. `edit` changes the table's entries.
    """
    landmark = member(".no.prefetch.landmark", File(b"\x0f"))
    body = tar if keep_end else landmark + without_end(tar)
    blob, entries = packed(body, gzip_one, chunk, shared)
    if edit is not None:
        edit(entries)
    table = json.dumps({"version": 1, "entries": entries}, indent="\t").encode()
    last = member("stargz.index.json", File(table, mode=0)) + END
    annotations = {
        "containerd.io/snapshot/stargz/toc.digest": "sha256:" + hashlib.sha256(table).hexdigest()
    }
    if with_size:
        annotations["io.containers.estargz.uncompressed-size"] = str(len(body) + len(last))
    return Chunked(body + last, blob + gzip_one(last) + footer(len(blob)), annotations, table)


def zstd_chunked(
    tar: bytes,
    *,
    chunk: int = 64 << 10,
    split: bool = True,
    prefix: str = CHUNKED,
    edit: Callable[[list[dict[str, Any]]], object] | None = None,
) -> Chunked:
    """One zstd frame for each chunk of content, and skippable frames with the table, the tar-split data, and a footer."""
    blob, entries = packed(tar, zstd_one, chunk, 0, zstd=True)
    if edit is not None:
        edit(entries)
    document: dict[str, Any] = {"version": 1, "entries": entries}
    lines = zstd_one(tar_split(tar)) if split else b""
    if split:
        document["tarSplitDigest"] = "sha256:" + hashlib.sha256(lines).hexdigest()
    table = json.dumps(document).encode()
    stored = zstd_one(table)
    annotations = {
        f"{prefix}manifest-checksum": "sha256:" + hashlib.sha256(stored).hexdigest(),
        f"{prefix}manifest-position": f"{len(blob) + 8}:{len(stored)}:{len(table)}:1",
    }
    blob += skippable(stored)
    if split:
        annotations[f"{prefix}tarsplit-position"] = (
            f"{len(blob) + 8}:{len(lines)}:{len(tar_split(tar))}"
        )
        blob += skippable(lines)
    blob += skippable(bytes(56) + b"GNUlInUx")
    return Chunked(tar, blob, annotations, table)


def without_end(tar: bytes) -> bytes:
    """The members, without table and footer."""
    return tar[: max((end for *_, end in members_of(tar)), default=0)]


def members_of(tar: bytes) -> Iterator[tuple[tarfile.TarInfo, int, int]]:
    """Each member with the offsets where its content begins and where the next header does."""
    with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
        for info in archive:
            size = info.size if info.isreg() else 0
            yield info, info.offset_data, info.offset_data + size + -size % 512


def packed(
    tar: bytes,
    compress: Callable[[bytes], bytes],
    chunk: int,
    shared: int,
    *,
    zstd: bool = False,
) -> tuple[bytes, list[dict[str, Any]]]:
    """The compressed tar, and the entries of its table."""
    blob = bytearray()
    entries: list[dict[str, Any]] = []
    waiting = bytearray()
    position = 0
    for info, start, end in members_of(tar):
        entry = described(info)
        entries.append(entry)
        size = info.size if info.isreg() else 0
        waiting += tar[position:start]
        position = start
        data = tar[start : start + size]
        if size:
            entry["digest"] = "sha256:" + hashlib.sha256(data).hexdigest()
        for at in range(0, size, chunk):
            part = data[at : at + chunk]
            row: dict[str, Any] = entry if at == 0 else {"type": "chunk", "name": info.name}
            if at:
                entries.append(row)
            if len(waiting) >= shared or not blob:
                blob += compress(bytes(waiting)) if waiting else b""
                waiting = bytearray()
            row["offset"] = len(blob)
            if waiting:
                row["innerOffset"] = len(waiting)
            if at:
                row["chunkOffset"] = at
            if len(data) > chunk or not zstd:
                row["chunkDigest"] = "sha256:" + hashlib.sha256(part).hexdigest()
            if len(data) > chunk and (zstd or at + chunk < size):
                row["chunkSize"] = len(part)
            if zstd and not part.strip(b"\0") and len(data) > chunk:
                row["chunkType"] = "zeros"
            waiting += part
            if zstd:
                blob += compress(bytes(waiting))
                waiting = bytearray()
        if zstd and size:
            entry["endOffset"] = len(blob)
        position += size
        waiting += tar[position:end]
        position = end
    waiting += tar[position:]
    blob += compress(bytes(waiting))
    return bytes(blob), entries


def described(info: tarfile.TarInfo) -> dict[str, Any]:
    """The table's facts about a member, without the location of its content."""
    entry: dict[str, Any] = {
        "type": TYPES[info.type],
        "name": info.name + ("/" if info.isdir() else ""),
        "mode": info.mode,
        "uid": info.uid,
        "gid": info.gid,
    }
    if info.mtime:
        entry["modtime"] = (
            datetime.fromtimestamp(int(info.mtime), UTC).isoformat().replace("+00:00", "Z")
        )
    if info.isreg():
        entry["size"] = info.size
    if info.linkname:
        entry["linkName"] = info.linkname
    if info.isdev() and not info.isfifo():
        entry |= {"devMajor": info.devmajor, "devMinor": info.devminor}
    xattrs = {
        key.removeprefix("SCHILY.xattr."): base64.b64encode(
            value.encode("utf-8", "surrogateescape")
        ).decode()
        for key, value in info.pax_headers.items()
        if key.startswith("SCHILY.xattr.")
    }
    if xattrs:
        entry["xattrs"] = xattrs
    return {key: value for key, value in entry.items() if value}


def tar_split(tar: bytes) -> bytes:
    """The tar without its contents, as github.com/vbatts/tar-split keeps it."""
    rows: list[dict[str, Any]] = []
    position = 0
    for info, start, _ in members_of(tar):
        size = info.size if info.isreg() else 0
        rows.append({"type": 2, "payload": base64.b64encode(tar[position:start]).decode()})
        rows.append(
            {"type": 1, "name": info.name, "size": size, "payload": _crc() if size else None}
        )
        position = start + size
    rows.append({"type": 2, "payload": base64.b64encode(tar[position:]).decode()})
    for number, row in enumerate(rows):
        row["position"] = number
    lines = [json.dumps(row, separators=(",", ":"), ensure_ascii=False) + "\n" for row in rows]
    return "".join(lines).encode("utf-8", "surrogateescape")


def _crc() -> str:
    return base64.b64encode(struct.pack(">Q", 0)).decode()
