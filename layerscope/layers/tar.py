"""The strict tar scanner. It reads only headers, in one pass, and follows Go's archive/tar.

Every engine that runs an image reads its layers with Go's reader. So what that reader refuses is refused here, with the
offset, and nothing is silently cut off.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from zlib import adler32

from layerscope.errors import LimitExceeded, TarError
from layerscope.layers.budget import Budget, extra_budget
from layerscope.layers.content_hash import digest
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
from layerscope.layers.extensions import EXTENSIONS, ExtensionReader, NoteCallback, Pending
from layerscope.layers.header import (
    BLOCK_SIZE,
    FIELDS,
    NO_DEVICE,
    ZERO_BLOCK,
    adler_of_sum,
    checksum_fits,
    device,
    is_header,
    number,
    prefix,
)
from layerscope.layers.header import owner as read_owner
from layerscope.layers.header_batch import HeaderBatch
from layerscope.layers.layer_index import MARK_BYTES, Columns
from layerscope.layers.window import (
    DENSE_CHUNK,
    SEEK_CHUNK,
    SeekWindow,
    SplitWindow,
    Window,
    read_block,
)
from layerscope.limits import Limits
from layerscope.system.positions import pread

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
_USUAL_KINDS = {0x30: FILE, 0x31: HARDLINK, 0x32: SYMLINK, 0x35: DIRECTORY}
"""The kinds of members that a header describes completely without an extension."""
_SHORT_RUN = 16
"""A run of fewer usual headers doesn't pay for its batch."""
_LONGEST_PAUSE = 256
"""The most headers between two tries to find a run."""
_DEVICES = frozenset((CHARACTER, BLOCK))
_MOST_OWNERS = 4096
"""How many distinct owner fields are looked up as raw bytes, without parsing them."""
_FIELD_ENDS = b"\0 "
_unpack = FIELDS.unpack


