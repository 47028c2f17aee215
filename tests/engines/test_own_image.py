"""layerscope's own image: a real engine builds it from its Dockerfile and runs it, and its budget is checked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.builder.tools import absent
from tests.cli.conftest import environment

from . import bookworm
from .engine import EngineError, NoEngineError

if TYPE_CHECKING:
    from .engine import DockerEngine

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(docker_engine: DockerEngine) -> DockerEngine:
    """The engine with `layerscope:own` on a Debian 12 base, because there might be no registry here."""
    try:
        tar = bookworm.root_tar()
    except NoEngineError as error:
        absent(str(error))
    certificates = f"ENV PIP_CERT={bookworm.CERTIFICATES}"
    docker_engine.docker("import", "--change", certificates, str(tar), "python:own")
    docker_engine.build(
        ROOT, "layerscope:own", buildkit=False, arguments=["--build-arg", "PYTHON=python:own"]
    )
    return docker_engine


def layerscope(engine: DockerEngine, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "layerscope", *arguments],
        env=environment(DOCKER_HOST=engine.host),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.slow
def test_the_image_is_within_its_own_budget(built: DockerEngine) -> None:
    budget = str(ROOT / "integrations/image/budget.toml")
    done = layerscope(
        built, "check", "docker:layerscope:own", "--config", budget, "--base", "docker:python:own"
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.splitlines()[-1] == "verdict: pass"


@pytest.mark.slow
def test_the_image_does_not_contain_its_sources(built: DockerEngine) -> None:
    done = layerscope(built, "report", "docker:layerscope:own", "--json", "--files")
    paths = {
        row["path"]
        for layer in json.loads(done.stdout)["layers"][1:]
        for row in layer["entries"]
        if row["type"] == "file"
    }
    assert any(path.endswith("/layerscope/cli/main.py") for path in paths)
    assert not [path for path in paths if path.startswith(("/src/", "/work/"))]


@pytest.mark.slow
def test_a_pull_of_the_image_takes_little_more_than_one_of_python(
    built: DockerEngine, tmp_path: Path
) -> None:
    """python:3.13-slim takes 45 MB at most, so 12 MB more stay below the 60 MB that a release may take."""
    archive = f"oci-archive:{tmp_path}/own.tar"
    copy = ["skopeo", "copy", "--quiet", "--src-daemon-host", built.host]
    subprocess.run(
        [*copy, "--dest-compress-format", "gzip", "docker-daemon:layerscope:own", archive],
        check=True,
        timeout=300,
    )
    done = layerscope(built, "report", archive, "--json", "--base", "docker:python:own")
    layers = json.loads(done.stdout)["layers"]
    assert layers[0]["sizes"]["compressed"] > 20_000_000
    added = sum(layer["sizes"]["compressed"] for layer in layers[1:])
    assert 5_000_000 < added < 12_000_000


@pytest.mark.slow
def test_the_image_runs_layerscope(built: DockerEngine, tmp_path: Path) -> None:
    image = (ROOT / "fixtures/my-python-app-buildkit.tar").read_bytes()
    assert built.docker("run", "--rm", "--network=none", "layerscope:own", "--version").startswith(
        "layerscope "
    )
    piped = built._run(
        ["run", "--rm", "-i", "--network=none", "layerscope:own", "report", "-", "--json"],
        stdin=image,
    )
    assert json.loads(piped.stdout)["image"]["tags"] == ["my-python-app:latest"]
    with pytest.raises(EngineError, match="exited 2"):
        built.docker("run", "--rm", "--network=none", "layerscope:own", "check", "x.tar")
