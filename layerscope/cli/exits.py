"""Exit codes, and the signals that end a run."""

from __future__ import annotations

import _thread
import signal
import sys
import threading
import time
from collections.abc import Callable
from enum import IntEnum
from types import FrameType
from typing import Final

from layerscope.system.signals import ENDING, signal_main_thread

_SHORT: Final = 0.01
"""Seconds after which Python has left a callback."""


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
        self.dropped = False
        """Whether Python dropped the exception of the signal, so that it comes again."""

    def is_set(self) -> bool:
        return self.code != 0


stopping = Stopping()


def watch_signals() -> None:
    """Make the signals in `ENDING` raise `Ended` in the main thread, once; later signals are ignored."""
    if threading.current_thread() is not threading.main_thread():
        return

    def end(number: int, _: FrameType | None) -> None:
        if (not stopping.is_set() or stopping.dropped) and not stopping.finished:
            stopping.code = 128 + number
            stopping.dropped = False
            raise Ended(stopping.code)

    stopping.code = 0
    stopping.finished = stopping.dropped = False
    if not isinstance(sys.unraisablehook, _Resender):
        sys.unraisablehook = _Resender(sys.unraisablehook)
    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, end)


class _Resender:
    """An `unraisablehook` that sends a signal again if Python handled it in a callback whose exceptions it drops."""

    def __init__(self, report: Callable[[sys.UnraisableHookArgs], object]) -> None:
        self._report = report

    def __call__(self, dropped: sys.UnraisableHookArgs) -> None:
        if isinstance(dropped.exc_value, Ended) and stopping.is_set():
            # `Thread.start` would wait here for the thread, perhaps until the signal comes.
            _thread.start_new_thread(self._send, (stopping.code - 128,))
        else:
            self._report(dropped)

    def _send(self, number: int) -> None:
        time.sleep(_SHORT)
        stopping.dropped = True
        signal_main_thread(number)
