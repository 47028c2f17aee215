"""The index of one layer: the contents of its tar, as an immutable value in packed columns."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from itertools import chain
from types import MappingProxyType
from typing import Final, Literal

from layerscope.image.digest import Digest
from layerscope.layers.content_hash import HASH_BYTES
from layerscope.layers.entry import Extra, Member
from layerscope.notes import Note
from layerscope.records import dataclass
from layerscope.secrets.hit import LayerSecrets

MARK_BYTES: Final = HASH_BYTES
"""Length of a content hash."""
_NO_MARK: Final = bytes(MARK_BYTES)
_STEP: Final = 4096
_Code = Literal["q", "I", "H", "B"]
_CODES: Final[dict[int, _Code]] = {1: "B", 2: "H", 4: "I", 8: "q"}
"""The array type of each width in bytes."""

Owner = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerIndex:
    """The members of one uncompressed tar, in tar order. Immutable, and holds no file open.

    Each fact is a column, and member `i` is row `i` of every column. A member's path is the slice of `paths` that ends
    at `ends[i]`. `owners` holds row numbers of `owner_table`, which lists each (mode, uid, gid) once. `marks` is the
    content hashes of all members joined (zeros for a member whose content was not read), or empty if there are none.
    Link targets and rare facts are dictionaries by position. `documents` has what is kept of package databases, by the
    offset of their content in the tar. `compressed` is the number of bytes that each member takes
    in the blob that was read, headers and padding included; None if the blob is not compressed. It belongs to that blob
    alone: use `of_tar` where the same tar comes from elsewhere. `secrets` is what was found of them; None if the files
    were not looked into.
    """

    diff_id: Digest | None
    tar_size: int | None
    notes: tuple[Note, ...]
    paths: bytes = field(repr=False)
    ends: memoryview[int] = field(repr=False)
    kinds: bytes = field(repr=False)
    sizes: memoryview[int] = field(repr=False)
    data: memoryview[int] = field(repr=False)
    mtimes: memoryview[int] = field(repr=False)
    owners: memoryview[int] = field(repr=False)
    owner_table: tuple[Owner, ...] = field(repr=False)
    marks: bytes = field(repr=False)
    links: Mapping[int, bytes] = field(repr=False)
    extras: Mapping[int, Extra] = field(repr=False)
    documents: Mapping[int, bytes] = field(repr=False)
    compressed: memoryview[int] | None = field(default=None, repr=False)
    secrets: LayerSecrets | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.kinds)

    def __hash__(self) -> int:
        return hash((self.diff_id, self.tar_size, len(self.kinds)))

    def of_tar(self) -> LayerIndex:
        """The same index without what it says of the compressed blob."""
        return self if self.compressed is None else replace(self, compressed=None)

    def without_costs(self) -> LayerIndex:
        """The same index for a place where its blob counts nothing, because the image lists it again."""
        return replace(self, compressed=memoryview(bytes(len(self)))) if self.compressed else self

    def path(self, position: int) -> bytes:
        ends = self.ends
        return self.paths[ends[position - 1] if position else 0 : ends[position]]

    def owner(self, position: int) -> Owner:
        """The mode, uid, and gid of a member."""
        return self.owner_table[self.owners[position]]

    def fingerprint(self, position: int) -> bytes | None:
        """The hash of a member's content; None if the content was not read or there is none."""
        if not self.marks:
            return None
        mark = self.marks[position * MARK_BYTES : (position + 1) * MARK_BYTES]
        return None if mark == _NO_MARK else mark

    def with_hashes(self, hashes: Mapping[int, bytes]) -> LayerIndex:
        """The index with the content hashes of more members, by their positions."""
        marks = bytearray(self.marks or bytes(len(self) * MARK_BYTES))
        for position, mark in hashes.items():
            marks[position * MARK_BYTES : (position + 1) * MARK_BYTES] = mark
        return replace(self, marks=bytes(marks))

    def member(self, position: int) -> Member:
        return Member(
            self.path(position),
            self.kinds[position],
            self.sizes[position],
            self.data[position],
            self.owner(position),
            self.mtimes[position],
            self.links.get(position, b""),
            self.extras.get(position),
            self.fingerprint(position),
        )

    def members(self) -> Iterator[Member]:
        """All members in tar order, created lazily."""
        return map(self.member, range(len(self)))

    def each_path(self, start: int = 0) -> Iterator[bytes]:
        """The paths of all members from position `start` on."""
        paths = self.paths
        begin = self.ends[start - 1] if start else 0
        for end in values(self.ends[start:]):
            yield paths[begin:end]
            begin = end

    @classmethod
    def of(
        cls, members: Iterable[Member], *, diff_id: Digest | None = None, tar_size: int = 0
    ) -> LayerIndex:
        """An index of members that are in memory already."""
        columns = Columns()
        for member in members:
            columns.add(member)
        return columns.index(diff_id, tar_size, ())


