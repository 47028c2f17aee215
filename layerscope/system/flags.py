"""Flags for `os.open`. Python makes every descriptor close-on-exec by itself."""

from __future__ import annotations

import os
from typing import Final

BINARY: Final[int] = getattr(os, "O_BINARY", 0)
"""Windows would translate line ends otherwise."""
NO_LINK: Final[int] = getattr(os, "O_NOFOLLOW", 0)
"""Fails on a symlink. Windows has no such flag, so its folders look first."""
NO_WAIT: Final[int] = getattr(os, "O_NONBLOCK", 0)
"""Opens a FIFO that nobody writes to without waiting."""
READ: Final = os.O_RDONLY | BINARY
NEW: Final = os.O_CREAT | os.O_EXCL | NO_LINK | BINARY
UPDATE: Final = os.O_RDWR | os.O_CREAT | NO_LINK | BINARY
