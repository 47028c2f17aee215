"""Podman, through its command and through its socket."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import layerscope
from layerscope.errors import BadReference, ImageNotFound, SourceUnavailable
from layerscope.sources import export, open_image
from layerscope.sources.source import BrokenOff
from tests.builder import BuiltImage, ImageBuilder, docker_legacy
from tests.cache.reading import document_of

BUILT = ImageBuilder("layerscope-test:1").layer({"a": b"podman"}, "RUN a").build()


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Podman with its own stores that holds one image; returns the path of its socket."""
    command = shutil.which("podman")
    if command is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no podman in CI")
        pytest.skip("podman is not installed")
    (tmp_path / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/graph"\nrunroot = "{tmp_path}/run"\n'
    )
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(tmp_path / "storage.conf"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("CONTAINER_HOST", "")
    monkeypatch.delenv("CONTAINER_HOST")
    path = docker_legacy([BUILT]).write(tmp_path / "image.tar")
    subprocess.run(["podman", "load", "-i", path], check=True, capture_output=True)
    yield tmp_path / "runtime/podman/podman.sock"
    subprocess.run([command, "rmi", "--all", "--force"], check=True, capture_output=True)


@pytest.fixture
def podman_socket(podman: Path) -> Iterator[Path]:
    podman.parent.mkdir(parents=True)
    command = ["podman", "system", "service", "--time", "0", f"unix://{podman}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as service:
        try:
            deadline = time.monotonic() + 30
            while not podman.exists():
                assert service.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield podman
        finally:
            service.terminate()


def check(built: BuiltImage, tmp_path: Path) -> None:
    for reference in (
        "podman:layerscope-test:1",
        "podman:localhost/layerscope-test:1",
        "podman://layerscope-test:1",
        f"podman:{built.config_digest[7:19]}",
        f"podman:{built.config_digest[7:]}",
    ):
        with open_image(reference) as image:
            assert image.source == "podman"
            assert str(image.config_digest) == built.config_digest
            (layer,) = image.layers
            assert layer.blob is not None
            assert layer.blob.read_at(0, layer.blob.size) == built.layers[0].tar
            if "layerscope-test" in reference:
                assert image.tags in (("localhost/layerscope-test:1",), ("layerscope-test:1",))
    with pytest.raises(ImageNotFound, match=r"has no image 'nope:1'; .*--pull"):
        open_image("podman:nope:1")
    with pytest.raises(BadReference, match="is not an image name"):
        open_image("podman:--help")
    export("podman:layerscope-test:1", str(tmp_path / "saved.tar"))
    with open_image(str(tmp_path / "saved.tar")) as image:
        assert str(image.config_digest) == built.config_digest


def test_an_image_is_read_through_the_command(podman: Path, tmp_path: Path) -> None:
    assert not podman.exists()
    check(BUILT, tmp_path)


@pytest.mark.engine
def test_an_image_is_read_through_the_socket(
    podman_socket: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "no-podman-here"))
    check(BUILT, tmp_path)


def test_a_named_host_that_does_not_respond_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINER_HOST", "unix:///nope.sock")
    with pytest.raises(SourceUnavailable, match=r"unix:///nope\.sock does not respond"):
        open_image("podman:x")


def test_a_missing_podman_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONTAINER_HOST", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    if Path("/run/podman/podman.sock").is_socket():
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(SourceUnavailable, match="the podman command does not run: no such file"):
        open_image("podman:x")


@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        ("exit 0", BrokenOff, "podman stopped after 0 bytes"),
        ("echo oops >&2; exit 125", SourceUnavailable, "podman failed: oops"),
        (
            '[ "$1" = image ] || { echo half; printf "two\\nlines" >&2; exit 125; }',
            BrokenOff,
            "podman could not save the image: two lines",
        ),
    ],
)
def test_a_failing_command_is_reported_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    script: str,
    kind: type[Exception],
    message: str,
) -> None:
    (tmp_path / "podman").write_text(f"#!/bin/sh\n{script}\n")
    (tmp_path / "podman").chmod(0o755)
    monkeypatch.delenv("CONTAINER_HOST", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    if Path("/run/podman/podman.sock").is_socket():
        monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(kind) as caught:
        open_image("podman:x")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.engine
@pytest.mark.parametrize("way", ["podman", "podman_socket"])
def test_an_image_is_exported_once(way: str, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(way)
    reference = "podman:layerscope-test:1"
    uncached = document_of(reference, cache=False)
    stages: list[list[str]] = []
    for _ in range(2):
        stages.append([])
        step = stages[-1]
        layerscope.read(reference, progress=lambda each, step=step: step.append(each.stage)).close()  # type: ignore[misc]
    assert "export" in stages[0]
    assert "export" not in stages[1]
    assert document_of(reference) == uncached
