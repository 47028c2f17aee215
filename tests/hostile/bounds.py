"""What a test of the table of hostile inputs may take. `tests/conftest.py` holds each of them to it."""

from __future__ import annotations

import os
import re
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from tests.processes import client

TESTS: Final = Path(__file__).parents[1]
TABLE: Final = Path(__file__).with_name("README.md").read_text("utf-8")
NAMED: Final = re.compile(
    r"rows\[(?P<row>[^\]]+)\]|(?P<file>[\w/]+\.py)::(?P<test>\w+)(?:\[(?P<case>[^\]]+)\])?"
)
"""A row of `rows.py`, or a test in a file, as the table names them."""
SECONDS: Final = 15 if any(name.startswith("COVERAGE_") for name in os.environ) else 5
"""The most processor time. Coverage takes most of it."""
MEMORY: Final = 256 << 20
"""The most memory over the start, in bytes."""


@cache
def named() -> frozenset[tuple[Path, str]]:
    """The file and the function of each test in the table.

    The tests of this folder make large images, and check each run and each reading of their own.
    """
    found = ((TESTS / each["file"], each["test"]) for each in NAMED.finditer(TABLE) if each["file"])
    return frozenset((file, test) for file, test in found if file.parent != Path(__file__).parent)


@contextmanager
def bounded() -> Iterator[None]:
    """The block may take this much, together with the processes that it starts and waits for."""
    first = len(client.COSTS)
    before, start = _seconds(), _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    yield
    started = client.COSTS[first:]
    seconds = _seconds() - before + sum(cost.seconds for cost in started)
    memory = max(_memory("VmHWM") - start, *(cost.memory for cost in started), 0)
    check(seconds, memory)


def check(seconds: float, memory: int) -> None:
    assert seconds < SECONDS, f"it takes {seconds:.1f} seconds of processor time"
    assert memory < MEMORY, f"it takes {memory >> 20} MiB over the start"


def _seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _memory(name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024
