"""`layerscope build` and the Docker CLI plugin, against real engines."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import environment

from .containerd import ContainerdEngine
from .engine import PATH

if TYPE_CHECKING:
    from .engine import DockerEngine, Engine

DOCKERFILE = """FROM busybox
RUN echo one > /one
ENV A=b
COPY data /data
RUN rm /one && chmod 600 /data
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "Other").write_text(DOCKERFILE.replace("one", "two"))
    (folder / "data").write_bytes(bytes(5000))
    return folder


def layerscope(
    engine: Engine, folder: Path, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run layerscope in `folder`, with `engine` as the Docker CLI's engine."""
    settings = {"DOCKER_HOST": engine.host, "DOCKER_CONFIG": str(folder / "config"), "PATH": PATH}
    return subprocess.run(
        [sys.executable, "-m", "layerscope", *arguments],
        cwd=folder,
        env=environment(**(settings | variables)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def docker(docker_engine: DockerEngine, tmp_path: Path) -> Engine:
    """The engine, with its own client first in PATH."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "docker").symlink_to(docker_engine.client()[0])
    return docker_engine


def path_of(folder: Path) -> str:
    return f"{folder / 'bin'}:{PATH}"


@pytest.mark.parametrize("buildkit", ["0", "1"])
def test_the_image_is_built_and_reported_with_lines(
    docker: Engine, tmp_path: Path, context: Path, buildkit: str
) -> None:
    done = layerscope(
        docker,
        tmp_path,
        "build",
        "--network=host",
        "-t",
        "built:1",
        str(context),
        DOCKER_BUILDKIT=buildkit,
        PATH=path_of(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    assert "layerscope: built docker:built:1" in done.stderr
    assert done.stdout.splitlines()[0].startswith("docker:built:1")
    lines = [line for line in done.stdout.splitlines() if "COPY data /data" in line]
    assert lines[0].split()[-1] == "4"
    assert "deleted by" in done.stdout
    assert "Step 1" not in done.stdout


@pytest.mark.parametrize("spelling", [["-f", "{}"], ["-f{}"], ["--file", "{}"], ["--file={}"]])
def test_the_file_option_builds_another_dockerfile(
    docker: Engine, tmp_path: Path, context: Path, spelling: list[str]
) -> None:
    file = [part.format(context / "Other") for part in spelling]
    arguments = ["build", "--network=host", *file, str(context)]
    done = layerscope(docker, tmp_path, *arguments, DOCKER_BUILDKIT="0", PATH=path_of(tmp_path))
    assert done.returncode == 0, done.stderr
    (line,) = [line for line in done.stdout.splitlines() if "RUN echo two > /two" in line]
    assert line.split()[-1] == "2"


def test_the_users_iidfile_is_written(docker: Engine, tmp_path: Path, context: Path) -> None:
    arguments = ["build", "--network=host", "--iidfile", "id", str(context)]
    done = layerscope(docker, tmp_path, *arguments, DOCKER_BUILDKIT="0", PATH=path_of(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "id").read_text() in done.stderr


def test_a_failed_build_exits_with_3_and_names_dockers_exit_code(
    docker: Engine, tmp_path: Path, context: Path
) -> None:
    (context / "Dockerfile").write_text("FROM busybox\nRUN exit 7\n")
    arguments = ["build", "--network=host", str(context)]
    done = layerscope(docker, tmp_path, *arguments, DOCKER_BUILDKIT="0", PATH=path_of(tmp_path))
    assert (done.returncode, done.stdout) == (3, "")
    last = done.stderr.splitlines()[-1]
    assert last.startswith("layerscope: error: docker build ended with exit code ")


def test_provenance_is_kept_if_the_engine_can_store_it(
    containerd_engine: ContainerdEngine, tmp_path: Path, context: Path
) -> None:
    """The engine's own client runs here, outside the root it was installed in."""
    root = containerd_engine.root
    plugins = tmp_path / "config" / "cli-plugins"
    plugins.mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    shutil.copy(root / "usr/bin/docker", tmp_path / "bin" / "docker")
    found = next(root.glob("usr/*/docker/cli-plugins/docker-buildx"))
    shutil.copy(found, plugins / "docker-buildx")
    if subprocess.run([plugins / "docker-buildx", "version"], check=False).returncode:
        pytest.skip("the engine's client does not run outside its root")
    (context / "Dockerfile").write_text(DOCKERFILE.replace("chmod 600 /data", "true"))
    arguments = ["build", "-t", "kept:1", "--network=host", str(context)]
    done = layerscope(containerd_engine, tmp_path, *arguments, PATH=path_of(tmp_path))
    assert done.returncode == 0, done.stderr
    report = layerscope(containerd_engine, tmp_path, "report", "docker:kept:1", "--json")
    rows = json.loads(report.stdout)["instructions"]
    evidence = {row["text"]: row["evidence"] for row in rows}
    assert evidence["COPY data /data"] == "provenance"


def test_docker_runs_the_plugin(docker: Engine, tmp_path: Path, context: Path) -> None:
    docker.build(context, "plugin:1", buildkit=False)
    done = layerscope(docker, tmp_path, "plugin", "install")
    assert done.returncode == 0, done.stderr
    assert os.access(tmp_path / "config" / "cli-plugins" / "docker-layerscope", os.X_OK)

    def client(*arguments: str) -> subprocess.CompletedProcess[str]:
        settings = {"DOCKER_CONFIG": str(tmp_path / "config"), "PATH": path_of(tmp_path)}
        return subprocess.run(
            ["docker", *arguments],
            env=environment(**settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    assert "layerscope*" in client("--help").stdout
    done = client("--host", docker.host, "layerscope", "report", "docker:plugin:1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["image"]["tags"] == ["plugin:1"]
    done = client("--host", docker.host, "layerscope", "check", "docker:plugin:1", "--max-size=1")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "verdict: fail (1 of 1 rules)")
    assert layerscope(docker, tmp_path, "plugin", "uninstall").returncode == 0
    assert layerscope(docker, tmp_path, "plugin", "uninstall").returncode == 2
    assert "layerscope*" not in client("--help").stdout
