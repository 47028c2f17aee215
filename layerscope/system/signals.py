"""The signals that end a program."""

from __future__ import annotations

import signal
import sys
from typing import Final

if sys.platform == "win32":
    ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)
else:
    ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
