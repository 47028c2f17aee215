"""A runner with the Action, an image in its workspace, and a server for comments."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.runner.api import serving
from tests.integrations.runner.hub import Event, Hub, push
from tests.integrations.runner.job import Job

ROOT = Path(__file__).parents[2]
NAME = "OWNER/layerscope@TAG"
IMAGE = ROOT / "fixtures/my-python-app-buildkit.tar"
SMALLER = ROOT / "fixtures/my-python-app.tar.gz"
BROKEN = "--max-size=2MB --max-wasted-percent=10"


def fetched(folder: Path) -> Path:
    """The repository's tracked files, which a runner fetches."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in names.stdout.split("\0"):
        if name and (ROOT / name).is_file() and not name.startswith(("fixtures/", "tests/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


class Runner:
    """A runner that keeps the installed layerscope from job to job, and nothing else."""

    def __init__(self, folder: Path, action: Path) -> None:
        self.folder, self.action = folder, action
        self.temp = folder / "temp"
        self.jobs = 0
        self.hub = Hub(folder / "hub")

    def job(self, event: Event, **options: Any) -> Job:
        for path in self.temp.glob("*") if self.temp.exists() else ():
            if path.name not in ("layerscope-venv", "layerscope-pip"):
                shutil.rmtree(path)
        self.jobs += 1
        workspace = self.folder / "work" / str(self.jobs)
        workspace.mkdir(parents=True)
        shutil.copy(IMAGE, workspace / "app.tar")
        shutil.copy(SMALLER, workspace / "release.tar.gz")
        shutil.copy(ROOT / "fixtures/my-python-app/Dockerfile", workspace)
        actions = {NAME: self.action, "comment": self.action / "integrations/github/comment"}
        return Job(self.hub, event, workspace, self.temp, actions=actions, **options)

    def check(
        self, event: Event | None = None, *, job: Job | None = None, **given: object
    ) -> tuple[Job, str]:
        """Play a job of one step; returns it and its result."""
        job = job or self.job(event or push())
        return job, job.run([step(**given)])


def step(**given: object) -> dict[str, Any]:
    """A step that uses the Action. An underscore in a name stands for a hyphen."""
    inputs = {"image": "app.tar"} | {name.replace("_", "-"): each for name, each in given.items()}
    return {"id": "size", "name": "size", "uses": NAME, "with": inputs}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    return Runner(
        tmp_path_factory.mktemp("runner"), fetched(tmp_path_factory.mktemp("actions") / "action")
    )


@pytest.fixture
def runner(installed: Runner) -> Runner:
    """Each test begins without caches, and so without a baseline."""
    installed.hub = Hub(installed.folder / f"hub-{installed.jobs}")
    return installed


@pytest.fixture
def api() -> Iterator[ThreadingHTTPServer]:
    with serving() as server:
        yield server


def address(server: ThreadingHTTPServer) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def errors(job: Job) -> list[str]:
    return [each.message for each in job.annotations if each.level == "error"]


def names(job: Job) -> dict[str, str]:
    return {each.name: each.outcome for each in job.played}
