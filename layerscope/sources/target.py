"""Saves an image as a tarball. The file appears whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from layerscope.errors import FormatError, OutputError, SourceUnavailable
from layerscope.image.blob import OpenFile
from layerscope.notes import Notes
from layerscope.progress import Progress, stop_if
from layerscope.records import dataclass
from layerscope.sources.archive import Archive
from layerscope.sources.files import reason, write_all
from layerscope.sources.local import open_archive
from layerscope.sources.members import INDEX, MANIFEST
from layerscope.sources.source import Request

STDOUT: Final = "-"
_MODE: Final = 0o644
_UNNAMED_UNSUPPORTED: Final = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)


def write_stdout(chunks: Iterable[bytes], request: Request) -> int:
    """Stream to standard output and return the number of bytes.

    Raises `OutputError` and, for a closed pipe, `BrokenPipeError`.
    """
    if os.isatty(1):
        raise OutputError(
            "an image is not written to a terminal", hint="use -o FILE, or pipe the output"
        )
    done = 0
    for chunk in chunks:
        stop_if(request.cancelled)
        try:
            write_all(1, chunk)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise OutputError(
                f"cannot write to standard output after {done} bytes: {reason(error)}"
            ) from None
        done += len(chunk)
        _report(request, done)
    return done


def _report(request: Request, done: int) -> None:
    if request.progress is not None:
        request.progress(Progress("export", done, None))


@dataclass(slots=True)
class Target:
    """Where a file goes: its folder, kept open so that nobody can swap it, and its name in there."""

    path: str
    folder: int
    name: str
    force: bool

    def check(self) -> None:
        """Raise `OutputError` if something already has the name. Links are never written through."""
        try:
            mode = os.stat(self.name, dir_fd=self.folder, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return
        except OSError as error:
            raise OutputError(f"cannot write {self.path!r}: {reason(error)}") from None
        if not stat.S_ISREG(mode):
            kind = "a link" if stat.S_ISLNK(mode) else "not a regular file"
            kind = "a folder" if stat.S_ISDIR(mode) else kind
            raise OutputError(
                f"{self.path!r} is {kind}, and is not overwritten", hint="choose another name"
            )
        if not self.force:
            raise OutputError(
                f"{self.path!r} already exists", hint="choose another name, or use --force"
            )


@contextmanager
def opened_target(path: str, force: bool) -> Iterator[Target]:
    """Check a destination before fetching anything; raises `OutputError`."""
    folder, name = os.path.split(path)
    if name in ("", ".", ".."):
        raise OutputError(f"{path!r} is not a file name", hint="name a file")
    try:
        fd = os.open(folder or ".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write into {folder or '.'!r}: {reason(error)}") from None
    try:
        target = Target(path, fd, name, force)
        target.check()
        yield target
    finally:
        os.close(fd)


def write_file(chunks: Iterable[bytes], target: Target, request: Request) -> int:
    """Write the chunks next to the target, check that they're a complete image, and give the file its name.

    If anything fails before the last step, the target stays as it was. Until then the file has no name or, on a file
    system without unnamed files, a random name that is removed.
    """
    fd, temporary = _create(target)
    try:
        done = _fill(fd, chunks, target, request)
        _check_image(fd, target, request)
        try:
            os.fsync(fd)
            temporary = _publish(fd, temporary, target)
            os.fsync(target.folder)
        except OSError as error:
            raise _cannot_write(target, done, error) from None
        return done
    finally:
        os.close(fd)
        if temporary is not None:
            with suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=target.folder)


def _create(target: Target) -> tuple[int, str | None]:
    unnamed = getattr(os, "O_TMPFILE", 0)
    try:
        if unnamed:
            try:
                fd = os.open(".", unnamed | os.O_RDWR | os.O_CLOEXEC, _MODE, dir_fd=target.folder)
            except OSError as error:
                if error.errno not in _UNNAMED_UNSUPPORTED:
                    raise
            else:
                return fd, None
        name = _temporary_name()
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.open(name, flags, _MODE, dir_fd=target.folder), name
    except OSError as error:
        raise OutputError(f"cannot write {target.path!r}: {reason(error)}") from None


def _temporary_name() -> str:
    return f".layerscope-{secrets.token_hex(8)}.part"


def _fill(fd: int, chunks: Iterable[bytes], target: Target, request: Request) -> int:
    done = 0
    for chunk in chunks:
        stop_if(request.cancelled)
        try:
            write_all(fd, chunk)
        except OSError as error:
            raise _cannot_write(target, done, error) from None
        done += len(chunk)
        _report(request, done)
    return done


def _cannot_write(target: Target, done: int, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write {target.path!r} after {done} bytes: {reason(error)}",
        hint="nothing changed; make room, or choose a file somewhere else",
    )


def _check_image(fd: int, target: Target, request: Request) -> None:
    """Check that the file is an image archive, so a save that was cut short isn't kept."""
    file = OpenFile(os.dup(fd), target.path)
    try:
        archive = Archive(file, request, Notes())
        whole = archive.complete and (MANIFEST in archive or INDEX in archive)
        if request.platform is not None:
            open_archive(OpenFile(os.dup(fd), target.path), request).close()
    except FormatError as error:
        raise SourceUnavailable(
            f"the source did not send an image: {error.message}",
            hint="nothing was kept; try again",
        ) from None
    finally:
        file.close()
    if not whole:
        raise SourceUnavailable(
            f"the source stopped after {file.size} bytes, which are not an image",
            hint="nothing was kept; try again",
        )


def _publish(fd: int, temporary: str | None, target: Target) -> str | None:
    """Give the file its name in one step, and return the temporary name that is left to remove, if any."""
    target.check()
    if temporary is None:
        source = f"/proc/self/fd/{fd}"
        name = _temporary_name() if target.force else target.name
        try:
            os.link(source, name, dst_dir_fd=target.folder, follow_symlinks=True)
        except FileExistsError:
            raise OutputError(
                f"{target.path!r} appeared in the meantime",
                hint="choose another name, or use --force",
            ) from None
        if not target.force:
            return None
        temporary = name
    elif not target.force:
        os.link(
            temporary,
            target.name,
            src_dir_fd=target.folder,
            dst_dir_fd=target.folder,
            follow_symlinks=False,
        )
        return temporary
    os.rename(temporary, target.name, src_dir_fd=target.folder, dst_dir_fd=target.folder)
    return None
