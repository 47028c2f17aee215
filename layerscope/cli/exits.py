"""Exit codes, and what ends a run from outside."""

from __future__ import annotations

import signal
import threading
from enum import IntEnum
from types import FrameType


class Exit(IntEnum):
    """What the exit code says; a signal adds its number to 128, as in a shell."""

    OK = 0
    BUDGET = 1
    DIFFERENT = 1
    USAGE = 2
    SOURCE = 3
    FORMAT = 4
    BUG = 70
    INTERRUPTED = 130
    PIPE = 141


class Ended(BaseException):
    """The run is to end now with `code` and without a word; what it opened is closed on the way out."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Stopping:
    """Whether a signal has asked to stop, for threads to see, and the exit code that it means."""

    def __init__(self) -> None:
        self.code = 0

    def is_set(self) -> bool:
        return self.code != 0


stopping = Stopping()


def watch_signals() -> None:
    """Turn SIGINT, SIGTERM and SIGHUP into `Ended`, raised in the main thread once; what comes after does not disturb the end."""
    if threading.current_thread() is not threading.main_thread():
        return

    def end(number: int, _: FrameType | None) -> None:
        if not stopping.is_set():
            stopping.code = 128 + number
            raise Ended(stopping.code)

    stopping.code = 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
