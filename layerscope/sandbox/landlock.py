"""Has the kernel enforce rights: Landlock, through the library `landlockpy`.

Linux 5.13 and later (ABI 1) restrict files, 6.7 (ABI 4) TCP as well, 6.12 (ABI 6) signals and abstract Unix sockets. A
restriction holds for this thread and for the threads and processes that it starts, and can't be taken back.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Final

from layerscope.sandbox.places import TERMINALS, interpreters
from layerscope.sandbox.rights import Programs, Rights


@contextmanager
def _loaded_libc() -> Iterator[None]:
    """In the block, `ctypes.util.find_library` finds nothing, so that landlockpy takes the C library of this process.

    The real one runs `ldconfig` and a compiler, and importing it takes longer than everything else here.
    """
    name = "ctypes.util"
    stub = ModuleType(name)
    vars(stub)["find_library"] = lambda _: None
    kept, above = sys.modules.get(name), vars(ctypes).get("util")
    sys.modules[name] = vars(ctypes)["util"] = stub
    try:
        yield
    finally:
        del sys.modules[name], vars(ctypes)["util"]
        if kept is not None:
            sys.modules[name] = kept
        if above is not None:
            vars(ctypes)["util"] = above


with _loaded_libc():
    from landlockpy import AccessFS, AccessNet, LandlockError, Ruleset, Scope, abi_version

NETWORK_ABI: Final = 4
"""The first ABI that can cut off TCP."""
_READ: Final = AccessFS.READ_FILE | AccessFS.READ_DIR
_CREATE: Final = AccessFS.WRITE_FILE | AccessFS.TRUNCATE | AccessFS.MAKE_REG | AccessFS.REMOVE_FILE
_FILL: Final = (
    _READ | _CREATE | AccessFS.MAKE_DIR | AccessFS.MAKE_SYM | AccessFS.REMOVE_DIR | AccessFS.REFER
)
_STREAM: Final = AccessFS.WRITE_FILE | AccessFS.TRUNCATE | AccessFS.IOCTL_DEV
_OF_FILES: Final = (
    AccessFS.READ_FILE
    | AccessFS.WRITE_FILE
    | AccessFS.TRUNCATE
    | AccessFS.EXECUTE
    | AccessFS.IOCTL_DEV
    | AccessFS.RESOLVE_UNIX
)
"""The rights that a rule about a file, and not a folder, may have."""
_NO_RULE: Final = (errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.ELOOP, errno.ENAMETOOLONG, getattr(errno, "EBADFD", errno.EBADF))  # fmt: skip
"""Why a path needs no rule: it can't be opened anyway, or it is a pipe, which nothing restricts."""


def abi() -> int:
    """The version of the kernel's Landlock; 0 without one."""
    try:
        with _loaded_libc():
            return abi_version()
    except LandlockError:
        return 0


def enforce(rights: Rights) -> None:
    """Restrict this thread, and those that it starts, as far as the kernel can. Raises `OSError` if it refuses."""
    net = AccessNet.NONE
    if rights.listens is not None:
        net |= AccessNet.BIND_TCP
    if not rights.connects:
        net |= AccessNet.CONNECT_TCP | AccessNet.CONNECT_SEND_UDP | AccessNet.BIND_UDP
    scope = Scope.SIGNAL if rights.sockets else Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET
    with _loaded_libc(), Ruleset(handled_net=net, scoped=scope) as rules:
        _allow(rules, rights.reads, _READ)
        _allow(rules, rights.outputs, _CREATE)
        _allow(rules, rights.folders, _FILL)
        _allow(rules, (*rights.streams, *TERMINALS), _STREAM | _READ)
        if rights.sockets:
            _allow(rules, ("/",), AccessFS.RESOLVE_UNIX)
        if rights.programs is Programs.ANY:
            _allow(rules, ("/",), AccessFS.EXECUTE)
        elif rights.programs is Programs.PYTHON:
            _allow(rules, interpreters(), AccessFS.EXECUTE | AccessFS.READ_FILE)
        for port in rights.ports:
            rules.allow_port(port, AccessNet.BIND_TCP)
        rules.restrict()


def _allow(rules: Ruleset, paths: Iterable[str], access: AccessFS) -> None:
    for path in dict.fromkeys(paths):
        try:
            folder = stat.S_ISDIR(os.stat(path).st_mode)
            rules.allow_path(path, access if folder else access & _OF_FILES)
        except OSError as error:
            if error.errno not in _NO_RULE:
                raise
        except ValueError:  # a NUL byte
            continue
