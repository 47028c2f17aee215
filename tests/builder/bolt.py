"""Writes bbolt databases, from the format's description: nested dicts of bytes become buckets."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import TypeAlias

Tree: TypeAlias = Mapping[bytes, "bytes | Tree"]
PAGE = 4096


def fnv1a(data: bytes) -> int:
    value = 0xCBF29CE484222325
    for byte in data:
        value = ((value ^ byte) * 0x100000001B3) % (1 << 64)
    return value


def meta(number: int, root: int, pages: int, transaction: int) -> bytes:
    """A meta page; `root` is the page of the outermost bucket."""
    body = struct.pack("<IIIIQQQQQ", 0xED0CDAED, 2, PAGE, 0, root, 0, 2, pages, transaction)
    header = struct.pack("<QHHI", number, 4, 0, 0)
    return (header + body + struct.pack("<Q", fnv1a(body))).ljust(PAGE, b"\0")


class Writer:
    """`leaf_keys` is how many keys a leaf may have before it is split below a branch page."""

    def __init__(self, leaf_keys: int = 16, inline: bool = True) -> None:
        self.leaf_keys = leaf_keys
        self.inline = inline
        self.pages: dict[int, bytes] = {2: struct.pack("<QHHI", 2, 0x10, 0, 0).ljust(PAGE, b"\0")}
        self.next = 3

    def write(self, tree: Tree, transaction: int = 7) -> bytes:
        root = self.bucket(tree)
        newer = meta(transaction % 2, root, self.next, transaction)
        older = meta(1 - transaction % 2, 2, self.next, transaction - 1)
        metas = newer + older if transaction % 2 == 0 else older + newer
        return metas + b"".join(self.pages[number] for number in sorted(self.pages))

    def bucket(self, tree: Tree) -> int:
        """Write a bucket, and return its page."""
        items = sorted(tree.items())
        if len(items) <= self.leaf_keys:
            return self.page(2, self.leaf(items))
        below = []
        for start in range(0, len(items), self.leaf_keys):
            part = items[start : start + self.leaf_keys]
            below.append((part[0][0], self.page(2, self.leaf(part))))
        return self.page(1, self.branch(below))

    def leaf(self, items: list[tuple[bytes, bytes | Tree]]) -> tuple[int, bytes]:
        elements, data = b"", b""
        for number, (key, value) in enumerate(items):
            flags = 0 if isinstance(value, bytes) else 1
            stored = value if isinstance(value, bytes) else self.nested(value)
            offset = (len(items) - number) * 16 + len(data)
            elements += struct.pack("<IIII", flags, offset, len(key), len(stored))
            data += key + stored
        return len(items), elements + data

    def nested(self, tree: Tree) -> bytes:
        if self.inline and all(isinstance(value, bytes) for value in tree.values()):
            count, body = self.leaf(sorted(tree.items()))
            return struct.pack("<QQ", 0, 0) + struct.pack("<QHHI", 0, 2, count, 0) + body
        return struct.pack("<QQ", self.bucket(tree), 0)

    def branch(self, below: list[tuple[bytes, int]]) -> tuple[int, bytes]:
        elements, data = b"", b""
        for number, (key, page) in enumerate(below):
            offset = (len(below) - number) * 16 + len(data)
            elements += struct.pack("<IIQ", offset, len(key), page)
            data += key
        return len(below), elements + data

    def page(self, flags: int, content: tuple[int, bytes]) -> int:
        count, body = content
        size = 16 + len(body)
        overflow = (size - 1) // PAGE
        number, self.next = self.next, self.next + overflow + 1
        header = struct.pack("<QHHI", number, flags, count, overflow)
        self.pages[number] = (header + body).ljust((overflow + 1) * PAGE, b"\0")
        return number
