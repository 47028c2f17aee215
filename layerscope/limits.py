"""Limits on what an untrusted image may cost."""

from __future__ import annotations

from typing import Literal

from layerscope.errors import LimitExceeded
from layerscope.records import dataclass

DocumentLimit = Literal["manifest_bytes", "config_bytes", "index_bytes", "attestation_bytes"]

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB
ZSTD_WINDOW_LOGS = range(10, 32)
"""What the limit `zstd_window_log` can be."""


class Bound(int):
    """A limit's value that knows the limit's name, so that an error about a document can tell it."""

    limit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Upper bounds, in bytes unless noted. Anything above one is refused with `LimitExceeded`."""

    manifest_bytes: int = 4 * MIB
    """One manifest or manifest.json document."""
    config_bytes: int = 4 * MIB
    """One image config; Podman's and skopeo's own limit."""
    index_bytes: int = 20 * MIB
    """One index.json or image index."""
    attestation_bytes: int = 40 * MIB
    """One in-toto statement; BuildKit's own limit."""
    toc_bytes: int = 256 * MIB
    """The table of contents of one eStargz or zstd:chunked layer, stored or uncompressed."""
    database_bytes: int = 64 * MIB
    """Compressed bytes of one layer to fetch for its package databases with `--lazy`. Above this, packages are unknown."""
    spool_bytes: int = 16 * GIB
    """Copies of a registry's blobs in hidden files, all together, which looking into their files takes."""
    json_depth: int = 200
    """Nesting depth of a JSON document."""
    index_depth: int = 8
    """Indexes inside indexes."""
    layers: int = 1024
    """Layers of one image (engines mount at most 128)."""
    history: int = 30_000
    """Entries in the history of one image."""
    members: int = 20_000_000
    """Tar members in all layers of an image."""
    archive_members: int = 1_000_000
    """Members of the outer archive."""
    header_bytes: int = MIB
    """PAX and GNU long-name data before one member."""
    pending_headers: int = 16
    """Extension headers stacked before one member."""
    path_bytes: int = 64 * KIB
    """One path or link name."""
    sparse_extents: int = 1_000_000
    """Data regions of one sparse file."""
    extra_bytes: int = 224 * MIB
    """Memory for what all layers of an image keep from extension headers (long names and links, attributes, sparse
    maps) and of package databases."""
    duplicate_bytes: int = GIB
    """Content of uncompressed layers that is read to find duplicates. What is beyond it is not compared, and a note says
    so."""
    implied_bytes: int = 256 * MIB
    """Memory for directories that no tar member describes, their paths included."""
    path_depth: int = 16_384
    """Levels of one path."""
    repeated_members: int = 2_000_000
    """Members in layers that an image names more than once, not counting the first time."""
    ratio: int = 1100
    """Uncompressed bytes per compressed byte, checked after `ratio_from` bytes (deflate can't exceed 1,032)."""
    ratio_from: int = 512 * MIB
    """Uncompressed bytes that a layer may have before `ratio` applies."""
    frames: int = 250_000
    """Zstd frames, or xz or bzip2 streams, of a layer. Above this, they must average at least 128 bytes."""
    spool_ratio: int = 250
    """The same for a whole compressed archive, which has to be spooled."""
    spool_ratio_from: int = 64 * MIB
    """Uncompressed bytes that a compressed archive may have before `spool_ratio` applies."""
    report_bytes: int = 16 * MIB
    """Text of a saved report besides the entries of its layers. One value, or one entry, has at most a quarter of it."""
    report_values: int = 1_000_000
    """Values of a saved report besides the entries of its layers."""
    secret_file_bytes: int = 64 * MIB
    """A text file that is searched for secrets; a larger one is reported as not searched."""
    zstd_window_log: int = 27
    """Binary logarithm of the largest zstd window (128 MiB). xz may take twice as much."""

    def bound(self, limit: DocumentLimit) -> Bound:
        """The bound for a document."""
        bound = Bound(getattr(self, limit))
        bound.limit = limit
        return bound


def too_large(name: str, size: int | None, most: int) -> LimitExceeded:
    """The error for a document of `size` bytes, if that is known, where `most` are allowed."""
    has = f"more than the {most} bytes allowed"
    if size is not None:
        has = f"{size} bytes, more than the {most} allowed"
    return LimitExceeded(f"{name} has {has}", limit=most.limit if isinstance(most, Bound) else None)


DEFAULT_LIMITS = Limits()
