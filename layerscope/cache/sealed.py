"""The file format of a cached value: the value, its key, and a checksum over both."""

from __future__ import annotations

from typing import Final

import xxhash

MAGIC: Final = b"layerscope cache 1\n"
_SUM: Final = 16
_KEY: Final = 2
_HEAD: Final = len(MAGIC) + _SUM + _KEY


def seal(key: str, value: bytes) -> bytes:
    """The bytes of the file that stores `value` under `key`."""
    name = key.encode()
    body = len(name).to_bytes(_KEY, "little") + name + value
    return MAGIC + xxhash.xxh3_128_digest(body) + body


def unseal(key: str, data: bytes) -> bytes | None:
    """The value, or None if the bytes are damaged, or have another version or key."""
    name = key.encode()
    begin = len(MAGIC) + _SUM
    body = memoryview(data)[begin:]
    if (
        len(data) < _HEAD + len(name)
        or not data.startswith(MAGIC)
        or data[begin:_HEAD] != len(name).to_bytes(_KEY, "little")
        or data[_HEAD : _HEAD + len(name)] != name
        or xxhash.xxh3_128_digest(body) != data[len(MAGIC) : begin]
    ):
        return None
    return data[_HEAD + len(name) :]
