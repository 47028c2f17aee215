"""Usual headers, decoded many at a time.

Most members of a layer need nothing but the plain fields of their header. Reading those fields one by one takes longer
than anything else in a report, so a batch checks and decodes each field for all of its headers at once. Whatever
is not usual is left to the scanner, which reads one header at a time and has the last word on errors.
"""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, islice
from struct import unpack
from typing import TYPE_CHECKING, Final

from isal.isal_zlib import adler32

from layerscope.layers.entry import DIRECTORY, FILE, HARDLINK, SYMLINK, WHITEOUT, Member
from layerscope.layers.header import (
    BLOCK_SIZE,
    NO_DEVICE,
    FieldError,
    adler_of_sum,
    checksum_fits,
    owner,
    prefix,
)
from layerscope.layers.settling import plain_whiteout
from layerscope.layers.window import DENSE_CHUNK, SEEK_CHUNK, SeekWindow, SplitWindow
from layerscope.system.positions import pread

if TYPE_CHECKING:
    from collections.abc import Callable

    from layerscope.layers.layer_index import Columns

MOST_HEADERS: Final = 512
"""The most headers in a batch. More of them take more memory, and save no time."""
_USUAL_FLAGS: Final = frozenset(b"0125")
_FILE_FLAG: Final = ord("0")
_FIRST_READ: Final = 1024
"""Enough for a header and the next one, if the first has no content. While headers stay close together, reads double."""
_MOST_OWNERS: Final = 4096
_DIRECTORY_FLAG: Final = ord("5")
_KINDS: Final = bytes.maketrans(b"0125", bytes((FILE, HARDLINK, SYMLINK, DIRECTORY)))
_FIELDS: Final = "100s24s24x8s356x"
"""name; mode, uid, and gid; checksum."""
_SIZE_BYTE, _MTIME_BYTE, _FLAG_BYTE, _LINK_BYTE, _PREFIX_BYTE = 124, 136, 156, 157, 345
_NUMBER_BYTES: Final = 12
_SIZE: Final = slice(_SIZE_BYTE, _SIZE_BYTE + _NUMBER_BYTES - 1)
_DEVICE: Final = range(329, 345)
_ENDS: Final = b"\0 "
_DIGITS: Final = _NUMBER_BYTES - 1
_OCTAL_GROUP, _OCTAL_BYTES = 16, 6
"""Octal digits that are a whole number of bytes, and that number."""
_SLASH_AS_NUL: Final = bytes.maketrans(b"/", b"\0")
_SLASH_AND_DOT_AS_NUL: Final = bytes.maketrans(b"/.", b"\0\0")
_NOT_CLEAN: Final = (b"\0\0", b"\0.")
"""What the names of a batch contain if one is not a clean path: a part that is empty or starts with a dot."""


