"""Folders of the host below one folder, reached without following a link, and kept open meanwhile."""

from __future__ import annotations

import errno
from typing import Final

from layerscope.system.folder import Folder

MOST_OPEN: Final = 128
"""Folders kept open while files below them are created."""


class OpenFolders:
    """Opens folders below one folder. They stay open until the next call, and some longer."""

    def __init__(self, folder: str) -> None:
        """Open the folder, which may be a link. Raises `OSError`, and `ValueError` for a name with a NUL."""
        self.root = Folder.at(folder)
        self._path = b""
        self._step = 1
        self._above: list[tuple[int, Folder, int]] = []
        """The open folders on the way to `_path`: for each, where its name ends in `_path`, itself, its level."""

    def close(self) -> None:
        for _end, folder, _level in self._above:
            folder.close()
        self._above.clear()
        self.root.close()

    def open(self, path: bytes) -> Folder:
        """A folder below the target, reached without following a link.

        The folders right above the last one stay open, and farther up one every few levels, so that the next folder is
        only a few steps away.
        """
        above = self._above
        while above and not (
            path[: (end := above[-1][0])] == self._path[:end] and path[end : end + 1] in (b"", b"/")
        ):
            above.pop()[1].close()
        reached, folder, level = above[-1] if above else (-1, self.root, 0)
        self._path = path
        rest = path[reached + 1 :]
        for part in rest.split(b"/") if rest else ():
            if part in (b"", b".", b".."):
                raise OSError(errno.EINVAL, "no name of a file")
            folder = folder.folder(part)
            reached += 1 + len(part)
            level += 1
            above.append((reached, folder, level))
            if len(above) > MOST_OPEN:
                self._close_one()
        return folder

    def _close_one(self) -> None:
        """Close one of the folders farther up. The ones left open get sparser with depth."""
        far = self._above[: MOST_OPEN // 2]
        while True:
            for number, (_end, folder, level) in enumerate(far):
                if level % self._step:
                    folder.close()
                    del self._above[number]
                    return
            self._step *= 2
