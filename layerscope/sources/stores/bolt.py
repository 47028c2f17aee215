"""Reads a bbolt database (go.etcd.io/bbolt): nested buckets of sorted keys in a B+ tree of pages, without a lock.

A transaction writes changed pages to free places and then one of two meta pages. The valid one with the higher number
names the root of the tree. Later transactions may overwrite pages that the tree no longer uses, so what was read counts
only if no transaction ended meanwhile. `unchanged` checks that.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final

from layerscope.errors import FormatError
from layerscope.image.blob import Blob
from layerscope.limits import MIB
from layerscope.records import dataclass

_HEADER: Final = Struct("<QHHI")
_META: Final = Struct("<IIIIQQQQQQ")
_BRANCH: Final = Struct("<IIQ")
_LEAF: Final = Struct("<IIII")
_BUCKET: Final = Struct("<QQ")
_MAGIC, _VERSION = 0xED0CDAED, 2
_IS_BRANCH, _IS_LEAF = 1, 2
_HOLDS_BUCKET: Final = 1
_SIZES: Final = tuple(1 << power for power in range(9, 17))
"""The sizes that a page can have: those of a system's memory pages, and smaller."""
_DEEPEST: Final = 32
_LARGEST: Final = 64 * MIB
_FNV_BASIS, _FNV_PRIME, _WORD = 0xCBF29CE484222325, 0x100000001B3, (1 << 64) - 1


def fnv(data: bytes) -> int:
    """FNV-1a with 64 bits."""
    value = _FNV_BASIS
    for byte in data:
        value = (value ^ byte) * _FNV_PRIME & _WORD
    return value


@dataclass(frozen=True, slots=True)
class _Meta:
    page_size: int
    root: int
    pages: int
    transaction: int


class Bolt:
    """One state of a database. Raises `FormatError` for a file that isn't a bbolt database of version 2."""

    def __init__(self, blob: Blob) -> None:
        self._blob = blob
        self._meta = self._newest()

    def unchanged(self) -> bool:
        """Whether no transaction ended since the database was opened."""
        return self._newest() == self._meta

    def root(self) -> Bucket:
        return Bucket(self, self._meta.root, None)

    def _newest(self) -> _Meta:
        first = self._read_meta(0)
        sizes = (first.page_size,) if first is not None else _SIZES
        found = [first, *(self._read_meta(size) for size in sizes)]
        metas = [meta for meta in found if meta is not None]
        if not metas:
            raise self.wrong("it has no valid meta page")
        return max(metas, key=lambda meta: meta.transaction)

    def _read_meta(self, position: int) -> _Meta | None:
        data = self._blob.read_at(position + _HEADER.size, _META.size)
        if len(data) < _META.size:
            return None
        fields = _META.unpack(data)
        magic, version, page_size, _, root, _, _, pages, transaction, checksum = fields
        if (magic, version) != (_MAGIC, _VERSION) or page_size not in _SIZES:
            return None
        if fnv(data[:-8]) != checksum or (position and position != page_size):
            return None
        return _Meta(page_size, root, pages, transaction)

    def page(self, number: int) -> bytes:
        """A page with those that continue it."""
        meta = self._meta
        if not 1 < number < meta.pages:
            raise self.wrong(f"there is no page {number}")
        position = number * meta.page_size
        head = self._blob.read_at(position, _HEADER.size)
        if len(head) < _HEADER.size:
            raise self.wrong(f"page {number} is cut short")
        own, _, _, overflow = _HEADER.unpack(head)
        size = (overflow + 1) * meta.page_size
        if own != number or size > _LARGEST:
            raise self.wrong(f"page {number} is not where it should be")
        data = self._blob.read_at(position, size)
        if len(data) < size:
            raise self.wrong(f"page {number} is cut short")
        return data

    def wrong(self, what: str) -> FormatError:
        return FormatError(f"{self._blob.name}: not a database that layerscope can read: {what}")


class Bucket:
    """Sorted keys, each with a value or with a bucket. A small one is `inline` in the value of its key."""

    def __init__(self, bolt: Bolt, page: int, inline: bytes | None) -> None:
        self._bolt = bolt
        self._page = page
        self._inline = inline

    def bucket(self, key: bytes) -> Bucket | None:
        found = self._find(key)
        return None if found is None or not found[0] else self._nested(found[1])

    def value(self, key: bytes) -> bytes | None:
        found = self._find(key)
        return None if found is None or found[0] else found[1]

    def buckets(self) -> Iterator[tuple[bytes, Bucket]]:
        """All buckets in this one, with their keys."""
        for key, is_bucket, value in self._walk(self._first(), 0):
            if is_bucket:
                yield key, self._nested(value)

    def _nested(self, value: bytes) -> Bucket:
        if len(value) < _BUCKET.size:
            raise self._bolt.wrong("a bucket is cut short")
        page, _ = _BUCKET.unpack_from(value)
        return Bucket(self._bolt, page, None if page else value[_BUCKET.size :])

    def _first(self) -> bytes:
        return self._bolt.page(self._page) if self._inline is None else self._inline

    def _find(self, key: bytes) -> tuple[bool, bytes] | None:
        page = self._first()
        for _ in range(_DEEPEST):
            if self._is_leaf(page):
                for own, is_bucket, value in self._leaves(page):
                    if own == key:
                        return is_bucket, value
                return None
            below = None
            for own, number in self._branches(page):
                if below is not None and own > key:
                    break
                below = number
            if below is None:
                return None
            page = self._bolt.page(below)
        raise self._bolt.wrong("its tree is too deep")

    def _walk(self, page: bytes, depth: int) -> Iterator[tuple[bytes, bool, bytes]]:
        if depth > _DEEPEST:
            raise self._bolt.wrong("its tree is too deep")
        if self._is_leaf(page):
            yield from self._leaves(page)
            return
        for _, number in self._branches(page):
            yield from self._walk(self._bolt.page(number), depth + 1)

    def _is_leaf(self, page: bytes) -> bool:
        if len(page) < _HEADER.size:
            raise self._bolt.wrong("a page is cut short")
        kind = _HEADER.unpack_from(page)[1]
        if kind not in (_IS_BRANCH, _IS_LEAF):
            raise self._bolt.wrong(f"its tree has a page of kind {kind}")
        return bool(kind == _IS_LEAF)

    def _leaves(self, page: bytes) -> Iterator[tuple[bytes, bool, bytes]]:
        for at in self._elements(page):
            flags, offset, key, value = _LEAF.unpack_from(page, at)
            start = at + offset
            if start + key + value > len(page):
                raise self._bolt.wrong("a value reaches past its page")
            middle = start + key
            yield page[start:middle], bool(flags & _HOLDS_BUCKET), page[middle : middle + value]

    def _branches(self, page: bytes) -> Iterator[tuple[bytes, int]]:
        for at in self._elements(page):
            offset, key, number = _BRANCH.unpack_from(page, at)
            start = at + offset
            if start + key > len(page):
                raise self._bolt.wrong("a key reaches past its page")
            yield page[start : start + key], number

    def _elements(self, page: bytes) -> range:
        count = _HEADER.unpack_from(page)[2]
        end = _HEADER.size + count * _LEAF.size
        if end > len(page):
            raise self._bolt.wrong("a page has more keys than it has room for")
        return range(_HEADER.size, end, _LEAF.size)
