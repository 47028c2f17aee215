"""The engines' own stores give the same reports, byte for byte, as their exports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .engine import DockerEngine, Engine

DOCKERFILE = """\
FROM busybox
RUN mkdir -p /d/e && echo one > /d/one && cp /bin/busybox /d/bb && ln /d/bb /d/cc && ln -s bb /d/dd
WORKDIR /work
RUN chmod 700 /d/bb; rm /d/one; echo two > /d/e/two
RUN rm -rf /d && mkdir /d && echo x > /d/x
CMD ["cat"]
"""


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-config"))


def report(reference: str, *options: str) -> bytes:
    command = [sys.executable, "-m", "layerscope", "report", reference, "--json", "--files"]
    done = subprocess.run(
        [*command, "--no-cache", *options], capture_output=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr
    return done.stdout


def same_by_both(reference: str, *options: str) -> dict[str, object]:
    stored = report(reference, "--via", "store", *options)
    assert report(reference, "--via", "export", *options) == stored
    assert report(reference, *options) == stored
    found: dict[str, object] = json.loads(stored)
    return found


@pytest.mark.parametrize("buildkit", [False, True], ids=["classic", "buildkit"])
def test_the_graph_driver_gives_the_same_report(
    docker_engine: DockerEngine, context: Path, monkeypatch: pytest.MonkeyPatch, buildkit: bool
) -> None:
    check_graph_driver(docker_engine, context, monkeypatch, buildkit)


def check_graph_driver(
    engine: Engine, context: Path, monkeypatch: pytest.MonkeyPatch, buildkit: bool
) -> None:
    """By tag and by ID; the classic builder and BuildKit write layers of their own."""
    monkeypatch.setenv("DOCKER_HOST", engine.host)
    tag = engine.build(
        context, f"stores:{'buildkit' if buildkit else 'classic'}", buildkit=buildkit
    )
    found = same_by_both(f"docker:{tag}")
    wasted = found["wasted_by_kind"]
    assert isinstance(wasted, dict)
    assert wasted["metadata_only"] + wasted["deleted"] > 2_000_000
    same_by_both(f"docker:{engine.docker('image', 'inspect', '--format', '{{.Id}}', tag)}")
    same_by_both(f"docker:{tag}", "--verify")
