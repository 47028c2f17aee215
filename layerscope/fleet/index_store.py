"""The indexes of layers in a fleet's folder, one file each, so that no later scan reads a layer again."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from typing import Final

from layerscope.cache.kept import Kept, from_value
from layerscope.cache.sealed import seal, unseal
from layerscope.errors import OutputError
from layerscope.layers.compression import zstd
from layerscope.layers.index_bytes import VERSION
from layerscope.limits import GIB
from layerscope.newfile import new_file
from layerscope.system.flags import NO_LINK, READ
from layerscope.system.folder import Folder
from layerscope.system.positions import write_at

FOLDER: Final = "indexes"
_LEVEL: Final = 3
_MOST: Final = 4 * GIB


def layer_key(digest: str | None, diff_id: str | None) -> str:
    """The name of a layer: its blob's digest together with the diff_id that the image gives it.

    So a layer that one image describes falsely never replaces that of another image.
    """
    return hashlib.sha256(f"{digest} {diff_id}".encode()).hexdigest()


def pack(key: str, value: bytes) -> bytes:
    """The bytes of a file for the value of a layer's index."""
    return seal(key, bytes(zstd().compress(value, _LEVEL)))


def unpack(key: str, data: bytes) -> Kept | None:
    """The layer's index; None if the bytes are damaged or of another version."""
    packed = unseal(key, data)
    if packed is None:
        return None
    module = zstd()
    decompressor = module.ZstdDecompressor()
    try:
        value = decompressor.decompress(packed, _MOST)
    except (module.ZstdError, EOFError):
        return None
    return from_value(value) if decompressor.eof else None


class IndexStore:
    """The files of all indexes, by the layer's key."""

    def __init__(self, path: str) -> None:
        self.path = os.path.join(path, FOLDER, str(VERSION))

    def _place(self, key: str) -> str:
        return os.path.join(self.path, key[:2], key)

    def has(self, key: str) -> bool:
        return os.path.isfile(self._place(key))

    def read(self, key: str) -> bytes | None:
        """The file of a layer, or None. `unpack` checks it."""
        try:
            fd = os.open(self._place(key), READ | NO_LINK)
        except OSError:
            return None
        with open(fd, "rb") as file:
            return file.read()

    def remove(self, key: str) -> None:
        """Remove a file if it exists."""
        with suppress(OSError):
            os.unlink(self._place(key))

    def write(self, key: str, data: bytes) -> None:
        """Store a file whole or not at all. Raises `OutputError`."""
        place = self._place(key)
        try:
            os.makedirs(os.path.dirname(place), exist_ok=True)
            folder = Folder.at(os.path.dirname(place))
            try:
                with new_file(folder, key, mode=0o644, replace=True) as fd:
                    write_at(fd, data, 0)
            finally:
                folder.close()
        except OSError as error:
            raise OutputError(
                f"{place} cannot be written: {error.strerror}", hint="free some space"
            ) from None
