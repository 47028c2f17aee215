"""A Dask cluster for the tests of a file, and a registry."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from layerscope.cli.main import main
from tests.fleet.cluster import Cluster
from tests.fleet.inline import inline_workers
from tests.fleet.served import FleetRegistry


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster(tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def registry() -> Iterator[FleetRegistry]:
    with FleetRegistry() as served:
        yield served


Rows = list[dict[str, Any]]


@pytest.fixture
def rows(capfd: pytest.CaptureFixture[str]) -> Callable[[Path, str], Rows]:
    """Run SQL over a fleet; returns the rows."""

    def ask(folder: Path, sql: str) -> Rows:
        capfd.readouterr()
        code = main(["fleet", "query", str(folder), sql, "--json"])
        told = capfd.readouterr()
        assert code == 0, told.err
        found: Rows = json.loads(told.out)
        return found

    return ask


@pytest.fixture
def scan(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., str]:
    """Scan targets into a folder; returns what the scan said. It runs in this process, if it isn't given a `scheduler`."""

    def run(
        *arguments: str, out: Path | None = None, code: int = 0, scheduler: str | None = None
    ) -> str:
        folder = tmp_path / "fleet" if out is None else out
        capfd.readouterr()
        with monkeypatch.context() as patch:
            if scheduler is None:
                patch.setattr("layerscope.fleet.cluster.workers", inline_workers)
            more = () if scheduler is None else ("--scheduler", scheduler)
            found = main(["fleet", "scan", *arguments, "--out", str(folder), *more])
        said = capfd.readouterr().err
        assert found == code, said
        return said

    return run
