"""Terminals that must be told to understand escape sequences."""

from __future__ import annotations

import sys
from typing import TextIO

if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _ESCAPES = 4  # ENABLE_VIRTUAL_TERMINAL_PROCESSING

    def understands_escapes(terminal: TextIO) -> bool:
        """Whether a terminal understands escape sequences. Windows 10 and later do, once a program asks."""
        try:
            handle = wintypes.HANDLE(msvcrt.get_osfhandle(terminal.fileno()))
        except (OSError, ValueError):
            return False
        kernel = ctypes.windll.kernel32
        mode = wintypes.DWORD()
        if not kernel.GetConsoleMode(handle, ctypes.byref(mode)):
            return False
        return bool(kernel.SetConsoleMode(handle, mode.value | _ESCAPES))

else:

    def understands_escapes(terminal: TextIO) -> bool:  # noqa: ARG001
        """Whether a terminal understands escape sequences."""
        return True
