"""A real Dask cluster on loopback: a scheduler and workers, each a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

_SECONDS = 60.0
_QUIET = {
    "DASK_DISTRIBUTED__WORKER__DAEMON": "False",
    "DASK_DISTRIBUTED__DASHBOARD__LINK": "",
    "DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "False",
}


@dataclass
class Cluster:
    """A context manager; `address` is the scheduler's. `kill` ends a worker as a crash would."""

    folder: Path
    workers: int = 2
    environment: dict[str, str] = field(default_factory=dict)
    """Variables that the workers get and the scan doesn't."""
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    address: str = ""

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        place = self.folder / "scheduler.log"
        self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        self.address = self._wait_for(place, r"Scheduler at:\s*(tcp://\S+)")
        for _ in range(self.workers):
            self.add_worker()
        return self

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start one more worker, and wait until it is registered."""
        number = len(self.processes)
        process = self._start(
            "worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--memory-limit", "0", "--local-directory", str(self.folder / f"space{number}"),
        )  # fmt: skip
        self._wait_for(self.folder / f"worker{number}.log", r"(Registered to:)")
        return process

    def _start(self, what: str, *arguments: str) -> subprocess.Popen[bytes]:
        number = "" if what == "scheduler" else str(len(self.processes))
        with (self.folder / f"{what}{number}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", what, *arguments],
                stdout=log,
                stderr=log,
                env={**os.environ, **_QUIET, **self.environment},
                cwd=self.folder,
            )
        self.processes.append(process)
        return process

    def _wait_for(self, log: Path, pattern: str) -> str:
        until = time.monotonic() + _SECONDS
        while time.monotonic() < until:
            found = re.search(pattern, log.read_text()) if log.exists() else None
            if found is not None:
                return found[1]
            time.sleep(0.05)
        raise AssertionError(f"{log.name}: {log.read_text() if log.exists() else 'nothing'}")

    def kill(self, number: int) -> None:
        """Kill the worker with this number, counted from 0."""
        self.processes[number + 1].kill()

    def logs(self) -> str:
        """All that the scheduler and the workers wrote."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for process in reversed(self.processes):
            process.kill()
        for process in self.processes:
            process.wait(timeout=30)
