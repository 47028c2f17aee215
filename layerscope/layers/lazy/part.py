"""A range of a blob, fetched on its own."""

from __future__ import annotations

from dataclasses import field
from typing import Final, Protocol, runtime_checkable

from layerscope.errors import FormatError
from layerscope.image.blob import StoredBlob
from layerscope.image.wrapped_blob import WrappedBlob
from layerscope.records import dataclass

_WINDOW: Final = 4 * 1024 * 1024
"""The most bytes to ask for at a time."""


class NoPartsError(Exception):
    """The host only sends whole blobs."""


@runtime_checkable
class HasParts(Protocol):
    """A blob on another host that can send any range of its bytes."""

    def read_part(self, position: int, count: int) -> bytes:
        """Exactly `count` bytes from `position`, and no others. Raises `NoPartsError` and `SourceUnavailable`."""


def read_part(blob: StoredBlob, position: int, count: int) -> bytes:
    """Exactly `count` bytes of a blob, without reading others. Raises `NoPartsError` and `FormatError`."""
    if isinstance(blob, HasParts):
        return blob.read_part(position, count)
    data = blob.read_at(position, count)
    if len(data) != count:
        raise FormatError(f"{blob.name} ends after {position + len(data)} bytes")
    return data


class Part(WrappedBlob):
    """`size` bytes of `blob` from `offset`, as a blob. Reads forward a few megabytes at a time."""

    def __init__(self, blob: StoredBlob, offset: int, size: int) -> None:
        super().__init__(blob)
        self.offset = offset
        self.size = size
        self._start = 0
        self._data = b""

    @property
    def key(self) -> tuple[int, int, int]:
        return id(self), 0, self.size

    def read_at(self, position: int, count: int) -> bytes:
        """At most `count` bytes from `position`; fewer only at the end."""
        count = min(count, self.size - position)
        if count <= 0:
            return b""
        offset = position - self._start
        if offset < 0 or offset + count > len(self._data):
            wanted = min(max(count, _WINDOW), self.size - position)
            self._data = read_part(self.blob, self.offset + position, wanted)
            self._start, offset = position, 0
        return self._data[offset : offset + count]


@dataclass(frozen=True, slots=True)
class Held:
    """Bytes in memory as a blob."""

    name: str
    data: bytes = field(repr=False)

    @property
    def size(self) -> int:
        return len(self.data)

    @property
    def key(self) -> tuple[int, int, int]:
        return id(self), 0, len(self.data)

    @property
    def closed(self) -> bool:
        return False

    def check_unchanged(self) -> None:
        """Do nothing: bytes in memory can't change."""

    def read_at(self, position: int, count: int) -> bytes:
        return self.data[position : position + count]
