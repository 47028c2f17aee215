"""Exit codes, and the signals that end a run."""

from __future__ import annotations

import signal
import threading
from enum import IntEnum
from types import FrameType

from layerscope.system.signals import ENDING


class Exit(IntEnum):
    """The exit codes; a signal gives 128 plus its number, as in a shell."""

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
    """End the run now with `code` and without a message; what is open gets closed on the way out."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def stands_for_signal(error: RuntimeError) -> bool:
    """Whether Python put `error` in the place of a signal's exception, as 3.11 does while it makes a class."""
    return isinstance(error.__cause__, (Ended, KeyboardInterrupt))


class Stopping:
    """The exit code of the signal that asks to stop, for all threads to see; 0 without one."""

    def __init__(self) -> None:
        self.code = 0
        self.finished = False
        """Whether the exit code is decided, so that a signal no longer ends anything."""

    def is_set(self) -> bool:
        return self.code != 0


stopping = Stopping()


def watch_signals() -> None:
    """Make the signals in `ENDING` raise `Ended` in the main thread, once; later signals are ignored."""
    if threading.current_thread() is not threading.main_thread():
        return

    def end(number: int, _: FrameType | None) -> None:
        if not stopping.is_set() and not stopping.finished:
            stopping.code = 128 + number
            raise Ended(stopping.code)

    stopping.code = 0
    stopping.finished = False
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)
