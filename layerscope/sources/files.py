"""Opens the files that a user names, and keeps streams in unnamed temporary files."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from layerscope.errors import ImageNotFound, SourceUnavailable, UnsupportedFormat
from layerscope.image.blob import Blob, OpenFile
from layerscope.layers.compression import Decompression, sniff, sniff_head
from layerscope.layers.header import BLOCK_SIZE, ZERO_BLOCK, is_header
from layerscope.progress import Progress, stop_if
from layerscope.sources.reference import DRIVE
from layerscope.sources.source import Request
from layerscope.sources.temporary import no_room, reason, temporary_file
from layerscope.system.flags import NO_WAIT, READ
from layerscope.system.positions import write_at

if TYPE_CHECKING:
    from layerscope.sources.follower import Follower

_CHUNK = 1024 * 1024


def open_archive_file(path: str, request: Request) -> OpenFile:
    """The archive at `path` (`-` is standard input) as an uncompressed regular file; anything else is spooled into one.

    Raises `ImageNotFound`, `SourceUnavailable`, and `UnsupportedFormat`.
    """
    name = "standard input" if path == "-" else path
    fd = _open_stdin() if path == "-" else _open_path(path)
    try:
        mode = os.fstat(fd).st_mode
        if stat.S_ISREG(mode) and (path != "-" or os.lseek(fd, 0, os.SEEK_CUR) == 0):
            file = OpenFile(fd, name)
            fd = -1
        elif stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            file = spool(_read_all(fd, name), name, request)
        else:
            raise SourceUnavailable(
                f"{name} is {_describe(mode)}, not an archive",
                hint="name a file, a folder or a pipe",
            )
    finally:
        if fd >= 0:
            os.close(fd)
    try:
        return _uncompressed(file, request)
    except BaseException:
        file.close()
        raise


def _open_stdin() -> int:
    try:
        fd = os.dup(0)
    except OSError:
        raise SourceUnavailable("standard input is closed", hint="pipe a tarball into it") from None
    if os.isatty(fd):
        os.close(fd)
        raise SourceUnavailable("standard input is a terminal", hint="pipe a tarball into it")
    return fd


def _open_path(path: str) -> int:
    try:
        if stat.S_ISFIFO(os.stat(path).st_mode):
            return os.open(path, READ)
        return os.open(path, READ | NO_WAIT)
    except FileNotFoundError:
        raise ImageNotFound(f"no such file: {path!r}") from None
    except (OSError, ValueError) as error:
        raise SourceUnavailable(f"cannot open {path!r}: {reason(error)}") from None


def _describe(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    return "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "not a regular file"


def _read_all(fd: int, name: str) -> Iterable[bytes]:
    if sys.platform != "win32":
        os.set_blocking(fd, True)
    while True:
        try:
            data = os.read(fd, _CHUNK)
        except OSError as error:
            raise SourceUnavailable(f"cannot read {name}: {reason(error)}") from None
        if not data:
            return
        yield data


def spool(
    chunks: Iterable[bytes],
    name: str,
    request: Request,
    *,
    stage: str = "spool",
    total: int | None = None,
) -> OpenFile:
    """Keep a stream in an unnamed temporary file, which goes away however the program ends.

    Raises `OutputError` when there is no room. Raises `UnsupportedFormat` as soon as the first bytes aren't those of an
    archive, because the stream may never end.
    """
    with temporary_file(name) as file:
        fd = file.fileno()
        follower = _follower(fd, name, request)

        def keep(chunk: bytes, done: int) -> None:
            write_at(fd, chunk, done - len(chunk))  # a follower reads meanwhile
            if follower is not None:
                follower.arrived(done)

        try:
            _pass(chunks, keep, name, request, stage, total)
        except BaseException:
            if follower is not None:
                follower.stop()
            raise
        kept = OpenFile(os.dup(fd), name)
        if follower is not None:
            kept.read_early = follower.finish()
        return kept


def sieve(chunks: Iterable[bytes], name: str, request: Request, *, stage: str) -> OpenFile:
    """Like `spool`, but layers are only indexed, and the file has holes in their places.

    With `head`, they aren't even indexed. Raises `NotSieved` if that isn't possible.
    """
    from layerscope.sources.sieve import Sieve

    shelf = request.shelf
    with temporary_file(name) as file:
        layers = Sieve(
            file.fileno(),
            name,
            request.limits,
            unpacks=request.head or (shelf is not None and not shelf.proves),
            all_secrets=request.all_secrets,
            indexes=not request.head,
        )
        try:
            _pass(chunks, lambda chunk, _: layers.put(chunk), name, request, stage, None)
            found = layers.finish()
        except OSError as error:
            raise no_room(name, 0, error) from None
        except BaseException:
            layers.stop()
            raise
        kept = OpenFile(os.dup(file.fileno()), name)
        kept.holes, kept.read_early = found.holes, found.early
        return kept


def _follower(fd: int, name: str, request: Request) -> Follower | None:
    """What reads the layers while they arrive, unless nobody will read them, or all bytes will be read again."""
    if request.head or request.shelf is None:
        return None
    from layerscope.sources.follower import Follower

    return Follower(
        fd,
        name,
        request.limits,
        unpacks=not request.shelf.proves,
        all_secrets=request.all_secrets,
    )


def _pass(
    chunks: Iterable[bytes],
    keep: Callable[[bytes, int], None],
    name: str,
    request: Request,
    stage: str,
    total: int | None,
) -> None:
    """Hand each chunk to `keep`, with the number of bytes so far."""
    done = 0
    head = b""
    for chunk in chunks:
        stop_if(request.cancelled)
        if done < BLOCK_SIZE:
            head += chunk[: BLOCK_SIZE - done]
            if len(head) == BLOCK_SIZE:
                _check_head(head, name)
        try:
            keep(chunk, done + len(chunk))
        except OSError as error:
            raise no_room(name, done, error) from None
        done += len(chunk)
        if request.progress is not None:
            request.progress(Progress(stage, done, total))


def _check_head(head: bytes, name: str) -> None:
    if head == ZERO_BLOCK:
        raise UnsupportedFormat(f"{name} starts with zeros, so it is not an archive")
    if sniff_head(head, name) == "none" and not is_header(head):
        raise _not_a_tar(name)


def _not_a_tar(name: str) -> UnsupportedFormat:
    return UnsupportedFormat(f"{name} is not a tar archive, so it is not an image")


def _uncompressed(file: OpenFile, request: Request) -> OpenFile:
    blob = Blob(file, 0, file.size, file.name)
    compression = sniff(blob)
    if compression == "none":
        return _tar(file)
    limits = request.limits
    pieces = Decompression(
        blob, compression, limits, ratio=(limits.spool_ratio, limits.spool_ratio_from)
    )
    spooled = spool(pieces, file.name, request)
    try:
        file.check_unchanged()
        _tar(spooled)
    except BaseException:
        spooled.close()
        raise
    file.close()
    return spooled


def _tar(file: OpenFile) -> OpenFile:
    if file.size == 0:
        raise UnsupportedFormat(f"{file.name} is empty")
    if not is_header(Blob(file, 0, file.size, file.name).read_at(0, BLOCK_SIZE)):
        raise _not_a_tar(file.name)
    return file


def exists(path: str) -> bool:
    """Whether something exists at this path, even if you aren't allowed to look at it."""
    try:
        os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError as error:
        return error.errno != errno.ENAMETOOLONG
    return True


def split_tag(target: str) -> tuple[str, str | None]:
    """`PATH[:TAG]` as a path and a tag. Paths may contain colons, so the longest prefix that exists is the path."""
    path = target
    while not exists(path):
        path, colon, _ = path.rpartition(":")
        if not colon:
            drive, rest = (target[:2], target[2:]) if DRIVE.match(target) else ("", target)
            path, _, tag = rest.partition(":")
            path = drive + path
            return (path, tag or None) if path else (target, None)
    return path, target[len(path) + 1 :] or None
