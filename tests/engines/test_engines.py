"""Checks what the other tests assume about engines: the forms of their saves, and that nothing outlives them."""

from __future__ import annotations

import gzip
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from .containerd import ContainerdEngine
from .engine import DockerEngine, Engine, EngineError

DOCKERFILE = """\
FROM busybox
RUN echo one > /one
WORKDIR /work
COPY Dockerfile .
RUN rm /one
CMD ["cat", "/work/Dockerfile"]
"""
IN_TOTO = "application/vnd.in-toto+json"


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


def read_json(archive: tarfile.TarFile, name: str) -> Any:
    member = archive.extractfile(name)
    assert member is not None
    return json.load(member)


def blob(archive: tarfile.TarFile, descriptor: dict[str, Any]) -> Any:
    return read_json(archive, "blobs/" + descriptor["digest"].replace(":", "/"))


def processes_in(folder: str) -> list[str]:
    """Command lines of processes, in any namespace, that mention ``folder``."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (
                    (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                )
            except (FileNotFoundError, ProcessLookupError):
                continue
            if folder in line:
                found.append(line)
    return found


@pytest.mark.parametrize("buildkit", [False, True], ids=["classic", "buildkit"])
def test_docker_saves_uncompressed_layers(
    docker_engine: DockerEngine, context: Path, tmp_path: Path, buildkit: bool
) -> None:
    tag = docker_engine.build(
        context, f"shape:{'buildkit' if buildkit else 'classic'}", buildkit=buildkit
    )
    with tarfile.open(docker_engine.save(tag, tmp_path / "image.tar")) as archive:
        (entry,) = read_json(archive, "manifest.json")
        config = read_json(archive, entry["Config"])
        assert entry["RepoTags"] == [tag]
        assert len(entry["Layers"]) == len(config["rootfs"]["diff_ids"])
        for name in entry["Layers"]:
            layer = archive.extractfile(name)
            assert layer is not None
            with tarfile.open(fileobj=layer, mode="r:"):
                pass
    created_by = [item.get("created_by", "") for item in config["history"]]
    if buildkit:
        assert "RUN /bin/sh -c echo one > /one # buildkit" in created_by
    else:
        assert "/bin/sh -c echo one > /one" in created_by
        assert '/bin/sh -c #(nop)  CMD ["cat" "/work/Dockerfile"]' in created_by


def test_docker_runs_the_dockerfile(docker_engine: DockerEngine, context: Path) -> None:
    tag = docker_engine.build(context, "run:latest", buildkit=False)
    assert docker_engine.docker("run", "--rm", "--network", "none", tag) == DOCKERFILE.rstrip("\n")


def test_containerd_saves_compressed_layers_and_provenance(
    containerd_engine: ContainerdEngine, context: Path, tmp_path: Path
) -> None:
    tag = containerd_engine.build(context, "shape:latest", provenance="max")
    with tarfile.open(containerd_engine.save(tag, tmp_path / "image.tar")) as archive:
        (named,) = read_json(archive, "index.json")["manifests"]
        image, attestation = blob(archive, named)["manifests"]
        assert attestation["platform"] == {"architecture": "unknown", "os": "unknown"}
        assert attestation["annotations"]["vnd.docker.reference.digest"] == image["digest"]
        for layer in blob(archive, image)["layers"]:
            stored = archive.extractfile("blobs/" + layer["digest"].replace(":", "/"))
            assert stored is not None
            with gzip.open(stored) as stream, tarfile.open(fileobj=stream, mode="r:"):
                pass
        statements = [
            blob(archive, layer)
            for layer in blob(archive, attestation)["layers"]
            if layer["mediaType"] == IN_TOTO
        ]
    (provenance,) = [item for item in statements if "slsa.dev/provenance" in item["predicateType"]]
    (source,) = provenance["predicate"]["metadata"]["https://mobyproject.org/buildkit@v1#metadata"][
        "source"
    ]["infos"]
    assert source["filename"] == "Dockerfile"


def test_a_failed_build_includes_the_engines_output(
    docker_engine: DockerEngine, context: Path
) -> None:
    (context / "Dockerfile").write_text("FROM busybox\nRUN echo this is the reason && false\n")
    with pytest.raises(EngineError, match="this is the reason"):
        docker_engine.build(context, "failed:latest", buildkit=False)


@pytest.mark.parametrize("kind", [DockerEngine, ContainerdEngine])
def test_nothing_outlives_an_engine(
    kind: type[Engine], docker_engine: DockerEngine, containerd_engine: ContainerdEngine
) -> None:
    """Requests the fixtures only to skip the test if no engine can run."""
    mounts = Path("/proc/mounts").read_text()
    with kind() as engine:
        folder = engine.folder
        tag = engine.import_busybox()
        engine.docker(
            "run", "--detach", "--network", "none", "--stop-signal", "KILL", tag, "sleep", "1000"
        )
        running = processes_in(folder.name)
        assert any("containerd-shim" in line for line in running)
    assert processes_in(folder.name) == []
    assert Path("/proc/mounts").read_text() == mounts
    assert not folder.exists()
