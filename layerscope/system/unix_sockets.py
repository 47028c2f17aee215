"""Unix sockets, which Python doesn't have on Windows."""

from __future__ import annotations

import errno
import socket
import sys

if sys.platform == "win32":

    def connect(path: str, seconds: float) -> socket.socket:  # noqa: ARG001
        """Raises `OSError`."""
        raise OSError(errno.EAFNOSUPPORT, f"Python has no Unix sockets on Windows, such as {path}")

else:

    def connect(path: str, seconds: float) -> socket.socket:
        """A socket connected to the one at `path`, with that timeout. Raises `OSError`."""
        door = socket.socket(socket.AF_UNIX)
        try:
            door.settimeout(seconds)
            door.connect(path)
        except BaseException:
            door.close()
            raise
        return door
