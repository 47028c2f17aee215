"""Layer compression: recognized by magic bytes, undone in a stream of bounded pieces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol, cast

from layerscope.errors import FormatError, LimitExceeded, UnsupportedFormat
from layerscope.image.blob import StoredBlob
from layerscope.layers.costs import Checkpoints
from layerscope.layers.feed import READ_SIZE, Feed
from layerscope.layers.header import BLOCK_SIZE, is_header
from layerscope.limits import Limits

_MAGIC: Final = (
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"BZh", "bzip2"),
)
_UNREADABLE: Final = (
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"LZIP", "lzip"),
    (b"\x89LZO", "lzop"),
    (b"\x1f\x9d", "compress (.Z)"),
)
_PIECE = 128 * 1024
"""Larger pieces are no faster: the allocator gets new pages from the kernel for each of them."""
_JOINED = 96 * 1024
"""Uncompressed bytes to hand on at once. Whoever takes them would spend longer on smaller pieces."""
_TOO_LARGE: Final = ("requires too much memory", "Memory usage limit exceeded")
"""What zstd and xz say of a window over the limit."""
_FRAME_BYTES: Final = 128
"""The smallest average frame accepted. A layer with one frame per file has at least a 512-byte header in each."""


class Decompressor(Protocol):
    """The interface shared by ISA-L's decompressor and the standard library's bz2, lzma, and zstd ones."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


def zstd() -> Any:
    """The zstd module: the standard library's since Python 3.14, its backport before."""
    try:
        from compression import zstd as module
    except ImportError:
        from backports import zstd as module
    return module


def sniff(blob: StoredBlob) -> str:
    """`none`, `gzip`, `zstd`, `xz`, or `bzip2`, judged by the first bytes and not by the blob's name or media type.

    Raises `UnsupportedFormat`, naming the compression, if no engine reads it.
    """
    return sniff_head(blob.read_at(0, BLOCK_SIZE), blob.name)


def sniff_head(head: bytes, name: str) -> str:
    """`sniff` for the first 512 bytes of a blob. Errors call it `name`."""
    if is_header(head):
        return "none"
    for magic, compression in _MAGIC:
        if head.startswith(magic):
            return compression
    if len(head) >= 4 and head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F:
        return "zstd"
    for magic, compression in _UNREADABLE:
        if head.startswith(magic):
            raise UnsupportedFormat(
                f"{name}: compressed with {compression}, which image layers cannot be",
                hint="use gzip or zstd",
            )
    return "none"


def _decompressor(
    compression: str, limits: Limits
) -> tuple[Callable[[], Decompressor], tuple[type[Exception], ...]]:
    """A function that starts one member or frame, and the exceptions its library raises for broken data."""
    if compression == "gzip":
        from isal import igzip_lib

        gzip_flag = igzip_lib.DECOMP_GZIP
        broken = cast("type[Exception]", igzip_lib.IsalError)
        return lambda: igzip_lib.IgzipDecompressor(flag=gzip_flag), (broken,)
    if compression == "zstd":
        module = zstd()
        options = {module.DecompressionParameter.window_log_max: limits.zstd_window_log}
        return lambda: module.ZstdDecompressor(options=options), (module.ZstdError,)
    if compression == "xz":
        import lzma

        memory = 2 << limits.zstd_window_log
        return (
            lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=memory),
            (lzma.LZMAError,),
        )
    import bz2

    return bz2.BZ2Decompressor, (OSError, ValueError)


