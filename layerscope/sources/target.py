"""Saves an image as a tarball. The file appears whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final

from layerscope.errors import FormatError, OutputError, SourceUnavailable
from layerscope.image.blob import OpenFile
from layerscope.newfile import new_file
from layerscope.notes import Notes
from layerscope.progress import Progress, stop_if
from layerscope.records import dataclass
from layerscope.sources.archive import Archive
from layerscope.sources.local import open_archive
from layerscope.sources.members import INDEX, MANIFEST
from layerscope.sources.source import Request
from layerscope.sources.temporary import reason, write_all
from layerscope.system.folder import Folder
from layerscope.system.pipes import is_broken_pipe

STDOUT: Final = "-"
_MODE: Final = 0o644


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
        except OSError as error:
            if is_broken_pipe(error):
                raise BrokenPipeError(error.errno, error.strerror) from None
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
    folder: Folder
    name: str
    force: bool

    def check(self) -> None:
        """Raise `OutputError` if something already has the name. Links are never written through."""
        try:
            mode = self.folder.lstat(self.name).st_mode
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
        opened = Folder.at(folder or ".")
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot write into {folder or '.'!r}: {reason(error)}") from None
    try:
        target = Target(path, opened, name, force)
        target.check()
        yield target
    finally:
        opened.close()


def write_file(chunks: Iterable[bytes], target: Target, request: Request) -> int:
    """Write the chunks next to the target, check that they're a complete image, and give the file its name.

    If anything fails before the last step, the target stays as it was. Until then the file has no name or, on a file
    system without unnamed files, a random name that is removed.
    """
    done = 0
    try:
        with new_file(
            target.folder, target.name, mode=_MODE, replace=target.force, readable=True
        ) as fd:
            for chunk in chunks:
                stop_if(request.cancelled)
                write_all(fd, chunk)
                done += len(chunk)
                _report(request, done)
            _check_image(fd, target, request)
            os.fsync(fd)
            target.check()
        target.folder.sync()
    except FileExistsError:
        raise OutputError(
            f"{target.path!r} appeared in the meantime",
            hint="choose another name, or use --force",
        ) from None
    except OSError as error:
        raise _cannot_write(target, done, error) from None
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