class HeaderBatch:
    """Appends runs of usual headers to `columns`.

    `add_odd` takes a member whose name must be cleaned, after all members before it were appended. After a run, `data`
    is what was read last, from offset `start` on.
    """

    __slots__ = (
        "_add_odd",
        "_blocks",
        "_contents",
        "_owner_numbers",
        "_sizes",
        "_window",
        "careful_until",
        "columns",
        "data",
        "start",
    )

    def __init__(
        self, window: SeekWindow | SplitWindow, columns: Columns, add_odd: Callable[[Member], None]
    ) -> None:
        self._window = window
        self.columns = columns
        self._add_odd = add_odd
        self._owner_numbers: dict[bytes, int] = {}
        self._blocks: list[bytes] = []
        self._sizes: list[int] = []
        self._contents: list[int] = []
        self.data = b""
        self.start = 0
        self.careful_until = 0
        """Below this offset, the scanner must look at each header."""

    def run(self, position: int, most: int) -> int:
        """Append at most `most` headers from `position` on. Returns the position of the first that is left."""
        if isinstance(self._window, SplitWindow):
            return self._run_split(self._window, position, most)
        window, data, start = self._window, self.data, self.start
        last = start + len(data) - BLOCK_SIZE if start <= position else position - 1
        fd, offset, direct, length = window.fd, window.offset, window.direct, window.length
        begin, count = position, _FIRST_READ
        blocks, sizes, contents = self._blocks, self._sizes, self._contents
        add_block, add_size, add_content = blocks.append, sizes.append, contents.append
        usual = _USUAL_FLAGS
        room = min(most, MOST_HEADERS)
        while room > 0:
            for _ in range(room):
                if position > last:
                    if position >= direct:
                        direct = window.tell(position)
                        if position >= direct:
                            break
                    near = position - last <= SEEK_CHUNK
                    count = min(2 * count, DENSE_CHUNK, length - position) if near else _FIRST_READ
                    data = pread(fd, count, offset + position)
                    start = position
                    last = start + len(data) - BLOCK_SIZE
                    if last < start:
                        break
                at = position - start
                block = data[at : at + BLOCK_SIZE]
                flag = block[_FLAG_BYTE]
                if flag not in usual:
                    break
                try:
                    size = int(block[_SIZE], 8)
                except ValueError:
                    break
                content = position + BLOCK_SIZE
                if size:
                    if flag != _FILE_FLAG or size < 0 or content + size > length:
                        break
                    position = content + (size + 511 & -512)
                else:
                    position = content
                add_content(content)
                add_block(block)
                add_size(size)
            else:
                if not self._flush():
                    self.careful_until = position
                    position = begin
                    break
                most -= room
                begin = position
                room = min(most, MOST_HEADERS)
                continue
            break
        if blocks and not self._flush():
            self.careful_until = position
            position = begin
        window.direct = direct
        self.data, self.start = data, start
        return position

    def _run_split(self, window: SplitWindow, position: int, most: int) -> int:
        """`run` where each header is the end of a segment of the tar-split file."""
        while most > 0:
            segments, contents, sizes = window.ahead(position, min(most, MOST_HEADERS))
            begin = position
            for segment, content, size in zip(segments, contents, sizes, strict=True):
                block = segment[-BLOCK_SIZE:]
                if content != position + BLOCK_SIZE or len(block) != BLOCK_SIZE:
                    break
                flag = block[_FLAG_BYTE]
                if flag not in _USUAL_FLAGS or (size and flag != _FILE_FLAG):
                    break
                try:
                    if int(block[_SIZE], 8) != size:
                        break
                except ValueError:
                    break
                self._blocks.append(block)
                position = content + (size + 511 & -512)
            count = len(self._blocks)
            if not count:
                break
            self._sizes += sizes[:count]
            self._contents += contents[:count]
            if not self._flush():
                self.careful_until = position
                position = begin
                break
            window.pass_by(count)
            most -= count
            if count < len(segments):
                break
        self.data, self.start = window.data, window.start
        return position

    def _flush(self) -> bool:
        """Append the headers. Returns False, and appends none, if the scanner must look at each of them."""
        blocks = self._blocks
        decoded = _Decoded(blocks)
        numbers = self._known(decoded.owners) if decoded.is_usual else None
        if numbers is not None:
            start = 0
            for odd in decoded.other_than_whiteouts(decoded.odd(), self._sizes):
                self._append(decoded, numbers, start, odd)
                self._add_odd(self._member(decoded, odd))
                start = odd + 1
            self._append(decoded, numbers, start, len(blocks))
        blocks.clear()
        self._sizes.clear()
        self._contents.clear()
        return numbers is not None

    def _known(self, fields: tuple[bytes, ...]) -> list[int | None] | None:
        """The row numbers of the owners, None for new ones; None if one of them can't be read."""
        known = self._owner_numbers
        numbers = list(map(known.get, fields))
        if None in numbers:
            try:
                for field in set(fields).difference(known):
                    owner(field)
            except FieldError:
                return None
        return numbers

    def _append(self, decoded: _Decoded, numbers: list[int | None], start: int, end: int) -> None:
        """Append the headers from `start` up to `end`, whose names are clean."""
        if start == end:
            return
        columns = self.columns
        first = len(columns.kinds)
        names, sizes, contents = decoded.names, self._sizes, self._contents
        mtimes, kinds = decoded.mtimes, decoded.kinds
        if end - start < len(sizes):
            names, sizes, contents = names[start:end], sizes[start:end], contents[start:end]
            mtimes, kinds, numbers = mtimes[start:end], kinds[start:end], numbers[start:end]
        if None in numbers:
            numbers = self._numbered(decoded.owners[start:end])
        begin = len(columns.paths)
        columns.paths += b"".join(names)
        columns.ends.extend(islice(accumulate(map(len, names), initial=begin), 1, None))
        columns.kinds += kinds
        columns.sizes += array("q", sizes)  # twice as fast as `extend`
        columns.data += array("q", contents)
        columns.mtimes.extend(mtimes)
        columns.owners.extend(numbers)  # type: ignore[arg-type]
        for position in decoded.linked:
            if start <= position < end:
                columns.links[first + position - start] = _link(self._blocks[position])

    def _numbered(self, fields: tuple[bytes, ...]) -> list[int | None]:
        """The row numbers of the owners, new ones in the order in which they first appear."""
        known = self._owner_numbers
        if len(known) > _MOST_OWNERS:
            known.clear()
        number = self.columns.owner_number
        for field in fields:
            if field not in known:
                known[field] = number(owner(field))
        return [known[field] for field in fields]

    def _member(self, decoded: _Decoded, at: int) -> Member:
        """A header whose name is not clean, as the scanner reads it."""
        block = self._blocks[at]
        return Member(
            decoded.raw(at),
            decoded.kinds[at],
            self._sizes[at],
            self._contents[at],
            owner(decoded.owners[at]),
            decoded.mtimes[at],
            _link(block) if block[_LINK_BYTE] else b"",
        )


