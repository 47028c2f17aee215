"""The folder that the documentation assumes, and an engine with its image."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import environment
from tests.docs.pages import ROOT
from tests.engines.conftest import docker_engine
from tests.processes import client as processes

__all__ = ["docker_engine"]

FILES = {
    "app.tar": "my-python-app-buildkit.tar",
    "release.tar": "my-python-app.tar.gz",
    "python-3.8-slim.tar.gz": "python-3.8-slim.tar.gz",
    "Dockerfile": "my-python-app/Dockerfile",
}


class Reader:
    """Types the commands of a page, in a folder with the files that the documentation mentions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name, fixture in FILES.items():
            shutil.copy(ROOT / "fixtures" / fixture, folder / name)
        (folder / "fixtures").symlink_to(ROOT / "fixtures")
        (folder / "context").mkdir()
        (folder / "context" / "Dockerfile").write_text("FROM busybox\nRUN echo hello > /hello\n")
        program = folder / "bin" / "layerscope"
        program.parent.mkdir()
        processes.script(program)
        self.variables = environment(DOCKER_CONFIG=str(folder / "docker"))
        self.variables["PATH"] = f"{program.parent}:{self.variables['PATH']}"

    def type(self, line: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", line],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)
