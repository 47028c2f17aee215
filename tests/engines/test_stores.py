"""The engines' own stores give the same reports, byte for byte, as their exports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import layerscope
from layerscope.errors import AmbiguousImage, ImageNotFound, SourceUnavailable
from layerscope.options import ReadOptions
from layerscope.report.document.builder import build
from layerscope.sources.docker import UNTOLD
from layerscope.sources.stores import NotReadable
from tests.builder import WHITEOUT, ImageBuilder, containerd_store
from tests.builder.tools import absent

from . import busybox
from .containerd import ContainerdEngine
from .engine import NoEngineError, need

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


@pytest.fixture(params=["root", "rootless"])
def podman(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., bytes]]:
    """Runs a command as a user of Podman: as root with a store of its own, or as a user without root."""
    need("podman", "buildah")
    if request.param == "root":
        yield from _as_root(tmp_path)
    else:
        yield from _as_user()


_BIND = 'set -e; mount --bind "$0" "$1"; chmod 755 "${1%/*}"; shift; exec "$@"'
"""The interpreter may be in a folder that only root can enter, so a user gets it elsewhere."""


def _run(command: list[str], **options: Any) -> bytes:
    done = subprocess.run(command, capture_output=True, check=False, timeout=300, **options)
    assert done.returncode == 0, done.stderr.decode()
    output: bytes = done.stdout
    return output


def _as_root(folder: Path) -> Iterator[Callable[..., bytes]]:
    settings = folder / "storage.conf"
    settings.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder}/root"\nrunroot = "{folder}/run"\n'
    )
    environment = {**os.environ, "CONTAINERS_STORAGE_CONF": str(settings)}
    environment.pop("CONTAINER_HOST", None)
    yield lambda *command: _run(list(command), env=environment)
    subprocess.run(["umount", str(folder / "root/overlay")], capture_output=True, check=False)


def _as_user() -> Iterator[Callable[..., bytes]]:
    need("newuidmap", "runuser", "useradd", "userdel")
    name = f"layerscope{os.getpid()}"
    _run(["useradd", "--create-home", name])
    try:
        ids = Path("/etc/subuid").read_text() + Path("/etc/subgid").read_text()
        if ids.count(f"{name}:") < 2:
            absent("useradd gives no subordinate IDs")
        with tempfile.TemporaryDirectory() as runtime:
            shutil.chown(runtime, name)
            settings = Path(runtime, "storage.conf")
            settings.write_text('[storage]\ndriver = "overlay"\n')
            environment = [
                f"XDG_RUNTIME_DIR={runtime}",
                f"HOME=/home/{name}",
                f"CONTAINERS_STORAGE_CONF={settings}",
            ]
            python = Path(runtime, "python")
            python.mkdir()
            bound = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _BIND]
            prefix = [
                *bound,
                sys.base_prefix,
                str(python),
                "runuser",
                "-u",
                name,
                "--",
                "env",
                "-u",
                "CONTAINER_HOST",
                *environment,
            ]
            program = f"{python}/bin/{Path(sys.executable).resolve().name}"
            yield lambda *command: _run(
                [*prefix, *(program if word == sys.executable else word for word in command)],
                cwd="/",
            )
            _run([*prefix, "podman", "system", "reset", "--force"], cwd="/")
    finally:
        _run(["userdel", "--remove", name])


def test_the_store_of_podman_gives_the_same_report(
    podman: Callable[..., bytes], context: Path
) -> None:
    tar = context.parent / "busybox.tar"
    tar.write_bytes(busybox.root_tar())
    for path in (context, tar, *context.parents):
        if path.is_relative_to(tempfile.gettempdir()) and path != Path(tempfile.gettempdir()):
            path.chmod(0o755)
    podman("podman", "import", "--quiet", str(tar), "localhost/busybox:latest")
    podman(
        "podman",
        "build",
        "--quiet",
        "--layers",
        "--isolation=chroot",
        "--tag",
        "stores:1",
        str(context),
    )
    image_id = podman("podman", "image", "inspect", "--format", "{{.Id}}", "stores:1").decode()
    package = ":".join([str(Path(layerscope.__file__).parents[1]), *filter(None, sys.path)])
    for name in ("stores:1", image_id.strip()):
        reports = [
            podman(
                "env", f"PYTHONPATH={package}", sys.executable, "-m", "layerscope", "report",
                f"podman:{name}", "--json", "--files", "--no-cache", *via,
            )
            for via in (["--via", "store"], ["--via", "export"], [])
        ]  # fmt: skip
        assert reports[0] == reports[1] == reports[2]
        assert json.loads(reports[0])["wasted_by_kind"]["deleted"] > 1_000_000


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


def test_the_head_of_an_image_needs_neither_the_store_nor_an_export(
    docker_engine: DockerEngine, context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    tag = docker_engine.build(context, "stores:head", buildkit=True)

    def head(**options: Any) -> dict[str, Any]:
        with layerscope.read(
            f"docker:{tag}", ReadOptions(head=True, cache=False, **options)
        ) as read:
            found: dict[str, Any] = json.loads(json.dumps(build(read)))
        found["image"].pop("manifest_digest")
        found["notes"] = [row for row in found["notes"] if row["code"] != "engine-inspected"]
        return found

    exported = head(via="export")

    def refuse(*_: object) -> None:
        raise NotReadable("permission denied")

    monkeypatch.setattr("layerscope.sources.stores.docker.check_readable", refuse)
    monkeypatch.setattr("layerscope.sources.docker.saved", refuse)
    assert head() == exported


class GraphDriverEngine(ContainerdEngine):
    """Docker 26 with the graph driver, whose saves are OCI layouts of plain tars."""

    name = "docker 26 with a graph driver"

    def configuration(self) -> dict[str, object]:
        return {"features": {"containerd-snapshotter": False}, "storage-driver": "overlay2"}


@contextmanager
def seen_from_outside(engine: Engine) -> Iterator[None]:
    """Make the path that an engine with a root of its own has for its data lead there from outside too."""
    inside = Path(engine.inside(engine.folder))
    inside.symlink_to(engine.folder)
    try:
        yield
    finally:
        inside.unlink()


def test_the_graph_driver_of_docker_26_gives_the_same_report(
    context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = GraphDriverEngine()
    try:
        engine.check_available()
    except NoEngineError as error:
        absent(str(error))
    with engine, seen_from_outside(engine):
        engine.import_busybox()
        check_graph_driver(engine, context, monkeypatch, buildkit=True)


@pytest.mark.parametrize("provenance", [None, "max"])
def test_the_containerd_of_docker_gives_the_same_report(
    containerd_engine: ContainerdEngine,
    context: Path,
    monkeypatch: pytest.MonkeyPatch,
    provenance: str | None,
) -> None:
    monkeypatch.setenv("DOCKER_HOST", containerd_engine.host)
    tag = containerd_engine.build(context, f"stores:{provenance}", provenance=provenance)
    with seen_from_outside(containerd_engine):
        found = same_by_both(f"docker:{tag}")
        evidence = {row["evidence"] for row in found["instructions"]}  # type: ignore[attr-defined]
        assert ("provenance" in evidence) == (provenance == "max")
        image_id = containerd_engine.docker("image", "inspect", "--format", "{{.Id}}", tag)
        same_by_both(f"docker:{image_id}")


def test_the_head_of_an_image_in_docker_with_containerd_needs_no_export(
    containerd_engine: ContainerdEngine, context: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", containerd_engine.host)
    tag = containerd_engine.build(context, "stores:snapshots", provenance="max")
    told: list[str] = []

    def head(**options: Any) -> dict[str, Any]:
        asked = ReadOptions(head=True, cache=False, **options)
        with layerscope.read(f"docker:{tag}", asked, remark=told.append) as read:
            found: dict[str, Any] = json.loads(json.dumps(build(read)))
        return found

    exported = head(via="export")
    assert exported["sizes"]["compressed"] > 0
    assert head() == exported
    assert told == [UNTOLD]  # the store is not where the engine, with a root of its own, says

    def refuse(*_: object) -> None:
        pytest.fail("exports the image")

    monkeypatch.setattr("layerscope.sources.docker.saved", refuse)
    with seen_from_outside(containerd_engine):
        assert head() == exported
    assert told == [UNTOLD]


@pytest.fixture
def containerd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., bytes]]:
    """Runs `ctr` against a containerd of its own."""
    need("containerd", "ctr", "setpriv")
    with tempfile.TemporaryDirectory(prefix="ctd-") as name:
        folder = Path(name)
        (folder / "config.toml").write_text(
            f'version = 2\nroot = "{folder}/root"\nstate = "{folder}/state"\n'
            'disabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\naddress = "{folder}/sock"\n'
        )
        monkeypatch.setenv("CONTAINERD_ADDRESS", f"{folder}/sock")
        monkeypatch.setenv("CONTAINERD_ROOT", f"{folder}/root")
        monkeypatch.delenv("CONTAINERD_NAMESPACE", raising=False)
        command = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            "containerd",
            "--config",
            f"{folder}/config.toml",
        ]
        with (
            (folder / "log").open("wb") as log,
            subprocess.Popen(command, stdout=log, stderr=log) as daemon,
        ):
            try:
                deadline = time.monotonic() + 60
                while subprocess.run(
                    ["ctr", "version"], capture_output=True, check=False
                ).returncode:
                    assert time.monotonic() < deadline, (folder / "log").read_text()
                    time.sleep(0.2)
                yield lambda *arguments: _run(["ctr", *arguments])
            finally:
                daemon.terminate()
                daemon.wait(30)


def test_the_store_of_containerd_gives_the_same_report(
    containerd: Callable[..., bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With several platforms and attestations, in two namespaces."""
    images = [
        ImageBuilder("app:1", architecture=name)
        .layer({"a": name.encode() * 100, "b": b"b"}, "RUN one")
        .layer({"a": WHITEOUT}, "RUN two")
        .build()
        for name in ("amd64", "arm64")
    ]
    archive = containerd_store(images)
    archive.write(tmp_path / "image.tar")
    (top,) = json.loads(archive["index.json"])["manifests"]
    options = ["images", "import", "--all-platforms", "--no-unpack", str(tmp_path / "image.tar")]
    containerd("-n", "default", *options)
    for name in ("containerd:app:1", "containerd:docker.io/library/app:1"):
        found = same_by_both(name)
        assert found["sizes"]["wasted"] > 0  # type: ignore[index]
    for platform in ("linux/amd64", "linux/arm64"):
        same_by_both("containerd:app:1", "--platform", platform)
    same_by_both(f"containerd:{top['digest']}")
    containerd("-n", "k8s.io", *options)
    same_by_both("containerd:app:1")
    other = ImageBuilder("app:1").layer({"c": b"c"}, "RUN other").build()
    containerd_store([other]).write(tmp_path / "other.tar")
    containerd("-n", "moby", *options[:-1], str(tmp_path / "other.tar"))
    with pytest.raises(AmbiguousImage, match="CONTAINERD_NAMESPACE"):
        layerscope.read("containerd:app:1")
    monkeypatch.setenv("CONTAINERD_NAMESPACE", "moby")
    moved = same_by_both("containerd:app:1")
    assert moved["sizes"]["content"] == 1  # type: ignore[index]
    monkeypatch.setenv("CONTAINERD_NAMESPACE", "nope")
    with pytest.raises(ImageNotFound, match="'nope'"):
        layerscope.read("containerd:app:1")