class _Decoded:
    """The fields of all headers of a batch. `is_usual` is False if one of them isn't, and then there are no fields."""

    __slots__ = ("_raw", "is_usual", "kinds", "linked", "mtimes", "names", "owners")

    def __init__(self, blocks: list[bytes]) -> None:
        whole = b"".join(blocks)
        fields = unpack(_FIELDS * len(blocks), whole)
        names, self.owners, sums = fields[::3], fields[1::3], fields[2::3]
        self.is_usual = (
            _checksums_fit(blocks, whole, sums)
            and _are_digits(whole, _SIZE_BYTE)
            and _are_digits(whole, _MTIME_BYTE)
            and _no_devices(whole, len(blocks))
        )
        if not self.is_usual:
            return
        try:
            self.mtimes = _octals(whole, _MTIME_BYTE, len(blocks))
        except ValueError:  # an 8 or a 9
            self.is_usual = False
            return
        flags = whole[_FLAG_BYTE::BLOCK_SIZE]
        self.kinds = flags.translate(_KINDS)
        self.linked = tuple(_set(whole[_LINK_BYTE::BLOCK_SIZE]))
        self._raw = self.names = _cut(names)
        for at in _set(whole[_PREFIX_BYTE::BLOCK_SIZE]):
            before = prefix(blocks[at])
            if before:
                self.names[at] = before + b"/" + self.names[at]
        at = flags.find(_DIRECTORY_FLAG)
        while at >= 0:
            name = self.names[at]
            if name[-1:] == b"/" and len(name) > 1:
                self.names[at] = name[:-1]
            at = flags.find(_DIRECTORY_FLAG, at + 1)

    def odd(self) -> list[int]:
        """The positions of names that are not clean paths. Drops the `./` that some writers put before all names."""
        text = _joined(self.names)
        if text.startswith(b"\0./"):
            self.names = [name[2:] if name[:2] == b"./" else name for name in self._raw]
            text = _joined(self.names)
        places: list[int] = []
        if text.translate(_SLASH_AND_DOT_AS_NUL).find(_NOT_CLEAN[0]) < 0:
            return []
        text = text.translate(_SLASH_AS_NUL)
        for each in _NOT_CLEAN:
            place = text.find(each)
            while place >= 0:
                places.append(place)
                place = text.find(each, place + 1)
        if not places:
            return []
        starts = list(accumulate([len(name) + 1 for name in self.names], initial=0))
        return sorted({bisect_right(starts, place) - 1 for place in places})

    def other_than_whiteouts(self, places: list[int], sizes: list[int]) -> list[int]:
        """Recognize the common whiteouts among names that are not clean, and return the places of the others."""
        if not places:
            return places
        kinds = bytearray(self.kinds)
        others = []
        for at in places:
            hidden = plain_whiteout(self.names[at]) if kinds[at] == FILE and not sizes[at] else None
            if hidden is None:
                others.append(at)
            else:
                self.names[at], kinds[at] = hidden, WHITEOUT
        self.kinds = bytes(kinds)
        return others

    def raw(self, at: int) -> bytes:
        """A name as the scanner would read it."""
        return self._raw[at]


