"""The signals that end a program."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
from typing import Final

if sys.platform == "win32":
    ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGBREAK)
else:
    ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def signal_main_thread(number: int) -> None:
    """Send a signal to the main thread, from another one. A system call that is waiting there ends."""
    if sys.platform == "win32":
        _thread.interrupt_main(signal.Signals(number))
    else:
        signal.pthread_kill(threading.main_thread().ident or 0, number)
