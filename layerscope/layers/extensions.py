"""Extension headers: what they say about the member that follows them, and the maps of sparse files."""

from __future__ import annotations

from collections.abc import Callable

from layerscope.errors import LimitExceeded, TarError
from layerscope.layers import sparse
from layerscope.layers.budget import ATTRIBUTE_BYTES, EXTENT_BYTES, Budget
from layerscope.layers.entry import (
    BLOCK,
    CHARACTER,
    DIRECTORY,
    FIFO,
    HARDLINK,
    SYMLINK,
    Extra,
    Member,
)
from layerscope.layers.header import BLOCK_SIZE, magic
from layerscope.layers.pax import PaxRecords, parse_records, split_records
from layerscope.layers.window import Window, read_block, read_bytes
from layerscope.limits import Limits
from layerscope.records import dataclass

_HEADER_ONLY = frozenset((HARDLINK, SYMLINK, CHARACTER, BLOCK, DIRECTORY, FIFO))
_PAX_NEXT, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK = 0x78, 0x67, 0x4C, 0x4B
_GNU_SPARSE = 0x53
EXTENSIONS = frozenset((_PAX_NEXT, _PAX_GLOBAL, _GNU_NAME, _GNU_LINK))
"""The type flags of extension headers."""

NoteCallback = Callable[[str, str, bytes | None], None]


@dataclass(slots=True)
class Pending:
    """What extension headers say about the member that follows them."""

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


class ExtensionReader:
    """Reads the extension headers of one tar, and completes the members that they describe.

    `budget` limits the memory for what they hold. Raises `TarError` with the byte offset, and `LimitExceeded`.
    """

    def __init__(self, window: Window, limits: Limits, note: NoteCallback, budget: Budget) -> None:
        self._window = window
        self._limits = limits
        self._note = note
        self._budget = budget

    def read(self, flag: int, data: int, size: int, pending: Pending | None) -> Pending:
        limits = self._limits
        pending = pending or Pending()
        pending.count += 1
        pending.bytes += size
        if size < 0:
            raise TarError(f"an extension header of {size} bytes", offset=data - BLOCK_SIZE)
        if pending.bytes > limits.header_bytes or pending.count > limits.pending_headers:
            many = pending.count > limits.pending_headers
            raise LimitExceeded(
                f"{pending.count} extension headers of {pending.bytes} bytes before one member at byte"
                f" {data}, over the {limits.pending_headers} of {limits.header_bytes} bytes allowed",
                limit="pending_headers" if many else "header_bytes",
            )
        content = read_bytes(self._window, data, size)
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

    def complete(self, member: Member, flag: int, block: bytes, pending: Pending | None) -> int:
        """Complete a member from its extension headers and its sparse map; `size` becomes the number of stored bytes.

        Returns the size that a hard link's header claims, since some writers do store data after it.
        """
        position = member.data - BLOCK_SIZE
        pax = None
        if pending is not None:
            pax = pending.pax
            if pax is not None:
                member.path = pax.path or member.path
                member.link = pax.link or member.link
                member.size = member.size if pax.size is None else pax.size
                member.mtime = member.mtime if pax.mtime is None else pax.mtime
                member.owner = pax.owner(member.owner)
                if pax.xattrs:
                    member.extra = Extra(pax.xattrs, member.extra.device if member.extra else None)
            member.path = pending.name or member.path
            member.link = pending.link or member.link
            longest = max(len(member.path), len(member.link))
            if longest > self._limits.path_bytes:
                raise self._too_long(longest, position)
            self._keep(member.path, member.link, member.extra)
        if not flag and member.path[-1:] == b"/":
            member.kind = DIRECTORY
        is_sparse = pending is not None and pending.is_sparse
        if member.kind in _HEADER_ONLY:
            size, member.size = member.size, 0
            if is_sparse:
                self._sparse(member, flag, block, pax)
            return self._note_size(member.kind, size, member.path) if size else 0
        if is_sparse or flag == _GNU_SPARSE:
            self._sparse(member, flag, block, pax)
        return 0

    def _note_size(self, kind: int, size: int, name: bytes) -> int:
        """Note the size on a header that has no data. Returns how much data a hard link may carry anyway."""
        code = "size-on-link" if kind == HARDLINK else "size-without-data"
        self._note(code, f"a header without data claims {size} bytes", name)
        return size if kind == HARDLINK else 0

    def _sparse(self, member: Member, flag: int, block: bytes, pax: PaxRecords | None) -> None:
        """Read the map of a sparse file: its extents, its stored bytes, where they start, and its real name.

        The size doesn't include the extra headers of the old GNU format, but it does include a PAX 1.0 map.
        """
        data, size = member.data, member.size
        xattrs = member.xattrs
        if flag == _GNU_SPARSE:
            if magic(block) != "gnu":
                raise TarError(
                    "a sparse header that is not in GNU format", offset=data - BLOCK_SIZE
                )
            regions, logical, start = sparse.old_gnu_map(block, data, self._block, self._limits)
            sparse.check_map(regions, logical, size, start)
            self._budget.spend(EXTENT_BYTES * len(regions))
            member.data, member.extra = start, Extra(xattrs, None, logical, regions)
            return
        found = sparse.pax_map(pax.sparse, data, self._block, self._limits) if pax else None
        if found is None:
            return
        if member.kind in _HEADER_ONLY:
            raise TarError("a sparse map on a member that has no data", offset=data - BLOCK_SIZE)
        regions, real_size, start, real_name = found
        if real_name and len(real_name) > self._limits.path_bytes:
            raise self._too_long(len(real_name), data - BLOCK_SIZE)
        stored = size - (start - data)
        if stored < 0:
            raise TarError("a sparse map larger than its member", offset=data)
        logical = size if real_size is None else real_size
        sparse.check_map(regions, logical, stored, data)
        self._budget.spend(EXTENT_BYTES * len(regions) + 2 * len(real_name or b""))
        member.path, member.size, member.data = real_name or member.path, stored, start
        member.extra = Extra(xattrs, None, logical, regions)

    def _block(self, position: int) -> bytes:
        return read_block(self._window, position)

    def _too_long(self, size: int, position: int) -> LimitExceeded:
        return LimitExceeded(
            f"a name of {size} bytes at byte {position}, over the {self._limits.path_bytes} allowed",
            limit="path_bytes",
        )

    def _keep(self, name: bytes, link: bytes, extra: Extra | None) -> None:
        """Count what extension headers leave in memory. A name counts twice: in the index and in the tree."""
        kept = 2 * len(name) + len(link)
        for key, value in extra.xattrs if extra is not None else ():
            kept += ATTRIBUTE_BYTES + len(key) + len(value)
        self._budget.spend(kept)
