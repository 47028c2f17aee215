"""One run of a scan: what its three stages share, and how jobs are run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeVar

from layerscope.errors import LayerscopeError
from layerscope.fleet.failures import Failures
from layerscope.fleet.index_store import IndexStore
from layerscope.fleet.known import Known
from layerscope.fleet.lanes import Lanes
from layerscope.fleet.lending import Lender
from layerscope.fleet.names import image_name
from layerscope.fleet.targets import Choosing
from layerscope.fleet.values import Failed, HeadFound, Reading, Wanted
from layerscope.fleet.writer import Writer
from layerscope.progress import CancelledCallback, Progress, ProgressCallback, stop_if

if TYPE_CHECKING:
    from datetime import datetime

    from layerscope.fleet.cluster import Workers
    from layerscope.fleet.folder import FleetFolder

REQUESTS: Final = 8
"""Jobs that read from one registry at the same time, by default. Each sends one request at a time."""
TRIES: Final = 3
"""How often a manifest or a layer is tried, besides the retries of each request."""
_AHEAD: Final = 2
"""Jobs for each worker: one that runs, and one that waits for it."""

Work = TypeVar("Work")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to scan, and how."""

    targets: tuple[str, ...]
    reading: Reading = field(default_factory=Reading)
    choosing: Choosing = field(default_factory=Choosing)
    requests: int = REQUESTS
    newer_than: datetime | None = None
    """Only images created at this time or later. An unknown time counts as old."""


@dataclass(slots=True)
class Counts:
    """What a scan did. `images` counts names in the tables, and `replayed` different images among them.

    `known_layers` were read by an earlier scan.
    """

    images: int = 0
    unchanged: int = 0
    replayed: int = 0
    layers: int = 0
    bytes_read: int = 0
    known_layers: int = 0
    failures: int = 0
    older: int = 0


@dataclass(slots=True)
class Pending:
    """An image whose layers are to be read, and all the names that lead to it, each with what it refers to."""

    head: HeadFound
    names: list[tuple[Wanted, str]]
    shipped: bool = False
    """Whether its indexes were sent along with the job."""
    owns: tuple[str, ...] = ()
    """The tars whose packages this image tells."""


class Run:
    """The state of a scan into an open folder."""

    def __init__(
        self,
        plan: Plan,
        folder: FleetFolder,
        workers: Workers,
        progress: ProgressCallback | None,
        cancelled: CancelledCallback | None,
        lends: Callable[[], object] | None = None,
    ) -> None:
        self.plan = plan
        self.folder = folder
        self.cancelled = cancelled
        self.counts = Counts()
        self.known = Known.of(folder)
        self.store = IndexStore(folder.path)
        self.writer = Writer(folder)
        self.lender = Lender(lends)
        self.failures = Failures(self.known.failures)
        self.seen: set[str] = set()
        """The references that the targets name."""
        self.whole = not plan.choosing.tags and plan.newer_than is None
        """Whether the targets are listed in full, so that what they don't name is gone."""
        self._workers = workers
        self._progress = progress
        self._number = folder.head.scan + 1

    def add_name(self, wanted: Wanted, root: str, columns: Mapping[str, Any]) -> None:
        """Add a row to `images`. `columns` are those that all names of the image share."""
        self.writer.add({"images": image_name(wanted, root, columns, self._number)})

    def commit(self, *, complete: bool) -> None:
        """Make what was found so far part of the fleet."""
        self.writer.commit(
            replacing={"failures": self.failures.table()}, scan=self._number, complete=complete
        )

    def commit_if_due(self) -> None:
        """Do so if enough has been found: begin to write it, and commit what was written meanwhile. Raises `Cancelled`."""
        stop_if(self.cancelled)
        if self.writer.has_written():
            self.writer.commit_written(
                replacing={"failures": self.failures.table()}, scan=self._number
            )
        if self.writer.is_due():
            self.writer.flush()

    def jobs(
        self,
        lanes: Lanes[Work],
        name: str,
        run: Callable[[Any], object],
        make: Callable[[Work], object],
    ) -> Iterator[tuple[str, Work, object]]:
        """Run the work of the lanes, and what is added meanwhile. Yields each with its lane and what it returned."""
        running = 0
        while True:
            while running < _AHEAD * self._workers.count() and (taken := lanes.take()) is not None:
                self._workers.start(taken, name, run, make(taken[1]))
                running += 1
            if not running:
                return
            stop_if(self.cancelled)
            label, found = self._workers.next()
            running -= 1
            lane: str = label[0]
            work: Work = label[1]
            lanes.done(lane)
            yield lane, work, found

    def tell(
        self, stage: str, done: int, total: int | None, *, size: tuple[int, int] | None = None
    ) -> None:
        """Report progress in images or layers, and in bytes if there is a `size`."""
        if self._progress is not None:
            read, whole = (0, None) if size is None else size
            self._progress(Progress(stage, read, whole, done, total))


def answers(found: object, wanted: Sequence[Wanted], stage: str) -> Sequence[object]:
    """What a job returned for each of its parts; the same failure for all of them if the job as a whole failed."""
    if isinstance(found, list) and len(found) == len(wanted):
        return found
    return [failure(found, each, stage) for each in wanted]


def failure(found: object, wanted: Wanted, stage: str) -> Failed:
    """The failure of a job that returned an error, such as one whose workers died."""
    if type(found).__name__ == "KilledWorker":
        found = LayerscopeError(
            f"{wanted.reference}: its workers died again and again",
            hint="give them more memory",
        )
    if not isinstance(found, BaseException):
        found = TypeError(f"a job returned {type(found).__name__}")
    return Failed.of(found, wanted, stage)


def may_retry(answer: object) -> bool:
    """Whether a later try may succeed."""
    return isinstance(answer, Failed) and answer.passing
