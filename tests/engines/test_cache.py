"""An engine's image whose layers are known is not exported again, and its report is identical byte for byte."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import layerscope
from layerscope.analysis.content_hashes import live_contents, read_contents
from layerscope.errors import FormatError
from layerscope.filesystem.content import open_content
from layerscope.options import ReadOptions
from layerscope.progress import Progress
from tests.builder import FORMS, ImageBuilder
from tests.cache.reading import document_of, layers_read

if TYPE_CHECKING:
    from .containerd import ContainerdEngine
    from .engine import DockerEngine, Engine

DOCKERFILE = """\
FROM busybox
RUN echo one > /one && echo same > /same
RUN echo two > /one && touch -d @5 /same
RUN rm /one && head -c 9000 /dev/urandom > /noise
"""
EXPORT = ReadOptions(via="export")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-config"))


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


@pytest.fixture(params=["docker", "containerd"])
def engine(
    request: pytest.FixtureRequest,
    docker_engine: DockerEngine,
    containerd_engine: ContainerdEngine,
    monkeypatch: pytest.MonkeyPatch,
) -> Engine:
    chosen: Engine = docker_engine if request.param == "docker" else containerd_engine
    monkeypatch.setenv("DOCKER_HOST", chosen.host)
    return chosen


def exports(reference: str, options: ReadOptions = EXPORT) -> int:
    """How often the engine exports while a report is made."""
    started = []

    def progress(step: Progress) -> None:
        if step.stage == "export" and not step.done:
            started.append(step)

    layerscope.read(reference, options, progress=progress).close()
    return len(started)


def test_an_image_is_exported_once(engine: Engine, context: Path) -> None:
    tag = engine.build(context, "cached:1", buildkit=False)
    reference = f"docker:{tag}"
    uncached = document_of(reference, via="export", cache=False)
    assert exports(reference) == 1
    assert exports(reference) == 0
    assert document_of(reference, via="export") == uncached
    assert document_of(reference, via="export") == uncached
    assert exports(reference, replace(EXPORT, verify="full")) == 1
    assert exports(reference, replace(EXPORT, cache=False)) == 1
    assert document_of(reference, verify="off", via="export") == document_of(
        reference, verify="off", cache=False
    )


def test_hashes_that_were_read_once_are_cached(engine: Engine, context: Path) -> None:
    reference = f"docker:{engine.build(context, 'cached:2', buildkit=False)}"
    document_of(reference, via="export")
    started = []

    def progress(step: Progress) -> None:
        started.append(step.stage)

    with layerscope.read(reference, EXPORT, progress=progress) as analysis:
        read_contents(live_contents(analysis.tree), analysis.indexes)
    assert "export" not in started


def test_the_export_runs_when_content_is_read(engine: Engine, context: Path) -> None:
    reference = f"docker:{engine.build(context, 'cached:3', buildkit=False)}"
    exports(reference)
    started = []

    def progress(step: Progress) -> None:
        if step.stage == "export" and not step.done:
            started.append(step)

    with layerscope.read(reference, EXPORT, progress=progress) as analysis:
        node = analysis.tree.find(b"noise")
        assert node is not None
        assert node.latest is not None
        assert not started
        for _ in range(2):
            content = open_content(node.latest, analysis.indexes)
            assert len(content.read(0, 10_000)) == 9000
        assert len(started) == 1


def test_a_changed_image_is_exported(engine: Engine, context: Path) -> None:
    reference = f"docker:{engine.build(context, 'cached:4', buildkit=False)}"
    exports(reference)
    (context / "Dockerfile").write_text(DOCKERFILE + "ENV A=b\n")
    engine.build(context, "cached:4", buildkit=False)
    assert exports(reference) == 1
    assert '"A=b"' in document_of(reference, via="export")


def test_an_image_that_is_gone_is_not_found_in_the_cache(engine: Engine, context: Path) -> None:
    tag = engine.build(context, "cached:5", buildkit=False)
    exports(f"docker:{tag}")
    engine.docker("rmi", tag)
    with pytest.raises(layerscope.errors.ImageNotFound):
        exports(f"docker:{tag}")


def test_a_layer_of_the_engines_store_is_indexed_once(
    docker_engine: DockerEngine, context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what was exported once is known in the store as well."""
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    reference = f"docker:{docker_engine.build(context, 'cached:7', buildkit=False)}"
    uncached = document_of(reference, via="store", cache=False)
    assert document_of(reference, via="store") == uncached
    for via in ("store", "export"):
        with layers_read(monkeypatch) as names:
            assert document_of(reference, via=via) == uncached
        assert names == []


def test_what_an_engine_exported_changes_no_report_of_a_layout(
    docker_engine: DockerEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A compressed layer keeps its own sizes, though its tar is known."""
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    image = ImageBuilder("cached:6").layer({"a": b"a" * 9000}, "RUN a").build()
    path = FORMS["docker-legacy"].write([image], tmp_path / "image.tar")
    docker_engine.docker("load", "-i", path.partition(":")[2])
    document_of("docker:cached:6", via="export")
    layout = FORMS["oci-dir"].write([image], tmp_path / "layout", "gzip")
    assert document_of(layout) == document_of(layout, cache=False)


def test_why_the_store_is_not_read_is_only_said_when_that_means_an_export(
    docker_engine: DockerEngine, context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: str) -> None:
        raise FormatError(f"{path} is odd")

    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    monkeypatch.setattr("layerscope.sources.stores.docker.check_readable", refuse)
    reference = f"docker:{docker_engine.build(context, 'cached:8', buildkit=False)}"
    remarks: list[str] = []
    layerscope.read(reference, remark=remarks.append).close()
    assert len(remarks) == 1
    assert "is odd" in remarks[0]
    layerscope.read(reference, remark=remarks.append).close()
    assert len(remarks) == 1
