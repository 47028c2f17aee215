"""Content digests: opencontainers/image-spec descriptor.md."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from layerscope.errors import FormatError
from layerscope.records import dataclass

if TYPE_CHECKING:
    from hashlib import _Hash

_HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}
_PATTERN = re.compile(r"([a-z0-9]+(?:[+._-][a-z0-9]+)*):([a-f0-9]+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Digest:
    """A parsed digest: a known algorithm and lowercase hex of the right length, so it is safe in paths and URLs."""

    algorithm: str
    hex: str

    @classmethod
    def parse(cls, text: str, context: str = "digest") -> Digest:
        """Read `sha256:…`; raises `FormatError`, naming `context`, for anything else."""
        match = _PATTERN.fullmatch(text)
        if match is None or len(match[2]) != _HEX_LENGTH.get(match[1]):
            raise FormatError(f"{context}: {text[:80]!r} is not a digest")
        return cls(match[1], match[2])

    @classmethod
    def of(cls, data: bytes, algorithm: str = "sha256") -> Digest:
        return cls(algorithm, hashlib.new(algorithm, data).hexdigest())

    def hasher(self) -> _Hash:
        """A new hash object for this digest's algorithm."""
        return hashlib.new(self.algorithm)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"
