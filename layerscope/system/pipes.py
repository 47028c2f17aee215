"""How pipes fail: those of a shell whose reader is gone, and the named ones of Windows."""

from __future__ import annotations

import errno
import sys
from importlib import import_module


def is_broken_pipe(error: OSError) -> bool:
    """Whether a write to standard output failed because its reader is gone. Windows calls that an invalid argument."""
    if isinstance(error, BrokenPipeError):
        return True
    return sys.platform == "win32" and error.errno == errno.EINVAL


if sys.platform == "win32":

    def named_pipe_errors() -> tuple[type[Exception], ...]:
        """What the library for named pipes raises, if it is installed. These aren't `OSError`s."""
        try:
            return (import_module("pywintypes").error,)
        except ImportError:
            return ()

    def as_system_error(error: BaseException) -> OSError | None:
        """The `OSError` that means the same as an error of a named pipe."""
        number, said = getattr(error, "winerror", None), getattr(error, "strerror", None)
        if not isinstance(number, int) or not isinstance(said, str):
            return None
        return OSError(0, said.rstrip("."), None, number)

else:

    def named_pipe_errors() -> tuple[type[Exception], ...]:
        """None: there are no such pipes."""
        return ()

    def as_system_error(error: BaseException) -> OSError | None:  # noqa: ARG001
        """None: there are no such pipes."""
        return None
