"""A Unix socket that leads to an engine through ssh, for a process that can't start programs any more.

A child of this process holds the socket and starts one `ssh` per connection, as the `docker` command does. It ends, with
what it started, when this process ends.
"""

from __future__ import annotations

import errno
import os
import re
import sys
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from layerscope.errors import ConfigError
from layerscope.system.signals import ENDING

if TYPE_CHECKING:
    import socket
    import subprocess

_DIAL: Final = "docker system dial-stdio"
_NAME: Final = "engine.sock"
_LONGEST: Final = 60
"""The path of a socket has at most 104 bytes on some systems."""
_MOST_FILES: Final = 1 << 16
_SHORT: Final = "/tmp"  # noqa: S108 - the folder in it is this user's alone
_WAITING: Final = 16
_UNSAFE: Final = re.compile(r"^-|[\0-\x20\x7f]")
_DOORS: Final[dict[str, str]] = {}


def address(host: str) -> dict[str, Any]:
    """What the SDK needs to know to reach an engine: through the socket, if one was opened for `ssh://user@host`."""
    door = _DOORS.get(host)
    if door is not None:
        return {"base_url": f"unix://{door}"}
    return {"base_url": host, "use_ssh_client": host.startswith("ssh://")}


def ssh_command(host: str) -> list[str]:
    """The command that connects its input and output to the engine. Raises `ConfigError` for an address without a host."""
    try:
        parts = urlsplit(host)
        name, user, port = parts.hostname, parts.username, parts.port
    except ValueError:
        name = user = port = None
    if not name or any(_UNSAFE.search(each) for each in (name, user or "")):
        raise ConfigError(f"{host!r} is not the address of an engine", hint="use ssh://user@host")
    options = [*(("-l", user) if user else ()), *(("-p", str(port)) if port else ())]
    return ["ssh", *options, "--", name, _DIAL]


if sys.platform == "win32":

    def open_door(host: str) -> None:
        """Raise `OSError`: Python has no Unix sockets here, and nothing takes rights from a process."""
        raise OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT), host)

else:

    def open_door(host: str) -> None:
        """Open a socket for an address, until this process ends. Raises `ConfigError` and `OSError`."""
        if host in _DOORS:
            return
        import socket
        from tempfile import gettempdir, mkdtemp

        command = ssh_command(host)
        above = gettempdir()
        folder = mkdtemp(prefix="layerscope-ssh-", dir=above if len(above) < _LONGEST else _SHORT)
        path = os.path.join(folder, _NAME)
        listener = socket.socket(socket.AF_UNIX)
        try:
            listener.bind(path)
            listener.listen(_WAITING)
            alive, _ = os.pipe()  # the other end is closed when this process ends
            child = os.fork()
        except OSError:
            listener.close()
            _remove(path)
            raise
        if child == 0:
            try:
                _keep_only(listener.fileno(), alive)
                _serve(listener, alive, command)
            finally:
                _remove(path)
                os._exit(0)
        listener.close()
        os.close(alive)
        _DOORS[host] = path

    def _keep_only(*wanted: int) -> None:
        """Close what this process got from its parent, such as locked files, except for standard error."""
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        first = 3
        for fd in sorted(wanted):
            os.closerange(first, fd)
            first = fd + 1
        os.closerange(first, _MOST_FILES)

    def _serve(listener: socket.socket, alive: int, command: list[str]) -> None:
        """Connect whoever comes, until the other end of the pipe is closed."""
        import select
        import signal
        import subprocess

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
        for number in set(ENDING) - {signal.SIGINT}:
            signal.signal(number, signal.SIG_DFL)
        started: list[subprocess.Popen[bytes]] = []
        ends: list[socket.socket | int] = [listener, alive]
        while alive not in select.select(ends, [], [])[0]:
            door, _ = listener.accept()
            with door:
                try:
                    started.append(
                        subprocess.Popen(command, stdin=door.fileno(), stdout=door.fileno())
                    )
                except OSError as error:
                    os.write(2, f"ssh does not run: {error.strerror}\n".encode())
            started = [each for each in started if each.poll() is None]
        for each in started:
            each.terminate()

    def _remove(path: str) -> None:
        import contextlib

        with contextlib.suppress(OSError):
            os.unlink(path)
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(path))
