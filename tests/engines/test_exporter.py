"""The exporter against real engines: what it looks up, what it saves, and how it reports each failure."""

from __future__ import annotations

import http.server
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest

from layerscope.errors import ConfigError, ImageNotFound, OutputError, SourceUnavailable
from layerscope.image.platform import Platform
from layerscope.progress import Progress
from layerscope.sources import export, open_image
from layerscope.sources.source import BrokenOff
from tests.builder import ImageBuilder, digest_of, oci
from tests.processes.unmeasured import unmeasured

if TYPE_CHECKING:
    from .containerd import ContainerdEngine
    from .engine import DockerEngine, Engine

DOCKERFILE = "FROM busybox\nRUN echo one > /one\nENV A=b\nRUN rm /one\n"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "no-config"))


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


@pytest.fixture
def docker(docker_engine: DockerEngine, context: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("DOCKER_HOST", docker_engine.host)
    docker_engine.build(context, "exporter:1", buildkit=False)
    return docker_engine


@pytest.fixture
def containerd(
    containerd_engine: ContainerdEngine, context: Path, monkeypatch: pytest.MonkeyPatch
) -> Engine:
    monkeypatch.setenv("DOCKER_HOST", containerd_engine.host)
    containerd_engine.build(context, "exporter:1", provenance="max")
    return containerd_engine


def test_an_image_is_found_by_every_name_id_and_spelling(docker: Engine) -> None:
    image_id = docker.docker("image", "inspect", "--format", "{{.Id}}", "exporter:1")
    for reference in (
        "docker:exporter:1",
        "docker://exporter:1",
        "docker-daemon:exporter:1",
        "docker:docker.io/library/exporter:1",
        "exporter:1",
    ):
        with open_image(reference) as image:
            assert image.source == "docker"
            assert image.reference == reference
            assert image.tags == ("exporter:1",)
            assert str(image.config_digest) == image_id
            assert len(image.layers) == 3
            assert [layer.instruction for layer in image.layers] == [0, 1, 3]
            assert not image.notes
    for reference in (image_id, image_id.removeprefix("sha256:"), image_id[7:19]):
        with open_image(f"docker:{reference}") as image:
            assert str(image.config_digest) == image_id


def test_the_requested_tag_is_the_saved_tag(docker: Engine, tmp_path: Path) -> None:
    docker.docker("tag", "exporter:1", "other.example/exporter:two")
    with open_image("docker:other.example/exporter:two") as image:
        assert image.tags == ("other.example/exporter:two",)
    export("docker:other.example/exporter:two", str(tmp_path / "x.tar"))
    docker.docker("rmi", "other.example/exporter:two")
    assert "other.example/exporter:two" in docker.docker("load", "-i", str(tmp_path / "x.tar"))
    with open_image(str(tmp_path / "x.tar")) as image:
        assert image.tags == ("other.example/exporter:two",)


def test_a_missing_image_is_reported_with_a_remedy(docker: Engine, tmp_path: Path) -> None:
    for reference in ("docker:nope:1", "docker:0123456789ab", "docker:exporter"):
        with pytest.raises(ImageNotFound, match=r"has no image .*--pull") as caught:
            open_image(reference)
        assert caught.value.exit_code == 3
    with pytest.raises(ImageNotFound, match="has no image"):
        export("docker:nope:1", str(tmp_path / "x"))
    with pytest.raises((ImageNotFound, SourceUnavailable)) as pulled:
        open_image("docker:localhost:1/nope:1", pull=True)
    assert "\n" not in str(pulled.value)
    with pytest.raises(
        ImageNotFound, match=r"no image 'nope:1' was found \(no such file; the Docker"
    ):
        open_image("nope:1")


def test_an_image_of_another_platform_is_refused(docker: Engine) -> None:
    other = "s390x" if Platform.of_host().architecture != "s390x" else "amd64"
    with pytest.raises(ImageNotFound, match=f"not for linux/{other}"):
        open_image("docker:exporter:1", platform=f"linux/{other}")


def test_an_export_equals_docker_save(docker: Engine, tmp_path: Path) -> None:
    told: list[Progress] = []
    size = export("docker:exporter:1", str(tmp_path / "ours.tar"), progress=told.append)
    docker.save("exporter:1", tmp_path / "theirs.tar")

    def members(path: Path) -> dict[str, bytes | None]:
        with tarfile.open(path) as archive:
            return {
                member.name: file.read() if (file := archive.extractfile(member)) else None
                for member in archive
                if not member.issym()
            }

    assert members(tmp_path / "ours.tar") == members(tmp_path / "theirs.tar")
    assert size == (tmp_path / "ours.tar").stat().st_size
    assert told[0] == Progress("export", 0, None), "before the engine is ready"
    assert told[-1].stage == "export"
    assert told[-1].done == size


def test_an_export_can_go_to_standard_output(docker: Engine) -> None:
    program = "from layerscope.sources import export; export('docker:exporter:1', '-')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        assert "manifest.json" in archive.getnames()
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", program], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert (
        b"OutputError: cannot write to standard output after 0 bytes: no space left" in done.stderr
    )


