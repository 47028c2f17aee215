"""How `layerscope build` reads its arguments. The tests with real engines check that it builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from layerscope.cli.build import Build, find_engine
from layerscope.errors import SourceUnavailable, UsageError
from tests.cli.conftest import Run


def dockerfile(engine: str, *arguments: str) -> str | None:
    return Build(engine, arguments, "iid").dockerfile()


def test_the_dockerfile_is_found_in_the_context(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    context = str(tmp_path)
    assert dockerfile("docker", "-t", "a", context) == str(tmp_path / "Dockerfile")
    assert dockerfile("podman", context) == str(tmp_path / "Dockerfile")
    (tmp_path / "Containerfile").write_text("FROM scratch\n")
    assert dockerfile("podman", context) == str(tmp_path / "Containerfile")
    assert dockerfile("docker", context) == str(tmp_path / "Dockerfile")
    assert dockerfile("docker", "-") is None
    assert dockerfile("docker", "https://host/repository.git") is None


@pytest.mark.parametrize(
    "spelling", [["-f", "{}"], ["-f{}"], ["-f={}"], ["--file", "{}"], ["--file={}"]]
)
def test_every_spelling_of_the_file_option_is_understood(
    tmp_path: Path, spelling: list[str]
) -> None:
    (tmp_path / "Dockerfile").write_text("")
    (tmp_path / "other").write_text("")
    for name in (str(tmp_path / "other"), "other"):
        words = [part.format(name) for part in spelling]
        assert dockerfile("docker", "--force-rm", *words, str(tmp_path)) == str(tmp_path / "other")
    assert dockerfile("docker", "-f", "no-such-file", str(tmp_path)) is None


def test_the_client_is_docker_unless_another_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LAYERSCOPE_ENGINE", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceUnavailable, match="docker is not installed"):
        find_engine()
    for name in ("podman", "docker"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        assert find_engine() == name
    monkeypatch.setenv("LAYERSCOPE_ENGINE", "podman")
    assert find_engine() == "podman"
    monkeypatch.setenv("LAYERSCOPE_ENGINE", "rm")
    with pytest.raises(UsageError, match="LAYERSCOPE_ENGINE is 'rm'"):
        find_engine()


def test_a_build_needs_arguments_and_a_client(run: Run) -> None:
    done = run("build")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is nothing to build" in done.stderr
    done = run("build", ".", env={"PATH": "/nonexistent"})
    assert done.returncode == 3
    assert "docker is not installed" in done.stderr
    assert "docker build ARGS" in run("build", "--help").stdout
