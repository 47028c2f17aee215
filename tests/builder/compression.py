"""Compresses a layer's tar in each form that registries and builders store."""

from __future__ import annotations

import bz2
import gzip
import lzma
import struct
import sys
from collections.abc import Callable, Mapping

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

SKIPPABLE = 0x184D2A50


def gzip_one(data: bytes) -> bytes:
    return gzip.compress(data, 6, mtime=0)


def gzip_members(data: bytes, step: int = 700) -> bytes:
    """Several gzip members, one of them empty."""
    parts = [data[at : at + step] for at in range(0, len(data), step)]
    parts.insert(1, b"")
    return b"".join(map(gzip_one, parts))


def zstd_one(data: bytes) -> bytes:
    return bytes(zstd.compress(data))


def skippable(data: bytes, number: int = 0) -> bytes:
    return struct.pack("<II", SKIPPABLE + number, len(data)) + data


def zstd_frames(data: bytes, step: int = 900) -> bytes:
    """Like zstd:chunked: several frames, then skippable ones with a table and a footer."""
    frames = [zstd_one(data[at : at + step]) for at in range(0, len(data), step)]
    frames.insert(1, skippable(b"between the frames", 7))
    return b"".join(frames) + skippable(b'{"version":1,"entries":[]}') + skippable(bytes(64))


def xz(data: bytes) -> bytes:
    return lzma.compress(data)


def bzip2(data: bytes) -> bytes:
    return bz2.compress(data)


def none(data: bytes) -> bytes:
    return data


COMPRESSIONS: Mapping[str, Callable[[bytes], bytes]] = {
    "none": none,
    "gzip": gzip_one,
    "gzip-members": gzip_members,
    "zstd": zstd_one,
    "zstd-frames": zstd_frames,
    "xz": xz,
    "bzip2": bzip2,
}
SUFFIX: Mapping[str, str] = {
    "none": "",
    "gzip": "+gzip",
    "gzip-members": "+gzip",
    "zstd": "+zstd",
    "zstd-frames": "+zstd",
    "xz": "+xz",
    "bzip2": "+bzip2",
}


def footer(toc_offset: int) -> bytes:
    """The empty 51-byte gzip member whose extra field says where the table starts."""
    extra = b"SG" + struct.pack("<H", 22) + b"%016xSTARGZ" % toc_offset
    head = b"\x1f\x8b\x08\x04" + bytes(4) + b"\x00\xff" + struct.pack("<H", len(extra)) + extra
    return head + b"\x01\x00\x00\xff\xff" + bytes(8)