def test_reading_leaves_no_file(
    docker: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = sorted(tmp_path.iterdir())
    with open_image("docker:exporter:1", via="export") as image:
        assert sorted(tmp_path.iterdir()) == before
        assert image.layers[0].blob is not None
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(OutputError, match="set TMPDIR"):
        open_image("docker:exporter:1", via="export")


def test_docker_contexts_select_the_engine(
    docker: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_HOST")
    config = tmp_path / "config"
    monkeypatch.setenv("DOCKER_CONFIG", str(config))
    subprocess.run(
        ["docker", "context", "create", "mine", "--docker", f"host={docker.host}"],
        check=True,
        capture_output=True,
    )
    monkeypatch.setenv("DOCKER_CONTEXT", "mine")
    assert not (config / "config.json").exists()
    with open_image("docker:exporter:1") as image:
        assert len(image.layers) == 3
    monkeypatch.delenv("DOCKER_CONTEXT")
    (config / "config.json").write_text('{"currentContext": "mine"}')
    with open_image("docker:exporter:1") as image:
        assert len(image.layers) == 3
    monkeypatch.setenv("DOCKER_HOST", "unix:///nope.sock")
    with pytest.raises(
        SourceUnavailable, match=r"unix:///nope\.sock does not respond: no such socket"
    ):
        open_image("docker:exporter:1")
    monkeypatch.delenv("DOCKER_HOST")
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    with pytest.raises(ConfigError, match="there is no Docker context 'gone'"):
        open_image("docker:exporter:1")


def test_an_engine_is_reached_over_ssh(
    docker: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for ssh that runs the words after the host on this machine."""
    pytest.importorskip("paramiko", reason="docker[ssh] is not installed")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    ssh = bin_folder / "ssh"
    ssh.write_text(
        f'#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done; shift 2\nDOCKER_HOST={docker.host} exec $*\n'
    )
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_HOST", "ssh://someone@host.example")
    # In a separate process, because the SDK relies on the garbage collector to end its ssh.
    program = (
        "from layerscope.sources import open_image\n"
        "with open_image('docker:exporter:1') as image: print(len(image.layers))"
    )

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "ignore", "-c", program],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    done = run()
    assert (done.stdout, done.stderr) == ("3\n", "")
    ssh.write_text("#!/bin/sh\nexit 255\n")
    assert "check that `ssh ssh://someone@host.example docker version` works" in run().stderr


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("unix:///nope/docker.sock", "does not respond: no such socket; start the engine"),
        ("unix:///etc/passwd", "does not respond: connection refused"),
        ("tcp://127.0.0.1:1", "at tcp://127.0.0.1:1 does not respond: connection refused"),
        ("tcp://user:secret@127.0.0.1:1", "at tcp://127.0.0.1:1 does not respond"),
        ("nonsense", "at nonsense does not respond"),
        ("gopher://x", "at gopher://x does not respond"),
    ],
)
def test_an_engine_that_does_not_respond_is_reported_with_its_address(
    monkeypatch: pytest.MonkeyPatch, host: str, message: str
) -> None:
    monkeypatch.setenv("DOCKER_HOST", host)
    with pytest.raises(SourceUnavailable) as caught:
        open_image("docker:x")
    assert message in str(caught.value)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 3


def test_missing_certificates_are_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="check DOCKER_CERT_PATH"):
        open_image("docker:x")


def test_a_socket_without_permission_names_the_group_to_join(docker: Engine) -> None:
    if shutil.which("setpriv") is None:
        pytest.fail("every Debian has setpriv")
    program = "from layerscope.sources import open_image; open_image('docker:exporter:1')"
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--clear-groups", sys.executable, "-c", program],
        capture_output=True,
        check=False,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert "permission denied; join the group" in done.stderr or "ermission" in done.stderr


class Registry(http.server.BaseHTTPRequestHandler):
    """One image, as a registry on this machine serves it to an engine that pulls."""

    files: ClassVar[dict[str, tuple[str, bytes]]] = {}

    def do_GET(self) -> None:
        unknown = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
        kind, data = self.files.get(self.path.rpartition("/")[2], ("application/json", unknown))
        known = data is not unknown or self.path == "/v2/"
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Docker-Content-Digest", digest_of(data))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)

    do_HEAD = do_GET  # noqa: N815 - the names are http.server's

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def registry() -> Iterator[str]:
    built = ImageBuilder().layer({"a": b"pulled" * 5000}, "RUN pulled").build()
    archive = oci([built], docker=True)
    (manifest,) = json.loads(archive["index.json"])["manifests"]
    for name in archive:
        if name.startswith("blobs/"):
            data = archive[name]
            Registry.files["sha256:" + name.rpartition("/")[2]] = ("application/octet-stream", data)
    data = Registry.files[manifest["digest"]][1]
    Registry.files[manifest["digest"]] = Registry.files["1"] = (manifest["mediaType"], data)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"localhost:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_an_image_is_pulled_only_on_request(docker: Engine, registry: str, tmp_path: Path) -> None:
    name = f"{registry}/pulled:1"
    with pytest.raises(ImageNotFound):
        open_image(f"docker:{name}")
    with pytest.raises(ImageNotFound, match="could not pull"):
        open_image(f"docker:{registry}/pulled:2", pull=True)
    with open_image(name, pull=True) as image:
        assert image.tags == (name,)
        assert image.instructions[0].text == "RUN pulled"
    docker.docker("rmi", name)
    assert export(f"docker:{name}", str(tmp_path / "x.tar"), pull=True) > 0
    docker.docker("rmi", name)


class CutConnection:
    """A proxy for an engine that cuts off a save after some bytes."""

    def __init__(self, socket_path: Path, engine: Path, after: int) -> None:
        import socket

        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(socket_path))
        self.listening.listen()
        self.engine = engine
        self.after = after
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client: object) -> None:
        import socket

        assert isinstance(client, socket.socket)
        with client, socket.socket(socket.AF_UNIX) as server:
            server.connect(str(self.engine))
            threading.Thread(target=self.copy, args=(client, server, 1 << 60), daemon=True).start()
            self.copy(server, client, self.after)

    @staticmethod
    def copy(source: object, target: object, left: int) -> None:
        import socket

        assert isinstance(source, socket.socket)
        assert isinstance(target, socket.socket)
        try:
            while left > 0 and (data := source.recv(min(left, 4096))):
                target.sendall(data)
                left -= len(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def close(self) -> None:
        self.listening.close()


@pytest.fixture
def cut(docker: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CutConnection]:
    proxy = CutConnection(tmp_path / "proxy.sock", docker.socket, 300_000)
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/proxy.sock")
    yield proxy
    proxy.close()


def test_an_export_that_the_engine_cuts_off_is_an_error(cut: CutConnection, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"old")
    for use in (
        lambda: export("docker:exporter:1", str(tmp_path / "x"), force=True),
        lambda: open_image("docker:exporter:1", via="export"),
        lambda: open_image("exporter:1", via="export"),
    ):
        with pytest.raises(BrokenOff, match=r"stopped after [1-9][0-9]* bytes") as caught:
            use()
        assert caught.value.exit_code == 3
        assert "\n" not in str(caught.value)
    assert (tmp_path / "x").read_bytes() == b"old"
    assert not [entry for entry in tmp_path.iterdir() if "layerscope" in entry.name]


def test_an_interrupted_export_leaves_no_file(docker: Engine, tmp_path: Path) -> None:
    program = (
        "import sys, time; from layerscope.sources import export\n"
        "def slow(progress):\n"
        "    if progress.done: print(progress.done, flush=True); time.sleep(30)\n"
        "export('docker:exporter:1', sys.argv[1], progress=slow)"
    )
    (tmp_path / "out").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "out/x")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=unmeasured(),
    ) as child:
        assert child.stdout is not None
        assert int(child.stdout.readline()) > 0
        started = time.monotonic()
        child.send_signal(signal.SIGINT)
        child.wait(20)
        assert time.monotonic() - started < 20
    assert list((tmp_path / "out").iterdir()) == []


def test_the_containerd_store_gives_gzip_layers_and_provenance(
    containerd: Engine, tmp_path: Path
) -> None:
    with open_image("docker:exporter:1") as image:
        assert image.tags == ("exporter:1",)
        assert image.manifest_digest is not None
        assert image.platform.covers(Platform.of_host()) or Platform.of_host().covers(
            image.platform
        )
        assert {layer.media_type.rpartition("+")[2] for layer in image.layers} == {"gzip"}
        assert all(layer.digest != layer.diff_id for layer in image.layers)
        (statement,) = image.attestations
        assert "slsa.dev/provenance" in statement.predicate_type
        assert b"buildkit" in statement.blob.read_at(0, statement.blob.size)
        digest = image.config_digest
    export("docker:exporter:1", str(tmp_path / "x.tar"))
    for reference in (f"{tmp_path}/x.tar", f"oci-archive:{tmp_path}/x.tar:exporter:1"):
        with open_image(reference) as image:
            assert image.config_digest == digest
            assert len(image.attestations) == 1
