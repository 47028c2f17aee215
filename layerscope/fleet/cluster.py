"""The workers of a scan: processes on this machine, or an existing Dask cluster. Jobs are plain values, results too."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Protocol

import layerscope
from layerscope.errors import SourceUnavailable, UsageError
from layerscope.system.open_files import most_open_files
from layerscope.units import count as counted

if TYPE_CHECKING:
    from distributed import Client, LocalCluster
    from distributed.security import Security

_CONNECT_SECONDS: Final = 20
_OPEN_FILES: Final = 32
_OPEN_FILES_OF_A_WORKER: Final = 8
_COUNT_SECONDS: Final = 2.0
"""How long the number of workers is taken to be what it was. Asking for it takes a message there and back."""
_LOCAL: Final = {
    # Dask watches its processes for a dashboard, which a scan doesn't have.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.interval": "10s",
}


class Workers(Protocol):
    """Runs jobs somewhere else. `next` returns the label of a finished job and what it returned, or its error."""

    def count(self) -> int: ...
    def start(
        self, label: object, name: str, run: Callable[[Any], object], job: object
    ) -> None: ...
    def next(self) -> tuple[Any, object]: ...


class DaskWorkers:
    """Runs jobs on the workers of a Dask cluster, which starts a job again if its worker dies.

    The first job connects to the cluster or starts it, so a scan without jobs needs none. A job's key is a name and a number.
    Keys never contain arguments, and the repr of an argument hides its secrets.
    """

    def __init__(self, connect: Callable[[], Client]) -> None:
        self._connect = connect
        self._client: Client | None = None
        self._finished: Any = None
        self._labels: dict[str, Any] = {}
        self._number = 0
        self._count = 0
        self._counted = 0.0

    @property
    def client(self) -> Client:
        """The connection to the scheduler. Raises `SourceUnavailable`."""
        if self._client is None:
            from distributed import as_completed

            self._client = self._connect()
            self._finished = as_completed(with_results=False)
        return self._client

    def count(self) -> int:
        """How many jobs run at once; at least 1."""
        now = time.monotonic()
        if not self._count or now - self._counted > _COUNT_SECONDS:
            threads: dict[str, int] = self.client.nthreads()
            self._count, self._counted = sum(threads.values()), now
        return max(1, self._count)

    def start(self, label: Any, name: str, run: Callable[[Any], object], job: object) -> None:
        """Start a job."""
        self._number += 1
        key = f"layerscope-{name}-{os.getpid()}-{self._number}"
        future = self.client.submit(run, job, key=key, pure=False, retries=0)
        self._labels[key] = label
        self._finished.add(future)

    def next(self) -> tuple[Any, object]:
        """Wait for a job. Raises `SourceUnavailable` if the cluster is gone."""
        from concurrent.futures import CancelledError

        from distributed.client import FutureCancelledError

        future = next(self._finished)
        label = self._labels.pop(future.key)
        try:
            result: object = future.result()
        except (CancelledError, FutureCancelledError, OSError):
            raise SourceUnavailable(
                "the Dask scheduler is gone", hint="start the scan again, it goes on from here"
            ) from None
        except Exception as error:  # noqa: BLE001 - what a job died of is a failure of that job
            result = error
        future.release()
        return label, result


@contextmanager
def workers(*, scheduler: str | None, count: int | None) -> Iterator[Workers]:
    """The workers of the cluster at `scheduler`, or else `count` processes here, as soon as there is a job for them."""
    with ExitStack() as stack:

        def connect() -> Client:
            import dask

            quiet = {"logging": {"distributed": "critical"}}
            stack.enter_context(dask.config.set(quiet))
            logging.getLogger("distributed").setLevel(logging.CRITICAL)
            if scheduler is None:
                stack.enter_context(dask.config.set(_LOCAL))
                try:
                    return stack.enter_context(_local(count or os.cpu_count() or 1))
                except (RuntimeError, OSError, TimeoutError) as error:
                    raise SourceUnavailable(
                        f"the workers on this machine can't be started: {_cause(error)}",
                        hint="start fewer with --workers, or use those of a cluster with --scheduler",
                    ) from None
            return stack.enter_context(_existing(scheduler))

        yield DaskWorkers(connect)


def _check_open_files(count: int) -> None:
    """With too few of them, Dask waits without end for a connection that it can't accept."""
    most = most_open_files()
    wanted = _OPEN_FILES + count * _OPEN_FILES_OF_A_WORKER
    if most is not None and most < wanted:
        raise SourceUnavailable(
            f"the workers on this machine can't be started: {counted(count, 'worker')} {'takes' if count == 1 else 'take'}"
            f" {wanted} open files, and {most} are allowed",
            hint="allow more with `ulimit -n`, or start fewer with --workers",
        )