class TarScanner:
    """Reads the members of one tar into columns. Afterwards, `end` is the offset of the end marker, or the tar's length.

    `passed` gets the name, mode, offset, and size of each file that `wanted` names, before its content passes, and says
    whether it moved the window for it.
    `settle` is called for each member that may need special treatment: one whose name is not clean or looks like a
    whiteout, or one with extra facts. It gets directories without the trailing slash, may change the member, and
    returns False to leave it out. `most` limits the number of members, including those left out, and `limit` is that
    limit's name. `budget` limits the memory for what extension headers hold.
    Raises `TarError` with the byte offset if the tar is malformed, and `LimitExceeded`.
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
        settle: Callable[[Member], bool] | None = None,
        wanted: Callable[[bytes, int], bool] | None = None,
        passed: Callable[[bytes, int, int, int], bool] | None = None,
    ) -> None:
        self._wanted = wanted
        self._passed = passed
        self._window = window
        self._limits = limits
        self._note = note
        self._most = limits.members if most is None else most
        self._limit = limit
        self._refused = 0
        self._extensions = ExtensionReader(
            window, limits, note, budget or extra_budget(limits.extra_bytes)
        )
        self._settle = settle
        self.end = 0
        self.marked = False

    def scan(self, columns: Columns) -> None:
        """Append all members to the columns. If an error is raised, the members before it stay."""
        window = self._window
        fingerprints = window.fingerprints
        kinds, paths, marks = columns.kinds, columns.paths, columns.marks
        add_kind, add_size, add_data = kinds.append, columns.sizes.append, columns.data.append
        add_end, add_mtime, add_owner = (
            columns.ends.append,
            columns.mtimes.append,
            columns.owners.append,
        )
        owner_numbers: dict[bytes, int] = {}
        find_owner = owner_numbers.get
        find_kind = _USUAL_KINDS.get
        wanted, passed = self._wanted, self._passed
        read_extension, complete = self._extensions.read, self._extensions.complete
        most = self._most
        settles = self._settle is not None
        length = window.length
        fd, offset, direct = window.fd, window.offset, window.direct
        data = known_mtime = b""
        start = last = -1
        position = field_mtime = 0
        pending: Pending | None = None
        link_data = pause = longer = 0
        batch: HeaderBatch | None = None
        if settles and isinstance(window, SeekWindow | SplitWindow):
            batch = HeaderBatch(window, columns, partial(self._add_settled, columns))
        while True:
            if batch is not None and pending is None and not link_data:
                if pause:
                    pause -= 1
                elif position >= batch.careful_until:
                    batch.data, batch.start = (b"" if start < 0 else data), max(start, 0)
                    count = len(kinds)
                    position = batch.run(position, most - count - self._refused)
                    data, start, direct = batch.data, batch.start, window.direct
                    last = start + len(data) - BLOCK_SIZE
                    longer = 0 if len(kinds) - count >= _SHORT_RUN else 2 * longer + 1
                    pause = min(longer, _LONGEST_PAUSE)
            if not start <= position <= last:
                if len(kinds) + self._refused > most:
                    raise self._too_many()
                if position < direct:
                    # Where headers are close together, fewer and larger reads are cheaper.
                    near = position - last <= SEEK_CHUNK
                    count = min(DENSE_CHUNK, length - position) if near else SEEK_CHUNK
                    data = pread(fd, count, offset + position)
                    start = position
                else:
                    window.move(position, BLOCK_SIZE)
                    direct = window.direct
                    data = window.data
                    start = window.start
                last = start + len(data) - BLOCK_SIZE
            block = data[position - start : position - start + BLOCK_SIZE]
            if len(block) < BLOCK_SIZE or (not block[0] and block == ZERO_BLOCK):
                self._finish(block, position, pending, len(kinds))
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
                owner_number = find_owner(owner_field)
                if owner_number is None:
                    owner = read_owner(owner_field)
                if mtime_field != known_mtime:
                    digits = mtime_field[:11]
                    if digits.isdigit() and mtime_field[11] in _FIELD_ENDS:
                        field_mtime = int(digits, 8)
                    else:
                        field_mtime = number(mtime_field)
                    known_mtime = mtime_field
                mtime = field_mtime
                devices = None if device_field in NO_DEVICE else device(block)
            except ValueError as error:
                raise TarError(f"a header in which {error}", offset=position) from None
            if size < 0:
                raise TarError(f"a member of {size} bytes", offset=position)
            content = position + BLOCK_SIZE
            kind = find_kind(flag)
            extra: Extra | None = None
            name = name.partition(b"\0")[0]
            link = link.partition(b"\0")[0] if link[0] else b""
            if prefixed and (before := prefix(block)):
                name = before + b"/" + name
            if kind is None or pending is not None or (kind and size):
                if flag in EXTENSIONS:
                    pending = read_extension(flag, content, size, pending)
                    position = content + (size + 511 & -512)
                    data = window.data
                    start = window.start
                    last = start + len(data) - BLOCK_SIZE
                    continue
                if owner_number is not None:
                    owner = columns.owner_table[owner_number]
                kind = _KINDS.get(flag, OTHER)
                member = Member(name, kind, size, content, owner, mtime, link)
                if kind in _DEVICES:
                    member.extra = Extra(device=devices or (0, 0))
                link_data = complete(member, flag, block, pending)
                pending = None
                name, kind, size, content = member.path, member.kind, member.size, member.data
                mtime, link, extra = member.mtime, member.link, member.extra
                if member.owner != owner:
                    owner, owner_number = member.owner, None
                if extra is not None and extra.logical_size is not None:
                    start = last = -1
            elif kind == DIRECTORY and name[-1:] == b"/" and settles and len(name) > 1:
                name = name[:-1]
            mark: bytes | None = None
            if size:
                if passed is not None and wanted is not None and not kind and wanted(name, size):
                    mode = (owner if owner_number is None else columns.owner_table[owner_number])[0]
                    if (extra is None or extra.logical_size is None) and passed(
                        name, mode, content, size
                    ):
                        data = window.data
                        start = window.start
                        last = start + len(data) - BLOCK_SIZE
                if fingerprints and content + size <= last + BLOCK_SIZE:
                    mark = digest(memoryview(data)[content - start : content - start + size])
                elif fingerprints:
                    mark = window.fingerprint(content, size)
                    data = window.data
                    start = window.start
                    last = start + len(data) - BLOCK_SIZE
                elif content + size > length:
                    raise _cut_short(name, size, position)
                position = content + (size + 511 & -512)
                if kind:
                    size, mark = 0, None
                    columns.skipped.extend((len(kinds) + 1, position))
            else:
                position = content
            if (
                not name
                or name[0] in b"./"
                or name[-1] == 0x2F
                or b"/." in name
                or b"//" in name
                or extra is not None
            ):
                if owner_number is not None:
                    owner = columns.owner_table[owner_number]
                member = Member(name, kind, size, content, owner, mtime, link, extra, mark)
                self._add_settled(columns, member)
                continue
            if mark is not None:
                gap = len(kinds) * MARK_BYTES - len(marks)
                marks += bytes(gap) + mark if gap else mark
            if link:
                columns.links[len(kinds)] = link
            paths += name
            add_end(len(paths))
            add_kind(kind)
            add_size(size)
            add_data(content)
            add_mtime(mtime)
            if owner_number is None:
                owner_number = columns.owner_number(owner)
                if len(owner_numbers) < _MOST_OWNERS and read_owner(owner_field) == owner:
                    owner_numbers[owner_field] = owner_number
            add_owner(owner_number)

    def _add_settled(self, columns: Columns, member: Member) -> None:
        """Add a member that may need special treatment, or leave it out."""
        size = member.size
        end = member.data + (size + 511 & -512)
        if self._settle is None or self._settle(member):
            columns.add(member)
            if member.size == size:
                return
        else:
            self._refused += 1
            if columns.skipped and columns.skipped[-2] > len(columns):
                end = columns.skipped[-1]
                del columns.skipped[-2:]
        columns.skipped.extend((len(columns), end))

    def _too_many(self) -> LimitExceeded:
        return LimitExceeded(f"more than {self._most} members", limit=self._limit)

    def _finish(self, block: bytes, position: int, pending: Pending | None, count: int) -> None:
        """Check how the archive ends. Missing end blocks are tolerated, half a header is not."""
        if pending is not None and pending.describes_member:
            raise TarError("an extension header with no member after it", offset=position)
        if count + self._refused > self._most:
            raise self._too_many()
        self.end = position
        if 0 < len(block) < BLOCK_SIZE:
            raise TarError(f"the tar ends after {len(block)} bytes of a header", offset=position)
        if not block:
            return
        second = read_block(self._window, position + BLOCK_SIZE)
        if second.strip(b"\0"):
            raise TarError("one zero block with more members after it", offset=position)
        if 0 < len(second) < BLOCK_SIZE:
            raise TarError(
                f"the tar ends after {len(second)} bytes of its end marker",
                offset=position + BLOCK_SIZE,
            )
        self.marked = bool(second)

    def _skip_link_data(self, position: int, size: int) -> int:
        """The offset of the next header if a hard link has data, which POSIX allows and Go's reader doesn't."""
        after = position + (size + 511 & -512)
        if size:
            block = read_block(self._window, after)
            if is_header(block):
                self._note("link-with-data", f"a hard link carries {size} bytes", None)
                return after
        raise TarError("a header with a wrong checksum", offset=position)


def _cut_short(name: bytes, size: int, position: int) -> TarError:
    shown = name[:200].decode("utf-8", "backslashreplace")
    return TarError(f"the tar ends within the {size} bytes of {shown!r}", offset=position)
