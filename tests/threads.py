"""Threads that a test starts and must end; other tests of the same process may have left some."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_thread_left() -> Iterator[None]:
    """Fail if a thread that starts within is still alive at the end."""
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before
