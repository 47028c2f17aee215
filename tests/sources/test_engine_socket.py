"""An engine on a Unix socket is asked without the SDK, and the SDK says what is wrong with its answers."""

from __future__ import annotations

import http.server
import json
import socketserver
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.cli.examine import Choice, examine
from layerscope.errors import ImageNotFound, SourceUnavailable
from layerscope.options import ReadOptions
from layerscope.sources import docker, engine_answers, engine_socket, open_image
from layerscope.sources.engine import identity
from layerscope.sources.engine_api import EngineApi
from layerscope.sources.engine_socket import ask
from layerscope.sources.source import Request
from tests.builder import ImageBuilder, docker_legacy

VERSION = {"ApiVersion": "1.41", "Version": "20.10.24"}
IMAGE = {
    "Id": "sha256:" + "a" * 64,
    "RepoTags": ["app:1", "<none>:<none>"],
    "Os": "linux",
    "Size": 7,
    "RootFS": {"Layers": ["sha256:" + "b" * 64]},
}
INFO = {"DockerRootDir": "/var/lib/nothing", "Driver": "overlay2", "DriverStatus": []}
Answer = Callable[[str], tuple[int, bytes]]


@contextmanager
def engine(folder: Path, answer: Answer) -> Iterator[str]:
    """The path of a socket where a server responds as the test says."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def address_string(self) -> str:
            return "socket"

        def log_message(self, *args: object) -> None:
            return

    class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    path = str(folder / "engine.sock")
    with Server(path, Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield path
        finally:
            server.shutdown()
            thread.join()


def usual(**changed: object) -> Answer:
    """The answers of an engine, with some replaced by their kind: version, image, or info."""
    answers: dict[str, object] = {"version": VERSION, "image": IMAGE, "info": INFO, **changed}

    def answer(path: str) -> tuple[int, bytes]:
        kind = "version" if path == "/version" else "info" if path.endswith("/info") else "image"
        value = answers[kind]
        if isinstance(value, int):
            return value, b'{"message": "no such image: app:1"}'
        return 200, value if isinstance(value, bytes) else json.dumps(value).encode()

    return answer


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def test_the_answers_are_those_that_the_sdk_reads(tmp_path: Path) -> None:
    with engine(tmp_path, usual()) as path:
        found = ask(path, "app:1")
        with closing(EngineApi(base_url=f"unix://{path}")) as client:
            assert found == (client.image("app:1"), client.engine_info())
    assert found is not None
    assert found[0].tags == ("app:1",)
    assert found[1].api == (1, 41)


def test_names_are_quoted_as_by_the_sdk(tmp_path: Path) -> None:
    asked: list[str] = []

    def answer(path: str) -> tuple[int, bytes]:
        asked.append(path)
        return usual()(path)

    name = "host:5000/a/b@sha256:00 ?x#y"
    with engine(tmp_path, answer) as path:
        ask(path, name)
        with closing(EngineApi(base_url=f"unix://{path}")) as client:
            client.image(name)
    mine, sdk = [each for each in asked if "/images/" in each]
    assert mine == sdk


ODD: list[dict[str, Any]] = [
    {"version": []},
    {"version": {"ApiVersion": "x"}},
    {"version": {"ApiVersion": "1.20"}},
    {"version": 500},
    {"image": []},
    {"image": {"Id": 7}},
    {"image": b'{"Id": NaN}'},
    {"image": b"[" * 100_000},
    {"image": 404},
    {"image": 500},
    {"info": {}},
    {"info": 500},
    {"info": b"{"},
]


@pytest.mark.parametrize("changed", ODD, ids=str)
def test_an_unusual_answer_is_left_to_the_sdk(
    changed: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine(tmp_path, usual(**changed)) as path:
        assert ask(path, "app:1") is None
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        with pytest.raises((SourceUnavailable, ImageNotFound), match="the Docker engine") as caught:
            open_image("docker:app:1", via="store")
    assert str(caught.value).isprintable()


def test_an_answer_that_is_too_long_is_left_to_the_sdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_answers, "ANSWER_BYTES", 100)
    with engine(tmp_path, usual()) as path:
        assert ask(path, "app:1") is None


def test_a_missing_socket_is_left_to_the_sdk(tmp_path: Path) -> None:
    assert ask(str(tmp_path / "nothing"), "app:1") is None


def test_an_engine_that_never_answers_is_waited_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_socket, "ANSWER_SECONDS", 0.05)
    waited = threading.Event()

    def answer(path: str) -> tuple[int, bytes]:
        waited.wait(1)
        return 200, b"{}"

    with engine(tmp_path, answer) as path:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        with pytest.raises(SourceUnavailable, match="does not respond: timed out"):
            open_image("docker:app:1")
        waited.set()


def test_configured_headers_are_left_to_the_sdk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    def answer(path: str) -> tuple[int, bytes]:
        seen.append(path)
        return usual()(path)

    (tmp_path / "config.json").write_text('{"HttpHeaders": {"X-Who": "me"}}')
    with engine(tmp_path, answer) as path:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        monkeypatch.setattr(engine_socket, "ask", lambda *_: pytest.fail("asked without headers"))
        assert "app:1" in identity(docker.place(), "app:1", Request(reference="docker:app:1"))
    assert seen


@pytest.mark.parametrize(
    ("name", "value"),
    [("DOCKER_TLS_VERIFY", "1"), ("DOCKER_HOST", "tcp://127.0.0.1:1"), ("DOCKER_CONTEXT", "other")],
)
def test_tls_and_contexts_are_left_to_the_sdk(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    assert docker._plain_host() is None


def test_the_sdk_is_not_imported_for_the_usual_answers(tmp_path: Path) -> None:
    code = (
        "import sys; from layerscope.sources import docker; from layerscope.sources.engine import identity;"
        "from layerscope.sources.source import Request;"
        "print(identity(docker.place(), 'app:1', Request(reference='docker:app:1')));"
        "assert not {'docker', 'requests', 'urllib3'} & set(sys.modules)"
    )
    with engine(tmp_path, usual()) as path:
        environment = {"DOCKER_HOST": f"unix://{path}", "DOCKER_CONFIG": str(tmp_path)}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "20.10.24" in done.stdout


@pytest.mark.parametrize("through", ["library", "command"])
def test_what_may_be_done_meanwhile_is_done_while_the_engine_prepares_the_export(
    through: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, done = threading.Event(), threading.Event()
    data = docker_legacy([ImageBuilder("app:1").layer({"a": b"a"}, "RUN one").build()]).pack()

    def answer(path: str) -> tuple[int, bytes]:
        if not path.endswith("/get"):
            return usual()(path)
        asked.set()
        return (200, data) if done.wait(10) else (500, b"{}")

    def meanwhile() -> None:
        if asked.wait(10):
            done.set()

    options = ReadOptions(via="export", cache=False, contents=False)
    with engine(tmp_path, answer) as path:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        if through == "library":
            with layerscope.read("docker:app:1", options, meanwhile=meanwhile) as analysis:
                assert analysis.sizes.content == 1
        else:
            monkeypatch.setattr("layerscope.cli.examine._load_the_rest", meanwhile)
            choice = Choice(reference="docker:app:1", options=options, quiet=True)
            assert examine(choice).analysis.sizes.content == 1
    assert done.is_set()
