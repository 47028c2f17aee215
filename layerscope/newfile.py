"""Files that get their name only when they are complete."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from layerscope.system.flags import NEW
from layerscope.system.folder import Folder


@contextmanager
def new_file(
    folder: Folder, name: str | bytes, *, mode: int, replace: bool, readable: bool = False
) -> Iterator[int]:
    """A descriptor to write to. If the block succeeds, the file gets `name` in `folder`.

    With `readable`, it can be read from too, which a sandbox may deny. Until the end of the block
    the file has no name, so not even a killed process leaves it behind. If the file system doesn't support that, it has a
    random name. With `replace`, it replaces an existing file. Raises `OSError`, and `FileExistsError` without `replace`.
    """
    temporary = f".layerscope-{os.urandom(8).hex()}"
    access = os.O_RDWR if readable else os.O_WRONLY
    unnamed = folder.unnamed(access, mode)
    fd = folder.open(temporary, access | NEW, mode) if unnamed is None else unnamed
    try:
        try:
            yield fd
            if unnamed is not None:
                try:
                    folder.publish(fd, name)
                except FileExistsError:
                    if not replace:
                        raise
                    folder.publish(fd, temporary)
                else:
                    return
        finally:
            os.close(fd)  # Windows renames only what is closed
        if replace:
            folder.replace(temporary, name)
        else:
            folder.rename(temporary, name)
    except BaseException:
        with suppress(OSError):
            folder.unlink(temporary)
        raise
