"""Test setup: files run in parallel, there is one engine of each kind, and seeds are fixed."""

from __future__ import annotations

import getpass
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.effort import SEED
from tests.processes.unmeasured import measurable

if sys.platform == "linux":
    from tests.hostile import bounds

if TYPE_CHECKING:
    from xdist.scheduler import LoadGroupScheduling

ENGINES = {"docker_engine", "containerd_engine"}
ENGINE_TESTS = Path(__file__).parent / "engines"

os.environ["LAYERSCOPE_CACHE_DIR"] = os.path.join(
    tempfile.gettempdir(), f"layerscope-cache-{getpass.getuser()}-{os.getpid()}"
)
"""For fixtures that outlive a test; never the cache of the user who runs the tests."""

os.environ.update(measurable(os.environ))

settings.register_profile("fixed", deadline=None, derandomize=True, database=None, print_blob=True)
settings.register_profile("random", deadline=None, print_blob=True)
settings.load_profile("fixed" if SEED is None else "random")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts background jobs so, and the programs that the tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def cache_folder(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a cache of its own, which is empty at first."""
    folder = tmp_path_factory.mktemp("cache") / "layerscope"
    monkeypatch.setenv("LAYERSCOPE_CACHE_DIR", str(folder))
    return folder


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest tests first: those that share an engine, all in one process, then files with slow tests.

    Every test with Chromium is slow.
    """
    for item in items:
        if ENGINE_TESTS in item.path.parents:
            item.add_marker("engine")
        if ENGINES & set(getattr(item, "fixturenames", ())):
            item.add_marker("engine")
            item.add_marker(pytest.mark.xdist_group("engine"))
        if item.get_closest_marker("browser"):
            item.add_marker("slow")
    long = {item.path for item in items if any(item.iter_markers(name="slow"))}
    items.sort(key=lambda item: (not _shares_engine(item), item.path not in long))


def _shares_engine(item: pytest.Item) -> bool:
    group = item.get_closest_marker("xdist_group")
    return group is not None and group.args == ("engine",)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A test that the table of hostile inputs names takes bounded time and memory."""
    name = getattr(item, "originalname", item.name)
    if sys.platform != "linux" or (item.path, name) not in bounds.named():
        yield
        return
    with bounds.bounded():
        yield


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Twice as many processes as there are cores, because tests wait for terminals, servers, and engines."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadGroupScheduling:
    """Give each process whole files, so that the fixtures of a module are created once."""
    from xdist.scheduler import LoadGroupScheduling

    class Files(LoadGroupScheduling):  # type: ignore[misc]  # it has no types
        def _split_scope(self, nodeid: str) -> str:
            group: str = super()._split_scope(nodeid)
            return group if group != nodeid else nodeid.partition("::")[0]

    return Files(config, log)
