"""The strict tar scanner: headers only, in one pass, with Go's archive/tar as the norm.

Every engine that runs an image reads its layers through Go's reader, so what that reader refuses is refused here, with
the offset; nothing ends early in silence.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from os import pread
from zlib import adler32

from layerscope.errors import LimitExceeded, TarError
from layerscope.layers import sparse
from layerscope.layers.budget import ATTRIBUTE_BYTES, EXTENT_BYTES, Budget, extra_budget
from layerscope.layers.entry import (
    BLOCK,
    CHARACTER,
    DIRECTORY,
    FIFO,
    FILE,
    HARDLINK,
    OTHER,
    SYMLINK,
    Extra,
    Member,
)
from layerscope.layers.header import (
    BLOCK_SIZE,
    FIELDS,
    NO_DEVICE,
    ZERO_BLOCK,
    adler_of_sum,
    checksum_fits,
    device,
    is_header,
    magic,
    number,
    prefix,
)
from layerscope.layers.header import owner as read_owner
from layerscope.layers.layer_index import MARK_BYTES, Columns
from layerscope.layers.pax import PaxRecords, parse_records, split_records
from layerscope.layers.window import SEEK_CHUNK, Window
from layerscope.limits import Limits

_KINDS = {
    0x00: FILE,
    0x30: FILE,
    0x31: HARDLINK,
    0x32: SYMLINK,
    0x33: CHARACTER,
    0x34: BLOCK,
    0x35: DIRECTORY,
    0x36: FIFO,
    0x53: FILE,
}
_HEADER_ONLY = frozenset((HARDLINK, SYMLINK, CHARACTER, BLOCK, DIRECTORY, FIFO))
_PAX_NEXT, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK = 0x78, 0x67, 0x4C, 0x4B
_GNU_SPARSE = 0x53
_EXTENSIONS = frozenset((_PAX_NEXT, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK))
_FIELD_ENDS = b"\0 "
_unpack = FIELDS.unpack

NoteCallback = Callable[[str, str, bytes | None], None]


@dataclass(slots=True)
class Pending:
    """What extension headers say of the member that follows them."""

    pax: PaxRecords | None = None
    name: bytes | None = None
    link: bytes | None = None
    count: int = 0
    bytes: int = 0

    @property
    def is_sparse(self) -> bool:
        return self.pax is not None and bool(self.pax.sparse)

    @property
    def describes_member(self) -> bool:
        return self.pax is not None or self.name is not None or self.link is not None


class TarScanner:
    """Reads the members of one tar into columns; `end` is then where its end marker begins, or where the tar ends.

    `settle` is asked about each member that may need more than its path taken as it is: one whose name is not clean or
    may be a whiteout's, and one with extra facts. It may change the member; those for which it says False are left out.
    `most` bounds the number of members, those left out included; `limit` names the bound. `budget` bounds what extension headers leave
    in memory.
    Raises `TarError` with the byte offset for whatever breaks the format, and `LimitExceeded`.
    """

    def __init__(
        self,
        window: Window,
        limits: Limits,
        note: NoteCallback,
        *,
        budget: Budget | None = None,
        most: int | None = None,
        limit: str = "members",
        settle: Callable[[Member], bool] = lambda _: True,
    ) -> None:
        self._window = window
        self._limits = limits
        self._note = note
        self._most = limits.members if most is None else most
        self._limit = limit
        self._refused = 0
        self._budget = budget or extra_budget(limits.extra_bytes)
        self._settle = settle
        self.end = 0
        self.marked = False

    def _block(self, position: int) -> bytes:
        window = self._window
        offset = position - window.start
        if offset < 0 or offset + BLOCK_SIZE > len(window.data):
            window.move(position, BLOCK_SIZE)
            offset = position - window.start
        return window.data[offset : offset + BLOCK_SIZE]

    def _bytes(self, position: int, size: int) -> bytes:
        """The data of an extension header, whose size is bounded."""
        window = self._window
        if position < window.start or position + size > window.start + len(window.data):
            window.move(position, size)
        offset = position - window.start
        data = window.data[offset : offset + size]
        if len(data) < size:
            raise TarError(
                f"the tar ends {size - len(data)} bytes before an extension header does",
                offset=position,
            )
        return data

    def scan(self, columns: Columns) -> None:
        """Put all members behind those that the columns hold. What was read before an error stays in them."""
        window = self._window
        fingerprints = window.fingerprints
        path_limit = self._limits.path_bytes
        kinds, paths, marks = columns.kinds, columns.paths, columns.marks
        add_kind, add_size, add_data = kinds.append, columns.sizes.append, columns.data.append
        add_end, add_mtime, add_owner = (
            columns.ends.append,
            columns.mtimes.append,
            columns.owners.append,
        )
        owner_numbers = columns.owner_numbers
        most = self._most
        length = window.length
        fd, offset, direct = window.fd, window.offset, window.direct
        data = b""
        start = last = -1
        position = 0
        pending: Pending | None = None
        link_data = 0
        while True:
            if not start <= position <= last:
                if len(kinds) + self._refused > most:
                    raise self._too_many()
                if position < direct:
                    data = pread(fd, SEEK_CHUNK, offset + position)
                    start = position
                else:
                    window.move(position, BLOCK_SIZE)
                    direct = window.direct
                    data = window.data
                    start = window.start
                last = start + len(data) - BLOCK_SIZE
            block = data[position - start : position - start + BLOCK_SIZE]
            if len(block) < BLOCK_SIZE or (not block[0] and block == ZERO_BLOCK):
                if pending is not None and pending.describes_member:
                    raise TarError("an extension header with no member after it", offset=position)
                if len(kinds) + self._refused > most:
                    raise self._too_many()
                self._finish(block, position)
                return
            (
                name,
                owner_field,
                size_field,
                mtime_field,
                sum_field,
                flag,
                link,
                device_field,
                prefixed,
            ) = _unpack(block)
            if (
                adler32(block) & 0xFFFF != adler_of_sum(sum_field) or not block.isascii()
            ) and not checksum_fits(block):
                position = self._skip_link_data(position, link_data)
                link_data = 0
                start = last = -1
                continue
            link_data = 0
            try:
                digits = size_field[:11]
                if digits.isdigit() and size_field[11] in _FIELD_ENDS:
                    size = int(digits, 8)
                else:
                    size = number(size_field)
                owner = read_owner(owner_field)
                digits = mtime_field[:11]
                if digits.isdigit() and mtime_field[11] in _FIELD_ENDS:
                    mtime = int(digits, 8)
                else:
                    mtime = number(mtime_field)
                devices = None if device_field in NO_DEVICE else device(block)
            except ValueError as error:
                raise TarError(f"a header in which {error}", offset=position) from None
            if size < 0:
                raise TarError(f"a member of {size} bytes", offset=position)
            content = position + BLOCK_SIZE
            kind = _KINDS.get(flag, OTHER)
            extra: Extra | None = None
            name = name.partition(b"\0")[0]
            link = link.partition(b"\0")[0] if link[0] else b""
            if prefixed and (before := prefix(block)):
                name = before + b"/" + name
            if kind >= CHARACTER or pending is not None or not flag:
                if flag in _EXTENSIONS:
                    pending = self._extension(flag, content, size, pending)
                    position = content + (size + 511 & -512)
                    data = window.data
                    start = window.start
                    last = start + len(data) - BLOCK_SIZE
                    continue
                if kind in {CHARACTER, BLOCK}:
                    extra = Extra(device=devices or (0, 0))
                if pending is not None:
                    pax = pending.pax
                    if pax is not None:
                        name = pax.path or name
                        link = pax.link or link
                        size = size if pax.size is None else pax.size
                        mtime = mtime if pax.mtime is None else pax.mtime
                        owner = pax.owner(owner)
                        if pax.xattrs:
                            extra = Extra(pax.xattrs, extra.device if extra else None)
                    name = pending.name or name
                    link = pending.link or link
                    if len(name) > path_limit or len(link) > path_limit:
                        raise LimitExceeded(
                            f"a name of {max(len(name), len(link))} bytes at byte {position}, over"
                            f" the {path_limit} allowed"
                        )
                    self._keep(name, link, extra)
                if not flag and name[-1:] == b"/":
                    kind = DIRECTORY
            stored = size
            if kind in _HEADER_ONLY:
                if pending is not None and pending.is_sparse:
                    self._sparse(block, flag, name, 0, content, extra, pending.pax, position)
                if size:
                    link_data = self._note_size(kind, size, name)
                size = stored = 0
            elif flag == _GNU_SPARSE or (pending is not None and pending.is_sparse):
                pax = pending.pax if pending is not None else None
                found = self._sparse(block, flag, name, size, content, extra, pax, position)
                # The further headers of the old GNU form stand outside of the size, the map of PAX 1.0 inside.
                name, stored, content, extra = found
                size = stored
                start = last = -1
            pending = None
            mark: bytes | None = None
            if stored:
                if fingerprints:
                    mark = window.fingerprint(content, stored)
                    data = window.data
                    start = window.start
                    last = start + len(data) - BLOCK_SIZE
                elif content + stored > length:
                    raise TarError(
                        f"the tar ends before the {stored} bytes of {name[:200].decode('utf-8', 'backslashreplace')!r} do",
                        offset=position,
                    )
            position = content + (stored + 511 & -512)
            if kind:
                size, mark = 0, None
            if (
                not name
                or name[0] in b"./"
                or name[-1] == 0x2F
                or b"/." in name
                or b"//" in name
                or extra is not None
            ):
                member = Member(name, kind, size, content, owner, mtime, link, extra, mark)
                self._add_settled(columns, member)
                continue
            if mark is not None:
                marks += bytes(len(kinds) * MARK_BYTES - len(marks))
                marks += mark
            if link:
                columns.links[len(kinds)] = link
            paths += name
            add_end(len(paths))
            add_kind(kind)
            add_size(size)
            add_data(content)
            add_mtime(mtime)
            number_of_owner = owner_numbers.get(owner)
            if number_of_owner is None:
                number_of_owner = columns.owner_number(owner)
            add_owner(number_of_owner)

    def _add_settled(self, columns: Columns, member: Member) -> None:
        """Add a member that may need more than its path taken as it is, or leave it out."""
        if self._settle(member):
            columns.add(member)
        else:
            self._refused += 1

    def _keep(self, name: bytes, link: bytes, extra: Extra | None) -> None:
        """Count what extension headers leave in memory; a name counts in the index and in the tree."""
        kept = 2 * len(name) + len(link)
        for key, value in extra.xattrs if extra is not None else ():
            kept += ATTRIBUTE_BYTES + len(key) + len(value)
        self._budget.spend(kept)

    def _too_many(self) -> LimitExceeded:
        return LimitExceeded(
            f"more than {self._most} members", hint=f"raise --limit {self._limit}=N"
        )

    def _note_size(self, kind: int, size: int, name: bytes) -> int:
        """Tell of a size on a header that has no data; how much data a hard link may carry all the same."""
        code = "size-on-link" if kind == HARDLINK else "size-without-data"
        self._note(code, f"a header without data claims {size} bytes", name)
        return size if kind == HARDLINK else 0

    def _finish(self, block: bytes, position: int) -> None:
        """Settle where the archive ends; missing end blocks are tolerated, half a header is not."""
        self.end = position
        if 0 < len(block) < BLOCK_SIZE:
            raise TarError(f"the tar ends after {len(block)} bytes of a header", offset=position)
        if not block:
            return
        second = self._block(position + BLOCK_SIZE)
        if second.strip(b"\0"):
            raise TarError("one zero block with more members after it", offset=position)
        if 0 < len(second) < BLOCK_SIZE:
            raise TarError(
                f"the tar ends after {len(second)} bytes of its end marker",
                offset=position + BLOCK_SIZE,
            )
        self.marked = bool(second)

    def _skip_link_data(self, position: int, size: int) -> int:
        """Where the next header stands when a hard link has data, which POSIX allows and Go's reader does not."""
        after = position + (size + 511 & -512)
        if size:
            block = self._block(after)
            if is_header(block):
                self._note("link-with-data", f"a hard link carries {size} bytes", None)
                return after
        raise TarError("a header whose checksum does not fit", offset=position)

    def _extension(self, flag: int, data: int, size: int, pending: Pending | None) -> Pending:
        limits = self._limits
        pending = pending or Pending()
        pending.count += 1
        pending.bytes += size
        if size < 0:
            raise TarError(f"an extension header of {size} bytes", offset=data - BLOCK_SIZE)
        if pending.bytes > limits.header_bytes or pending.count > limits.pending_headers:
            raise LimitExceeded(
                f"{pending.count} extension headers of {pending.bytes} bytes before one member at byte"
                f" {data}, over the {limits.pending_headers} of {limits.header_bytes} bytes allowed"
            )
        content = self._bytes(data, size)
        if flag == _PAX_NEXT:
            pending.pax = parse_records(content, data)
        elif flag == _GNU_NAME:
            pending.name = content.partition(b"\0")[0]
        elif flag == _GNU_LINK:
            pending.link = content.partition(b"\0")[0]
        else:
            keys = {key for key, _ in split_records(content, data)}
            if keys & {b"path", b"linkpath", b"size"}:
                self._note(
                    "pax-global-name", "a PAX global header names a path or size: ignored", None
                )
            if pending.describes_member:
                self._note(
                    "pax-global-between",
                    "a PAX global header cuts a member off from the headers before it, which engines forget",
                    None,
                )
            pending = Pending(count=pending.count, bytes=pending.bytes)
        return pending

    def _sparse(
        self,
        block: bytes,
        flag: int,
        name: bytes,
        size: int,
        data: int,
        extra: Extra | None,
        pax: PaxRecords | None,
        position: int,
    ) -> tuple[bytes, int, int, Extra | None]:
        """The name, stored bytes, start of the data and map of a sparse file whose header stands at `position`."""
        xattrs = extra.xattrs if extra else ()
        if flag == _GNU_SPARSE:
            if magic(block) != "gnu":
                raise TarError("a sparse header of no GNU format", offset=position)
            regions, logical, data = sparse.old_gnu_map(block, data, self._block, self._limits)
            sparse.check_map(regions, logical, size, data)
            self._budget.spend(EXTENT_BYTES * len(regions))
            return name, size, data, Extra(xattrs, None, logical, regions)
        found = sparse.pax_map(pax.sparse, data, self._block, self._limits) if pax else None
        if found is None:
            return name, size, data, extra
        if _KINDS.get(flag, OTHER) in _HEADER_ONLY:
            raise TarError("a sparse map on a member that has no data", offset=position)
        regions, real_size, start, real_name = found
        if real_name and len(real_name) > self._limits.path_bytes:
            raise LimitExceeded(
                f"a name of {len(real_name)} bytes at byte {position}, over the"
                f" {self._limits.path_bytes} allowed"
            )
        stored = size - (start - data)
        if stored < 0:
            raise TarError("a sparse map larger than its member", offset=data)
        logical = size if real_size is None else real_size
        sparse.check_map(regions, logical, stored, data)
        self._budget.spend(EXTENT_BYTES * len(regions) + 2 * len(real_name or b""))
        return real_name or name, stored, start, Extra(xattrs, None, logical, regions)
