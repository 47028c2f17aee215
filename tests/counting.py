"""Counts the work of code without a clock: the number of its lines that are executed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any


def lines_run(run: Callable[[], None], counted: Callable[[str], bool]) -> int:
    """The number of lines executed in the files that `counted` accepts, in this thread and in new ones."""
    count = 0

    def line(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return line

    def call(frame: FrameType, event: str, argument: Any) -> Any:
        return line if counted(frame.f_code.co_filename) else None

    before, threads = sys.gettrace(), threading.gettrace()
    sys.settrace(call)
    threading.settrace(call)
    try:
        run()
    finally:
        sys.settrace(before)
        threading.settrace(threads)
    return count
