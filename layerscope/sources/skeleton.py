"""An archive without the contents of its layers. Everything else is in place, and the layers are holes.

Reading anything but the layers gives the same result from the skeleton as from the archive.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from layerscope.errors import FormatError
from layerscope.image.blob import Blob, OpenFile
from layerscope.layers.header import BLOCK_SIZE
from layerscope.limits import MIB
from layerscope.records import dataclass
from layerscope.sources.temporary import no_room, temporary_file, write_all

HEAD: Final = BLOCK_SIZE
"""The number of bytes kept of each layer, to recognize its compression."""
MOST: Final = 16 * MIB
"""The most bytes in a skeleton. An archive with more data besides its layers has none."""
_NUMBERS: Final = struct.Struct("<QQ")


@dataclass(frozen=True, slots=True)
class Skeleton:
    """The size of the archive, and the parts that are kept, each with its offset."""

    size: int
    parts: tuple[tuple[int, bytes], ...]

    @classmethod
    def of(cls, file: OpenFile, layers: Iterable[tuple[int, int]]) -> Skeleton | None:
        """The skeleton of an open archive; None if it has too much data besides these layers, given by offset and size."""
        ranges = list(_between(file.size, layers))
        if sum(end - begin for begin, end in ranges) > MOST:
            return None
        whole = Blob(file, 0, file.size, file.name)
        parts = [(begin, whole.read_at(begin, end - begin)) for begin, end in ranges]
        file.check_unchanged()
        return cls(file.size, tuple(parts))

    def open(self, name: str) -> OpenFile:
        """An unnamed file that is like the archive, except for the holes. Raises `OutputError` if there is no room."""
        with temporary_file(name) as file:
            try:
                os.ftruncate(file.fileno(), self.size)
                for offset, data in self.parts:
                    os.lseek(file.fileno(), offset, os.SEEK_SET)
                    write_all(file.fileno(), data)
            except OSError as error:
                raise no_room(name, 0, error) from None
            return OpenFile(os.dup(file.fileno()), name)

    def to_bytes(self) -> bytes:
        """The skeleton as bytes. `from_bytes` makes an equal one of them."""
        rows = [_NUMBERS.pack(offset, len(data)) + data for offset, data in self.parts]
        return _NUMBERS.pack(self.size, len(rows)) + zlib.compress(b"".join(rows), 1)

    @classmethod
    def from_bytes(cls, data: bytes) -> Skeleton:
        """Read what `to_bytes` wrote. Raises `FormatError` for anything else."""
        try:
            size, count = _NUMBERS.unpack_from(data)
            unpacker = zlib.decompressobj()
            rows = unpacker.decompress(data[_NUMBERS.size :], MOST + count * _NUMBERS.size + 1)
            parts = tuple(_parts(rows, count, size))
        except (ValueError, zlib.error, struct.error) as error:
            raise FormatError(f"the skeleton is malformed ({error})") from None
        return cls(size, parts)


def _between(size: int, layers: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The ranges outside layers, and the start of each layer."""
    begin = 0
    for offset, count in sorted(set(layers)):
        if count > HEAD and offset + HEAD > begin:
            yield begin, offset + HEAD
            begin = offset + count
    if begin < size:
        yield begin, size


def _parts(rows: bytes, count: int, size: int) -> Iterator[tuple[int, bytes]]:
    at = 0
    for _ in range(count):
        offset, length = _NUMBERS.unpack_from(rows, at)
        at += _NUMBERS.size
        if at + length > len(rows) or offset + length > size:
            raise ValueError("a part that is cut short")
        yield offset, rows[at : at + length]
        at += length