class Decompression:
    """Iterates over the uncompressed bytes of a blob, in pieces of at most 224 KiB.

    Concatenated gzip members, zstd frames, and xz and bzip2 streams are read as one. The stored bytes are fed to
    `update`. Afterwards `read` is the number of stored bytes, `produced` the number of uncompressed bytes, and
    `trailing` the number of bytes after the last member. If the stream is `measured`, `checkpoints` say which stored
    bytes made which uncompressed ones. Raises `FormatError` for a stream that is broken or cut short, and
    `LimitExceeded` for one that expands by more than `ratio`.
    """

    def __init__(
        self,
        blob: StoredBlob,
        compression: str,
        limits: Limits,
        *,
        update: Callable[[bytes], None] | None = None,
        advanced: Callable[[int], None] | None = None,
        ratio: tuple[int, int] | None = None,
        measured: bool = False,
    ) -> None:
        self._blob = blob
        self._compression = compression
        self._limits = limits
        self._update = update
        self._advanced = advanced
        self._ratio, self._ratio_from = ratio or (limits.ratio, limits.ratio_from)
        self._ratio_name = "spool_ratio" if ratio else "ratio"
        self._feed = Feed(blob.size, measured=measured)
        self.read = 0
        self.produced = 0
        self.trailing = 0
        self.checkpoints = Checkpoints()

    def inside(self, end: int) -> None:
        """Say that no file begins before this uncompressed offset, so that checkpoints need not be close until there."""
        self._feed.inside_until = end

    def _next(self) -> bytes:
        data = self._blob.read_at(self.read, READ_SIZE)
        self.read += len(data)
        if self._update is not None:
            self._update(data)
        if self._advanced is not None:
            self._advanced(len(data))
        return data

    def __iter__(self) -> Iterator[bytes]:
        if self._compression == "none":
            while data := self._next():
                self.produced += len(data)
                yield data
        else:
            yield from self._joined()
        if self.read < self._blob.size:
            raise FormatError(
                f"{self._blob.name}: {self.read} of {self._blob.size} bytes could be read"
            )

    def _joined(self) -> Iterator[bytes]:
        """The pieces, joined so that few are handed on. They are small because checkpoints are close."""
        waiting: list[bytes] = []
        size = 0
        for piece in self._members():
            waiting.append(piece)
            size += len(piece)
            if size >= _JOINED:
                self._check_ratio()
                yield waiting[0] if len(waiting) == 1 else b"".join(waiting)
                waiting, size = [], 0
        if waiting:
            self._check_ratio()
            yield b"".join(waiting)

    def _members(self) -> Iterator[bytes]:
        begin, broken = _decompressor(self._compression, self._limits)
        stock = self._next()
        at = frames = 0
        # Per stored byte, a gzip member costs a twentieth of what a zstd frame costs.
        most = self._blob.size if self._compression == "gzip" else self._limits.frames
        while True:
            member = begin()
            before = self.produced
            self._feed.begin(before)
            while not member.eof:
                given = b""
                if member.needs_input:
                    self.checkpoints.add(self.produced, self.read - len(stock) + at)
                    if at == len(stock):
                        stock, at = self._next(), 0
                        if not stock:
                            raise FormatError(
                                f"{self._blob.name}: the {self._compression} data is cut short after"
                                f" {self.read} bytes",
                                hint="fetch or save the image again",
                            )
                    given = self._feed.take(stock, at, self.produced)
                    at += len(given)
                try:
                    piece = member.decompress(given, _PIECE)
                except broken as error:
                    raise self._broken(error, self.read - len(stock) + at) from None
                if piece:
                    self.produced += len(piece)
                    yield piece
            frames += 1
            if frames > most and self.produced < frames * _FRAME_BYTES:
                raise self._too_many(frames)
            at -= len(member.unused_data)
            end = self.read - len(stock) + at
            if self.produced > before:
                self.checkpoints.end(self.produced, end)
            stock, at = self._to_next_member(stock, at)
            if not stock:
                self.checkpoints.finish(self.produced, end)
                return

    def _broken(self, error: Exception, position: int) -> FormatError | LimitExceeded:
        data = f"{self._compression} data"
        if any(words in str(error) for words in _TOO_LARGE):
            return LimitExceeded(
                f"{self._blob.name}: the {data} near byte {position} takes a window of more than"
                f" 2^{self._limits.zstd_window_log} bytes",
                limit="zstd_window_log",
            )
        return FormatError(f"{self._blob.name}: broken {data} near byte {position}: {error}")

    def _too_many(self, frames: int) -> LimitExceeded:
        return LimitExceeded(
            f"{self._blob.name}: {frames} {self._compression} frames for {self.produced} bytes, over the"
            f" {self._limits.frames} allowed",
            limit="frames",
        )

    def _check_ratio(self) -> None:
        if self.produced > self._ratio_from and self.produced > self._ratio * max(self.read, 1):
            raise LimitExceeded(
                f"{self._blob.name}: {self.read} bytes expand to {self.produced}, over the"
                f" {self._ratio}:1 allowed",
                limit=self._ratio_name,
            )

    def _to_next_member(self, stock: bytes, at: int) -> tuple[bytes, int]:
        """The data and offset of the next member; empty if only zeros or bytes that are not a member are left."""
        width = 16
        while True:
            part = stock[at : at + width]
            rest = part.lstrip(b"\0")
            if rest:
                at += len(part) - len(rest)
                if len(stock) - at < 6:
                    stock, at = stock[at:] + self._next(), 0
                if self._is_member(stock[at : at + 6]):
                    return stock, at
                self.trailing = len(stock) - at
                while more := self._next():
                    self.trailing += len(more)
                return b"", 0
            at += len(part)
            width = min(width * 4, READ_SIZE)
            if at >= len(stock):
                stock, at = self._next(), 0
                if not stock:
                    return b"", 0

    def _is_member(self, head: bytes) -> bool:
        if self._compression == "zstd" and head[1:4] == b"\x2a\x4d\x18":
            return 0x50 <= head[0] <= 0x5F
        return any(name == self._compression and head.startswith(magic) for magic, name in _MAGIC)