def _checksums_fit(blocks: list[bytes], whole: bytes, sums: tuple[bytes, ...]) -> bool:
    """Whether all checksums are right. Adler-32 tells that only of headers without a byte over 127."""
    found = _low_halves(array("I", map(adler32, blocks)))
    wanted = list(map(adler_of_sum, sums))
    doubts = []
    if found != wanted:
        doubts = [block for block, a, b in zip(blocks, found, wanted, strict=True) if a != b]
    if not whole.isascii():
        doubts += [block for block in blocks if not block.isascii()]
    return all(map(checksum_fits, doubts))


def _low_halves(numbers: array[int]) -> list[int]:
    """The low 16 bits of numbers of 32 bits."""
    halves = memoryview(numbers).cast("B").cast("H")
    return halves[sys.byteorder == "big" :: 2].tolist()


def _are_digits(whole: bytes, first: int) -> bool:
    """Whether a field of 12 bytes has 11 digits and an end in every header."""
    last = first + _NUMBER_BYTES - 1
    return not whole[last::BLOCK_SIZE].translate(None, _ENDS) and all(
        whole[at::BLOCK_SIZE].isdigit() for at in range(first, last)
    )


def _no_devices(whole: bytes, count: int) -> bool:
    """Whether the device fields of all headers are as writers leave them for what is not a device."""
    field = whole[_DEVICE.start : _DEVICE.stop]
    return field in NO_DEVICE and all(
        whole[at::BLOCK_SIZE].count(whole[at]) == count for at in _DEVICE
    )


def _octals(whole: bytes, first: int, count: int) -> array[int]:
    """The numbers of a field of digits in every header. Raises `ValueError` for an 8 or a 9.

    All of them are read as one number, since Python converts long octal numbers at once. Then their bytes are put where
    a column has them.
    """
    digits = bytearray(b"0" * (_OCTAL_GROUP * count))
    for place in range(_DIGITS):
        digits[_OCTAL_GROUP - _DIGITS + place :: _OCTAL_GROUP] = whole[first + place :: BLOCK_SIZE]
    packed = int(digits, 8).to_bytes(_OCTAL_BYTES * count, "big")
    column = bytearray(8 * count)
    for place in range(_OCTAL_BYTES):
        column[7 - place :: 8] = packed[_OCTAL_BYTES - 1 - place :: _OCTAL_BYTES]
    numbers = array("q", bytes(column))
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


def _set(column: bytes) -> Iterator[int]:
    """The positions where a column is not zero."""
    if column.strip(b"\0"):
        for at, value in enumerate(column):
            if value:
                yield at


def _cut(fields: tuple[bytes, ...]) -> list[bytes]:
    """Names up to their first NUL."""
    return [field.partition(b"\0")[0] for field in fields]


def _joined(names: list[bytes]) -> bytes:
    """All names with a NUL around each."""
    return b"\0" + b"\0".join(names) + b"\0"


def _link(block: bytes) -> bytes:
    return block[_LINK_BYTE : _LINK_BYTE + 100].partition(b"\0")[0]