@contextmanager
def _local(count: int) -> Iterator[Client]:
    _check_open_files(count)
    import dask
    from distributed import Client, LocalCluster

    with (
        # Not Dask's own folder for this, which has a fixed name and is never removed.
        TemporaryDirectory(prefix="layerscope-", ignore_cleanup_errors=True) as scratch,
        dask.config.set({"temporary-directory": scratch}),
        _started(
            partial(
                LocalCluster,
                n_workers=count,
                threads_per_worker=1,
                processes=True,
                host="127.0.0.1",
                protocol="tls://",
                security=_certificates(Path(scratch)),
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                worker_dashboard_address=None,
                silence_logs=logging.CRITICAL,
            )
        ) as cluster,
        # Results come from the workers themselves, not through the scheduler.
        Client(cluster, direct_to_workers=True) as client,
    ):
        yield client


def _started(make: Callable[[], LocalCluster]) -> LocalCluster:
    """Start a cluster in another thread. An interrupt comes after the start, and the cluster is closed again.

    Otherwise what Dask had begun would go on in its own thread, and write to a folder that nobody removes.
    """
    with ThreadPoolExecutor(max_workers=1) as pool:
        starting = pool.submit(make)
        try:
            return starting.result()
        except BaseException:
            with suppress(Exception):
                starting.result().close()
            raise


def _certificates(folder: Path) -> Security:
    """Certificates that live as long as the scan: nobody else on this machine can talk to its workers.

    They are in `folder`. Dask would write those that it has in memory to a new folder in each process, and a worker that
    is killed meanwhile would leave its key behind.
    """
    from distributed.security import Security

    made = Security.temporary()
    certificate, key = folder / "scan.crt", folder / "scan.key"
    certificate.write_text(made.tls_ca_file)
    key.write_text(made.tls_client_key)
    own = {
        f"tls_{role}_{part}": str(path)
        for role in ("client", "scheduler", "worker")
        for part, path in (("cert", certificate), ("key", key))
    }
    return Security(require_encryption=True, tls_ca_file=str(certificate), **own)


@contextmanager
def _existing(address: str) -> Iterator[Client]:
    from distributed import Client

    try:
        client = Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, TimeoutError, ValueError, TypeError) as error:
        reason = str(error) or type(error).__name__
        raise SourceUnavailable(
            f"the Dask scheduler {address} can't be reached: {' '.join(reason.split())[:200]}",
            hint="check the address, such as tcp://scheduler:8786",
        ) from None
    with client:
        _check_versions(client, address)
        yield client


def _cause(error: BaseException) -> str:
    """What went wrong first. Dask only says that a worker failed to start."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _check_versions(client: Client, address: str) -> None:
    """Raise `UsageError` unless the workers have this version of layerscope, with the extra."""
    try:
        found = client.run(_version, on_error="return")
    except Exception as error:  # noqa: BLE001 - whatever a foreign cluster fails with
        raise SourceUnavailable(f"the workers of {address} don't respond: {error}") from None
    if not found:
        raise SourceUnavailable(
            f"the Dask scheduler {address} has no workers", hint="start some, then scan again"
        )
    for worker, version in found.items():
        if version != layerscope.__version__:
            told = version if isinstance(version, str) else "without layerscope[fleet]"
            raise UsageError(
                f"the worker {worker} is {str(told)[:60]}, and this is layerscope {layerscope.__version__}",
                hint="install the same layerscope[fleet] on all workers",
            )


def _version() -> str:
    import pyarrow as pa  # noqa: F401

    import layerscope as installed

    with suppress(AttributeError):
        return installed.__version__
    return "unknown"