def packed(numbers: array[int]) -> memoryview[int]:
    """The numbers as a read-only column, in the narrowest type that holds them all.

    Bytes are looked at and copied by their place in all numbers, so no number becomes a Python object on the way.
    """
    width, count = numbers.itemsize, len(numbers)
    stored = numbers.tobytes()
    places = range(width) if sys.byteorder == "little" else range(width - 1, -1, -1)
    by_place = [stored[place::width] for place in places]
    while by_place and by_place[-1].count(0) == count:
        by_place.pop()
    narrow = next(each for each in _CODES if each >= len(by_place))
    if narrow == width:
        return memoryview(stored).cast(_CODES[width])
    column = bytearray(count * narrow)
    for place, part in zip(
        range(narrow) if sys.byteorder == "little" else range(narrow - 1, -1, -1),
        by_place,
        strict=False,
    ):
        column[place::narrow] = part
    return memoryview(bytes(column)).cast(_CODES[narrow])


def values(column: memoryview[int]) -> Iterator[int]:
    """The values of a column, unpacked a few thousand at a time: faster than singly, lighter than all at once."""
    return chain.from_iterable(
        column[start : start + _STEP].tolist() for start in range(0, len(column), _STEP)
    )


class Columns:
    """The columns of an index under construction."""

    __slots__ = (
        "data",
        "documents",
        "ends",
        "extras",
        "kinds",
        "links",
        "marks",
        "mtimes",
        "owner_numbers",
        "owner_table",
        "owners",
        "paths",
        "secrets",
        "sizes",
        "skipped",
    )

    def __init__(self) -> None:
        self.paths = bytearray()
        self.ends = array("Q")
        self.kinds = bytearray()
        self.sizes = array("q")
        self.skipped = array("q")
        """Pairs: the row before which the tar has bytes that belong to no row, and the offset where they end."""
        self.data = array("q")
        self.mtimes = array("q")
        self.owners = array("I")
        self.owner_table: list[Owner] = []
        self.owner_numbers: dict[Owner, int] = {}
        self.marks = bytearray()
        self.links: dict[int, bytes] = {}
        self.extras: dict[int, Extra] = {}
        self.documents: dict[int, bytes] = {}
        self.secrets: LayerSecrets | None = None

    def __len__(self) -> int:
        return len(self.kinds)

    def owner_number(self, owner: Owner) -> int:
        """The row number of an owner in the table, added if it is new."""
        number = self.owner_numbers.get(owner)
        if number is None:
            number = self.owner_numbers[owner] = len(self.owner_table)
            self.owner_table.append(owner)
        return number

    def add(self, member: Member) -> None:
        """Append a member."""
        position = len(self.kinds)
        self.paths += member.path
        self.ends.append(len(self.paths))
        self.kinds.append(member.kind)
        self.sizes.append(member.size)
        self.data.append(member.data)
        self.mtimes.append(member.mtime)
        self.owners.append(self.owner_number(member.owner))
        if member.link:
            self.links[position] = member.link
        if member.extra is not None:
            self.extras[position] = member.extra
        if member.fingerprint is not None:
            self.marks += bytes(position * MARK_BYTES - len(self.marks))
            self.marks += member.fingerprint

    def fingerprint(self, position: int) -> bytes | None:
        """The hash of a member's content, or None."""
        mark = bytes(self.marks[position * MARK_BYTES : (position + 1) * MARK_BYTES])
        return None if mark in (b"", _NO_MARK) else mark

    def path(self, position: int) -> bytes:
        ends = self.ends
        return bytes(self.paths[ends[position - 1] if position else 0 : ends[position]])

    def last_path(self) -> bytes:
        return self.path(len(self.ends) - 1) if self.ends else b""

    def index(
        self,
        diff_id: Digest | None,
        tar_size: int | None,
        notes: tuple[Note, ...],
        compressed: array[int] | None = None,
    ) -> LayerIndex:
        """The finished index. It takes over the columns, so don't use them afterwards."""
        if self.marks:
            self.marks += bytes(len(self.kinds) * MARK_BYTES - len(self.marks))
        return LayerIndex(
            diff_id=diff_id,
            tar_size=tar_size,
            notes=notes,
            paths=bytes(self.paths),
            ends=packed(self.ends),
            kinds=bytes(self.kinds),
            sizes=packed(self.sizes),
            data=packed(self.data),
            mtimes=packed(self.mtimes),
            owners=packed(self.owners),
            owner_table=tuple(self.owner_table),
            marks=bytes(self.marks),
            links=MappingProxyType(self.links),
            extras=MappingProxyType(self.extras),
            documents=MappingProxyType(self.documents),
            compressed=None if compressed is None else packed(compressed),
            secrets=self.secrets,
        )
