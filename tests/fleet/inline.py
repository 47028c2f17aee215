"""Workers that run each job right away in this process, for tests of what jobs do and not of where they run."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from layerscope.fleet.folder import locked
from layerscope.fleet.run import Plan
from layerscope.fleet.scan import scan


class InlineWorkers:
    """Passes jobs and results through pickle, as a cluster does."""

    def __init__(self) -> None:
        self._done: list[tuple[Any, object]] = []
        self.started: list[str] = []

    def count(self) -> int:
        return 2

    def start(self, label: Any, name: str, run: Callable[[Any], object], job: object) -> None:
        self.started.append(name)
        found = run(pickle.loads(pickle.dumps(job)))
        self._done.append((label, pickle.loads(pickle.dumps(found))))

    def next(self) -> tuple[Any, object]:
        return self._done.pop(0)


@contextmanager
def inline_workers(**_: object) -> Iterator[InlineWorkers]:
    """In place of `layerscope.fleet.cluster.workers`."""
    yield InlineWorkers()


def write_fleet(folder: Path, *targets: str) -> None:
    """Scan into a folder, without a cluster."""
    with locked(str(folder)) as opened, inline_workers() as workers:
        scan(Plan(targets=targets), opened, workers)
