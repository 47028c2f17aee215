"""Files that get their name only when they are complete."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_UNNAMED = getattr(os, "O_TMPFILE", 0)
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.EISDIR, errno.ENOENT, errno.EINVAL)
_NAMED = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@contextmanager
def new_file(folder: int, name: str | bytes, *, mode: int, replace: bool) -> Iterator[int]:
    """A descriptor to write to. If the block succeeds, the file gets `name` in `folder`, which is a descriptor too.

    Until then the file has no name, so not even a killed process leaves it behind. If the file system doesn't support
    that, it has a random name. With `replace`, it replaces an existing file. Raises `OSError`, and `FileExistsError`
    without `replace`.
    """
    temporary = b".layerscope-" + os.urandom(8).hex().encode()
    fd, named = _create(folder, temporary, mode)
    try:
        yield fd
        source = temporary if named else f"/proc/self/fd/{fd}"
        _publish(source, folder if named else None, folder, name, temporary, replace=replace)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary, dir_fd=folder)
        raise
    finally:
        os.close(fd)


def _create(folder: int, temporary: bytes, mode: int) -> tuple[int, bool]:
    """A new file, and whether it is called `temporary`."""
    if _UNNAMED and os.path.isdir("/proc/self/fd"):
        try:
            return os.open(".", _UNNAMED | os.O_RDWR | os.O_CLOEXEC, mode, dir_fd=folder), False
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                raise
    return os.open(temporary, _NAMED, mode, dir_fd=folder), True


def _publish(
    source: str | bytes,
    source_folder: int | None,
    folder: int,
    name: str | bytes,
    temporary: bytes,
    *,
    replace: bool,
) -> None:
    named = source_folder is not None
    if not (replace and named):
        try:
            os.link(
                source,
                name,
                src_dir_fd=source_folder,
                dst_dir_fd=folder,
                follow_symlinks=not named,
            )
        except FileExistsError:
            if not replace:
                raise
            os.link(source, temporary, dst_dir_fd=folder, follow_symlinks=True)
        else:
            if named:
                os.unlink(temporary, dir_fd=folder)
            return
    os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
