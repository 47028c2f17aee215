"""Files in an engine's folders, opened for reading only, and never through a symlink."""

from __future__ import annotations

import errno
import os
import stat
import threading

from layerscope.errors import FormatError, SourceUnavailable
from layerscope.image.blob import OpenFile
from layerscope.sources.temporary import reason
from layerscope.system.flags import NO_WAIT, READ
from layerscope.system.folder import Folder

_NOT_FOLLOWED = (errno.ELOOP, errno.ENOTDIR, errno.ENXIO)


class UnpackedLayer:
    """The folder below `root` that an engine unpacked a layer into.

    `root` belongs to the caller, who keeps it open as long as contents are read.
    """

    def __init__(self, root: Folder, path: str, name: str) -> None:
        self._root = root
        self._path = os.fsencode(path)
        self._name = name
        self._last: tuple[bytes, Folder] | None = None
        self._lock = threading.Lock()

    def open(self, name: bytes) -> OpenFile:
        """The file that a tar member was unpacked to; see `layerscope.layers.split_blob.Contents`."""
        shown = f"{self._name}/{os.fsdecode(name)}"
        folder, _, last = name.rpartition(b"/")
        if last in (b"", b".", b"..") or b"\0" in name:
            raise FormatError(f"{shown} is not the path of a file in the layer")
        try:
            with self._lock:
                file = self._folder(folder, shown).open(last, READ | NO_WAIT)
        except OSError as error:
            if error.errno in _NOT_FOLLOWED:
                raise FormatError(
                    f"{shown} is not a regular file, or a symlink leads to it"
                ) from None
            raise SourceUnavailable(f"cannot open {shown}: {reason(error)}") from None
        if not stat.S_ISREG(os.fstat(file).st_mode):
            os.close(file)
            raise FormatError(f"{shown} is not a regular file")
        return OpenFile(file, shown)

    def _folder(self, path: bytes, shown: str) -> Folder:
        """A folder in the layer. The last one stays open, since neighbors follow each other."""
        if self._last is not None and self._last[0] == path:
            return self._last[1]
        parts = [part for part in path.split(b"/") if part not in (b"", b".")]
        if b".." in parts:
            raise FormatError(f"{shown} is not the path of a file in the layer")
        first, *rest = (*self._path.split(b"/"), *parts)
        folder = self._root.folder(first)
        try:
            for part in rest:
                upper, folder = folder, folder.folder(part)
                upper.close()
        except BaseException:
            folder.close()
            raise
        self._release()
        self._last = (path, folder)
        return folder

    def _release(self) -> None:
        if self._last is not None:
            self._last[1].close()
            self._last = None

    def close(self) -> None:
        """Close the folder that is still open."""
        with self._lock:
            self._release()