def test_the_head_of_an_image_of_containerd_needs_no_export(
    containerd: Callable[..., bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`ctr` hands out the documents, which have the sizes of the layers."""
    images = [
        ImageBuilder("docker.io/library/app:1", architecture=name)
        .layer({"a": name.encode() * 100}, "RUN one")
        .build()
        for name in ("amd64", "arm64")
    ]
    containerd_store(images).write(tmp_path / "image.tar")
    options = ["images", "import", "--all-platforms", "--no-unpack", str(tmp_path / "image.tar")]
    containerd("-n", "default", *options)

    def head(**more: Any) -> dict[str, Any]:
        asked = ReadOptions(head=True, cache=False, **more)
        with layerscope.read("containerd:app:1", asked) as read:
            found: dict[str, Any] = json.loads(json.dumps(build(read)))
        return found

    def refuse(*_: object) -> None:
        pytest.fail("exports the image")

    for platform in (None, "linux/arm64"):
        stored = head(platform=platform, via="store")
        with monkeypatch.context() as hidden:
            hidden.setenv("CONTAINERD_ROOT", str(tmp_path / "hidden"))
            assert head(platform=platform, via="export") == stored
            hidden.setattr("layerscope.sources.containerd.stream", refuse)
            assert head(platform=platform) == stored
        assert stored["sizes"]["compressed"] > 0
    monkeypatch.setenv("CONTAINERD_ROOT", str(tmp_path / "hidden"))
    with pytest.raises(SourceUnavailable, match="ctr could not export the image"):
        layerscope.read("containerd:none:1", ReadOptions(head=True))
