"""Any response from an engine's address, and any Docker configuration, ends in one line at worst."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from layerscope.errors import ConfigError, LayerscopeError, SourceError, SourceUnavailable
from layerscope.sources import engine_answers, open_image
from layerscope.sources.engine_answers import ANSWER_BYTES
from layerscope.sources.engine_api import EVENT_BYTES

Answer = Callable[[str], tuple[int, bytes]]
GOOD = {"Id": "sha256:" + "a" * 64, "RepoTags": ["app:1"]}
ODD: list[Any] = [
    [],
    None,
    7,
    "text",
    {},
    True,
    1.5,
    {"Id": 7},
    {"Id": None},
    {"Id": []},
    GOOD | {"RepoTags": 7},
    GOOD | {"RepoTags": [7]},
    GOOD | {"RepoTags": {"a": 1}},
    GOOD | {"RepoTags": "app:1"},
    GOOD | {"RepoTags": [None]},
]
BROKEN = [b"", b"{", b"[1,", b"\xff", b'{"Id": NaN}', b'{"Id":"a","Id":"b"}', b"[" * 100_000]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


@contextmanager
def engine(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server in place of an engine, which responds to each path as the test says."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the names are http.server's

        def log_message(self, *args: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{server.server_address[1]}")
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def version_then(body: bytes, status: int = 200) -> Answer:
    def answer(path: str) -> tuple[int, bytes]:
        if path == "/version":
            return 200, b'{"ApiVersion": "1.41"}'
        return status, body

    return answer


def one_line(error: LayerscopeError) -> None:
    assert str(error).isprintable()
    assert len(str(error)) < 1000


@pytest.mark.parametrize("body", [json.dumps(value).encode() for value in ODD] + BROKEN, ids=repr)
def test_an_impossible_description_of_an_image_is_refused(
    body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        engine(version_then(body), monkeypatch),
        pytest.raises(SourceUnavailable, match="the Docker engine at tcp") as caught,
    ):
        open_image("docker:app:1")
    one_line(caught.value)


@pytest.mark.parametrize(
    "body", [json.dumps(value).encode() for value in (*ODD, {"ApiVersion": "x"})] + BROKEN, ids=repr
)
def test_an_impossible_version_is_refused(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        engine(lambda path: (200, body), monkeypatch),
        pytest.raises(SourceUnavailable, match="the Docker engine at tcp") as caught,
    ):
        open_image("docker:app:1")
    one_line(caught.value)


@pytest.mark.parametrize("status", [400, 404, 500])
@pytest.mark.parametrize(
    "value",
    [*ODD, {"message": 7}, {"message": []}, {"message": None}, {"message": "a\nb"}],
    ids=repr,
)
def test_a_refusal_in_any_shape_is_one_line(
    status: int, value: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        engine(version_then(json.dumps(value).encode(), status), monkeypatch),
        pytest.raises(SourceError) as caught,
    ):
        open_image("docker:app:1")
    one_line(caught.value)


def test_a_response_over_the_limit_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        engine(version_then(b" " * (ANSWER_BYTES + 1)), monkeypatch),
        pytest.raises(SourceUnavailable, match=f"sent more than {ANSWER_BYTES} bytes"),
    ):
        open_image("docker:app:1")


def test_an_error_over_the_limit_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        engine(version_then(b" " * (ANSWER_BYTES + 1), 500), monkeypatch),
        pytest.raises(SourceUnavailable, match=f"sent more than {ANSWER_BYTES} bytes"),
    ):
        open_image("docker:app:1")


def test_a_response_that_never_ends_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_answers, "ANSWER_SECONDS", -1)
    with (
        engine(version_then(b"{}"), monkeypatch),
        pytest.raises(SourceUnavailable, match="did not finish its response within"),
    ):
        open_image("docker:app:1")


@pytest.mark.parametrize(
    "events",
    [
        b"[]\n",
        b"7",
        b"null\n",
        b'{"status":"Downloading","id":[],"progressDetail":7}\n',
        b'{"status":"Downloading","id":{},"progressDetail":{"current":[]}}\n',
        b'{"error":{}}\n',
        b'{"error":',
        b" " * (EVENT_BYTES + 1),
    ],
    ids=lambda data: repr(data[:60]),
)
def test_an_impossible_pull_is_one_line(events: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(path: str) -> tuple[int, bytes]:
        if path == "/version":
            return 200, b'{"ApiVersion": "1.41"}'
        return (200, events) if "/images/create" in path else (404, b'{"message":"no such image"}')

    with engine(answer, monkeypatch), pytest.raises(SourceError) as caught:
        open_image("docker:app:1", pull=True)
    one_line(caught.value)


CONFIGS = [
    [],
    7,
    None,
    "text",
    {"auths": []},
    {"auths": {"x": 7}},
    {"auths": {"x": {"auth": 7}}},
    {"proxies": []},
    {"proxies": 7},
    {"proxies": {"default": []}},
    {"proxies": {"default": {"httpProxy": 7}}},
    {"HttpHeaders": []},
    {"HttpHeaders": {"x": 7}},
    {"credHelpers": []},
    {"credHelpers": {"x": []}},
    {"credsStore": 7},
    {"currentContext": 7},
    {"currentContext": []},
]


@pytest.mark.parametrize("config", CONFIGS, ids=repr)
@pytest.mark.parametrize("host", [True, False], ids=["host", "context"])
def test_a_docker_configuration_in_the_wrong_shape_is_refused_by_name(
    config: Any, host: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    if host:
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(ConfigError, match=r"the Docker configuration '.*config\.json'") as caught:
        open_image("docker:app:1")
    one_line(caught.value)


def test_a_docker_configuration_that_docker_writes_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {
        "auths": {"registry.example": {"auth": "dTpw"}, "other.example": {}},
        "credHelpers": {"x.example": "x"},
        "proxies": {"default": {"httpProxy": "http://127.0.0.1:1", "noProxy": "*"}},
        "HttpHeaders": {"X-Meta": "1"},
        "psFormat": "table",
        "plugins": {"a": {"b": "c"}},
        "features": {"buildkit": "true"},
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(SourceUnavailable, match="no such socket"):
        open_image("docker:app:1")
