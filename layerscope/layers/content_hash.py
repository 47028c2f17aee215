"""The hash of a file's content: SHA-256.

It decides whether two files hold the same bytes, and an image must not be able to make two different files look equal.
A fast hash such as XXH3 can't promise that: collisions of it are easy to construct. SHA-256 is also what tables of
contents (eStargz, zstd:chunked) have per file, and what `sha256sum` prints.
"""

from __future__ import annotations

import hashlib
from typing import Final

HASH_BYTES: Final = 32
"""Length of a content hash."""
HASH_NAME: Final = "sha256"

hasher = hashlib.sha256
"""Begins a hash of content that is not in memory at once."""


def digest(data: bytes | bytearray | memoryview) -> bytes:
    """The hash of content that is in memory."""
    return hashlib.sha256(data).digest()
