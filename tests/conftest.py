"""How the tests run: several files at a time, one engine of each kind, and fixed seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.effort import SEED

if TYPE_CHECKING:
    from xdist.scheduler import LoadGroupScheduling

ENGINES = {"docker_engine", "containerd_engine"}

settings.register_profile("fixed", derandomize=True, database=None, print_blob=True)
settings.register_profile("random", print_blob=True)
settings.load_profile("fixed" if SEED is None else "random")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test that uses an engine, and run those first, all in one process: they share the engine."""
    for item in items:
        if ENGINES & set(getattr(item, "fixturenames", ())):
            item.add_marker("engine")
            item.add_marker(pytest.mark.xdist_group("engine"))
    items.sort(key=lambda item: item.get_closest_marker("engine") is None)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadGroupScheduling:
    """Give a process one file at a time, so that the fixtures of a module are made once."""
    from xdist.scheduler import LoadGroupScheduling

    class Files(LoadGroupScheduling):  # type: ignore[misc]  # it has no types
        def _split_scope(self, nodeid: str) -> str:
            group: str = super()._split_scope(nodeid)
            return group if group != nodeid else nodeid.partition("::")[0]

    return Files(config, log)
