"""A folder of this machine, held open, with the files in it: on POSIX by its descriptor, on Windows by its path."""

from __future__ import annotations

import sys

if sys.platform == "win32":
    from layerscope.system.windows_folder import WindowsFolder as Folder
    from layerscope.system.windows_folder import set_mode
else:
    from layerscope.system.posix_folder import PosixFolder as Folder
    from layerscope.system.posix_folder import set_mode

__all__ = ["Folder", "set_mode"]
