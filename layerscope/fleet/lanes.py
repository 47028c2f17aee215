"""The order of a scan's jobs: the largest first, and never more of one registry at a time than it may be asked."""

from __future__ import annotations

import heapq
from collections import Counter
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Job = TypeVar("Job")


@dataclass
class Lanes(Generic[Job]):
    """Jobs that wait, in a lane for each registry. At most `bound` of a lane run at once; a lane without a name has no bound."""

    bound: int
    _waiting: dict[str, list[tuple[int, int, Job]]] = field(default_factory=dict)
    _running: Counter[str] = field(default_factory=Counter)
    _number: int = 0

    def add(self, lane: str, size: int, job: Job) -> None:
        """Add a job. Of two jobs with the same size, the one that was added first comes first."""
        self._number += 1
        heapq.heappush(self._waiting.setdefault(lane, []), (-size, self._number, job))

    def take(self) -> tuple[str, Job] | None:
        """The largest job that may start now, and its lane; None if there is none. `done` gives its place back."""
        best = None
        for lane, jobs in self._waiting.items():
            if jobs and (not lane or self._running[lane] < self.bound):
                head = (jobs[0][0], jobs[0][1], lane)
                best = head if best is None or head < best else best
        if best is None:
            return None
        lane = best[2]
        self._running[lane] += 1
        return lane, heapq.heappop(self._waiting[lane])[2]

    def done(self, lane: str) -> None:
        """A job of the lane has ended."""
        self._running[lane] -= 1

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))
