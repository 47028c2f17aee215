"""Makes a Python on Linux as poor as one on Windows, for modules that are imported afterwards.

It takes away what `os`, `signal`, and `socket` don't have there, refuses what they refuse there, and sets `sys.platform`. So
it shows that no code needs POSIX. It can't show how Windows itself behaves beyond that.
"""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import IO, Any

NO_FUNCTIONS = [
    "pread",
    "preadv",
    "pwrite",
    "pwritev",
    "fchmod",
    "fchown",
    "fchdir",
    "geteuid",
    "getuid",
    "getegid",
    "getgid",
    "getgroups",
    "splice",
    "sendfile",
    "memfd_create",
    "set_blocking",
    "fork",
    "forkpty",
    "mkfifo",
    "mknod",
    "posix_fadvise",
    "posix_fallocate",
    "copy_file_range",
    "statvfs",
    "fstatvfs",
    "sched_getaffinity",
    "getpgid",
    "setsid",
    "killpg",
    "uname",
    "chown",
    "lchown",
    "chroot",
    "getxattr",
    "setxattr",
    "listxattr",
    "O_NOFOLLOW",
    "O_NONBLOCK",
    "O_CLOEXEC",
    "O_DIRECTORY",
    "O_TMPFILE",
    "O_PATH",
    "O_NOATIME",
    "O_SYNC",
]
NO_MODULES = ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline")
LOADED = [
    "asyncio",
    "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd",
    "click",
    "click.shell_completion",
    "concurrent.futures",
    "ctypes",
    "docker",
    "fastcrc",
    "http.server",
    "humanize",
    "isal.igzip",
    "isal.isal_zlib",
    "jinja2",
    "logging",
    "multiprocessing",
    "platformdirs",
    "pybase64",
    "queue",
    "re2",
    "requests",
    "rich",
    "selectors",
    "shutil",
    "ssl",
    "subprocess",
    "textual.app",
    "textual.drivers.headless_driver",
    "textual.drivers.linux_driver",
    "textual.pilot",
    "textual.widgets",
    "textual.worker_manager",
    "tomlkit",
    "urllib3",
    "urllib3.util.ssl_",
    "uuid",
    "webbrowser",
    "xxhash",
    "yaml",
    "zipfile",
]
"""What others wrote, and what looks at the system when it is imported."""


def become_windows() -> None:
    for name in LOADED:
        import_module(name)
    import_module(
        "asyncio"
    ).new_event_loop().close()  # it chooses those of the system when it makes one
    assert not [name for name in sys.modules if name.startswith("layerscope.")]
    for name in NO_FUNCTIONS:
        if hasattr(os, name):
            delattr(os, name)
    if hasattr(os, "process_cpu_count"):  # since Python 3.13; on Linux it asks for the affinity
        os.process_cpu_count = os.cpu_count
    for name in NO_MODULES:
        sys.modules[name] = None  # type: ignore[assignment]
    for name in ("SIGHUP", "SIGPIPE", "SIGTSTP", "SIGUSR1", "SIGKILL"):
        delattr(signal, name)
    signal.SIGBREAK = signal.SIGINT  # type: ignore[attr-defined]
    socket.socketpair = partial(socket.socketpair, socket.AF_UNIX)
    del socket.AF_UNIX
    sys.modules["msvcrt"] = _msvcrt()
    _refuse()
    tempfile.TemporaryFile = _temporary_file  # type: ignore[assignment]
    sys.platform = "win32"


def _msvcrt() -> ModuleType:
    """Locks that only one process can have, as Windows has them."""
    module: Any = ModuleType("msvcrt")
    module.LK_NBLCK = 2

    def locking(fd: int, mode: int, count: int) -> None:
        assert (mode, count) == (module.LK_NBLCK, 1)
        try:
            fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 0, os.SEEK_CUR)
        except OSError:
            raise PermissionError(errno.EACCES, "locked") from None

    module.locking = locking
    return module  # type: ignore[no-any-return]


def _opened() -> set[tuple[int, int]]:
    """What this process has open. Windows neither removes nor replaces such a file."""
    found = set()
    for name in listdir("/proc/self/fd"):
        try:
            status = fstat(int(name))
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            found.add((status.st_dev, status.st_ino))
    return found


listdir, fstat, unlink = os.listdir, os.fstat, os.unlink


def _check_closed(path: Any) -> None:
    try:
        status = os.lstat(path)
    except OSError:
        return
    if (status.st_dev, status.st_ino) in _opened():
        raise PermissionError(errno.EACCES, "the file is open", path)


def _refuse() -> None:
    """Functions that refuse what they refuse on Windows."""

    def limited(name: str, *checked: int) -> None:
        function: Callable[..., Any] = getattr(os, name)

        def call(*args: Any, **keywords: Any) -> Any:
            for option in ("dir_fd", "src_dir_fd", "dst_dir_fd"):
                if keywords.get(option) is not None:
                    raise NotImplementedError(f"{option} unavailable on this platform")
            if args and isinstance(args[0], int):
                raise TypeError(f"{name} takes no descriptor on this platform")
            for number in checked:
                _check_closed(args[number])
            return function(*args, **keywords)

        setattr(os, name, call)

    for name in (
        "lstat",
        "mkdir",
        "listdir",
        "scandir",
        "utime",
        "link",
        "symlink",
        "chmod",
        "readlink",
    ):
        limited(name)
    for name in ("unlink", "remove"):
        limited(name, 0)
    limited("replace", 0, 1)
    limited("rename", 0, 1)
    rename, open_ = os.rename, os.open

    def careful_rename(old: Any, name: Any) -> None:
        if os.path.lexists(name):
            raise FileExistsError(errno.EEXIST, "exists", name)
        rename(old, name)

    def careful_open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if dir_fd is not None:
            raise NotImplementedError("dir_fd unavailable on this platform")
        if os.path.isdir(path):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return open_(path, flags, mode)

    os.rename = careful_rename  # type: ignore[assignment]
    os.open = careful_open


def _temporary_file(mode: str = "w+b", buffering: int = -1, **options: Any) -> IO[bytes]:
    """Windows removes a temporary file when it is closed. Here it has no name from the beginning."""
    fd, path = tempfile.mkstemp(prefix=options.get("prefix"))
    unlink(path)
    return open(fd, mode, buffering)
