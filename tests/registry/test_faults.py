"""A misbehaving registry gives the right exit code within limits, and never gets a credential that isn't its own."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import time
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path

import pytest

import layerscope
from layerscope.errors import LayerscopeError
from layerscope.sources.registry import client, remote_blob
from tests.builder import ImageBuilder
from tests.registry.server import Handler, Registry
from tests.registry.test_pull import clean_environment, log_in

__all__ = ["clean_environment"]

MANIFEST = "/manifests/"
BLOB = "/blobs/"
SECRET = "pa:ss"
BIG = bytes(range(256)) * 8192


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_PAUSE", 0.001)


def serve(registry: Registry) -> str:
    image = ImageBuilder("app:1").layer({"big": BIG}).layer({"small": b"x"}).build()
    registry.add(image, compression="none")
    return registry.name()


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as served:
        serve(served)
        yield served


@pytest.fixture
def stranger() -> Iterator[Registry]:
    """A registry on another host as far as credentials are concerned: another name for this machine."""
    with Registry(host="127.0.0.2") as served:
        serve(served)
        yield served


def read(registry: Registry) -> int:
    with layerscope.load(registry.name()) as image:
        return layerscope.analyze(image).sizes.content


def answer(
    status: int, headers: dict[str, str] | None = None, body: bytes = b"{}"
) -> Callable[[Handler], None]:
    return lambda handler: handler.send(status, body, headers)


def cut_after(count: int) -> Callable[[Handler], None]:
    """Send `count` bytes of the response, and hang up."""

    def act(handler: Handler) -> None:
        digest = handler.path.rpartition("/")[2]
        data = handler.served.blobs[digest]
        start = int((handler.headers.get("Range") or "bytes=0-")[6:-1])
        headers = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
        rest = data[start:]
        handler.send_response(206 if start else 200)
        handler.send_header("Content-Length", str(len(rest)))
        if start:
            handler.send_header("Content-Range", headers["Content-Range"])
        handler.end_headers()
        handler.wfile.write(rest[:count])
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(2)

    return act


def hang_up(handler: Handler) -> None:
    handler.close_connection = True
    handler.connection.shutdown(2)


def reset(handler: Handler) -> None:
    import socket
    import struct

    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def endless(handler: Handler) -> None:
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    for _ in range(100_000):
        handler.wfile.write(chunk)


def longer(handler: Handler) -> None:
    data = handler.served.blobs[handler.path.rpartition("/")[2]]
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    data += b"more"
    handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n0\r\n\r\n")


def other_bytes(handler: Handler) -> None:
    data = bytearray(handler.served.blobs[handler.path.rpartition("/")[2]])
    data[len(data) // 2] ^= 1
    handler.send(200, bytes(data))


def wrong_range(handler: Handler) -> None:
    data = handler.served.blobs[handler.path.rpartition("/")[2]]
    handler.send(206, data[7:], {"Content-Range": f"bytes 7-{len(data) - 1}/{len(data)}"})


RECOVERED: dict[str, list[tuple[str, Callable[[Handler], None], int]]] = {
    "busy once": [(MANIFEST, answer(503), 1)],
    "busy four times": [(MANIFEST, answer(503), 4)],
    "internal error": [(MANIFEST, answer(500), 1)],
    "bad gateway on a blob": [(BLOB, answer(502), 2)],
    "gateway timeout": [(BLOB, answer(504), 1)],
    "too many requests": [(MANIFEST, answer(429, {"Retry-After": "0"}), 2)],
    "too many requests until a date": [
        (MANIFEST, answer(429, {"Retry-After": formatdate(0, usegmt=True)}), 1)
    ],
    "a negative Retry-After": [(MANIFEST, answer(429, {"Retry-After": "-5"}), 1)],
    "an unreadable Retry-After": [(MANIFEST, answer(429, {"Retry-After": "soon"}), 1)],
    "a connection that is closed": [(MANIFEST, hang_up, 2)],
    "a connection that is reset": [(BLOB, reset, 2)],
    "a blob cut at its start": [(BLOB, cut_after(0), 1)],
    "a blob cut in the middle": [(BLOB, cut_after(1_000_000), 1)],
    "a blob cut many times": [(BLOB, cut_after(300_000), 9)],
    "a manifest that is cut": [(MANIFEST, lambda handler: handler.cut(b"{", 100), 2)],
}


@pytest.mark.parametrize("name", RECOVERED)
def test_a_temporary_fault_is_retried(registry: Registry, name: str) -> None:
    for pattern, action, times in RECOVERED[name]:
        registry.fail(pattern, action, times)
    assert read(registry) == len(BIG) + 1


def largest(registry: Registry) -> str:
    """A pattern for requests for the largest layer."""
    return BLOB + max(registry.blobs, key=lambda digest: len(registry.blobs[digest]))


def test_a_cut_blob_resumes_where_it_stopped(registry: Registry) -> None:
    registry.fail(largest(registry), cut_after(1_500_000))
    read(registry)
    ranges = [each.headers["range"] for each in registry.asked if "range" in each.headers]
    assert len(ranges) == 1
    assert int(ranges[0][6:-1]) > 0


def test_a_registry_without_ranges_is_read_again_up_to_the_cut(registry: Registry) -> None:
    registry.ranges = False
    registry.fail(largest(registry), cut_after(1_500_000))
    assert read(registry) == len(BIG) + 1


ENDED: dict[str, tuple[str, Callable[[Handler], None], int, str]] = {
    "busy for good": (MANIFEST, answer(503), 3, "503"),
    "a wait of an hour": (MANIFEST, answer(429, {"Retry-After": "3600"}), 3, "3600 s"),
    "a huge wait": (MANIFEST, answer(429, {"Retry-After": "9" * 400}), 3, "wait"),
    "forbidden": (MANIFEST, answer(403), 3, "403"),
    "a teapot": (MANIFEST, answer(418), 3, "418"),
    "a manifest that is not there": (MANIFEST, answer(404), 3, "has no tag 1"),
    "a page of HTML": (
        MANIFEST,
        answer(200, {"Content-Type": "text/html"}, b"<html>log in</html>"),
        4,
        "JSON",
    ),
    "an empty manifest": (MANIFEST, answer(200, {}, b""), 4, ""),
    "a manifest that is a list": (MANIFEST, answer(200, {}, b"[]"), 4, ""),
    "a manifest of one null": (MANIFEST, answer(200, {}, b"null"), 4, ""),
    "a manifest of deep JSON": (MANIFEST, answer(200, {}, b'{"a":' * 100_000), 4, "nested"),
    "a manifest with a number of 5,000 digits": (
        MANIFEST,
        answer(200, {}, b'{"schemaVersion":' + b"9" * 5000 + b"}"),
        4,
        "",
    ),
    "a header of a megabyte": (MANIFEST, answer(200, {"X-Long": "x" * 1_000_000}), 3, ""),
    "ten thousand headers": (
        MANIFEST,
        answer(200, {f"X-{number}": "x" for number in range(10_000)}),
        3,
        "",
    ),
    "an endless manifest": (MANIFEST, endless, 4, "bytes allowed"),
    "a blob that is not there": (BLOB, answer(404), 4, "missing"),
    "a blob with other bytes": (BLOB, other_bytes, 4, "digest"),
    "a redirect loop": (BLOB, answer(307, {"Location": "/v2/team/app/blobs/loop"}), 3, "redirects"),
    "a redirect to a file": (BLOB, answer(307, {"Location": "file:///etc/passwd"}), 3, "scheme"),
    "a redirect to nowhere": (BLOB, answer(307, {"Location": "http://[::1"}), 3, "scheme"),
    "a redirect with a user": (
        BLOB,
        answer(307, {"Location": "http://me:secret@127.0.0.1/"}),
        3,
        "with a user",
    ),
    "a redirect to plain HTTP elsewhere": (
        BLOB,
        answer(302, {"Location": "http://registry.example/blob"}),
        3,
        "HTTP",
    ),
    "a connection that always closes": (MANIFEST, hang_up, 3, "does not respond"),
}


@pytest.mark.parametrize("name", ENDED)
def test_a_permanent_fault_is_a_one_line_error(registry: Registry, name: str) -> None:
    pattern, action, code, words = ENDED[name]
    registry.fail(pattern, action, 1000)
    began = time.monotonic()
    with pytest.raises(LayerscopeError) as caught:
        read(registry)
    assert caught.value.exit_code == code
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 20


LAYER_FAULTS: dict[str, tuple[Callable[[Handler], None], int, str]] = {
    "other bytes": (other_bytes, 4, "digest"),
    "a longer body": (longer, 4, "more than"),
    "an endless body": (endless, 4, ""),
    "another length": (answer(200, {}, b"short"), 4, "5 bytes"),
    "another range": (wrong_range, 4, "bytes from"),
    "a blob cut for good": (cut_after(0), 3, "stopped after"),
    "gone": (answer(404), 3, "although its manifest names it"),
}


@pytest.mark.parametrize("name", LAYER_FAULTS)
def test_a_layer_that_does_not_match_its_digest_is_refused(registry: Registry, name: str) -> None:
    action, code, words = LAYER_FAULTS[name]
    with layerscope.load(registry.name()) as image:
        if name == "another range":
            registry.fail(BLOB, cut_after(10_000))
        registry.fail(BLOB, action, 1000)
        with pytest.raises(LayerscopeError) as caught:
            layerscope.analyze(image)
    assert caught.value.exit_code == code
    assert words in str(caught.value)


def test_a_host_that_is_too_slow_is_abandoned(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_blob, "PATIENCE", 0.3)
    monkeypatch.setattr(remote_blob, "SLOWEST", 1_000_000)

    def drip(handler: Handler) -> None:
        data = handler.served.blobs[handler.path.rpartition("/")[2]]
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        for byte in data[:200]:
            handler.wfile.write(bytes([byte]))
            handler.wfile.flush()
            time.sleep(0.01)

    with layerscope.load(registry.name()) as image:
        registry.fail(BLOB, drip, 1000)
        with pytest.raises(LayerscopeError, match=r"is too slow|stopped after") as caught:
            layerscope.analyze(image)
    assert caught.value.exit_code == 3


def test_a_tag_that_moves_during_the_pull_changes_nothing(registry: Registry) -> None:
    with layerscope.load(registry.name()) as image:
        registry.add(ImageBuilder("app:1").layer({"other": b"o"}).build())
        assert layerscope.analyze(image).sizes.content == len(BIG) + 1


# Credentials


def seen_by(registry: Registry) -> str:
    """Everything that was sent to a server."""
    return "\n".join(
        f"{each.path} {each.headers} {each.body.decode('latin-1')}" for each in registry.asked
    )


def assert_not_leaked(stranger: Registry, registry: Registry) -> None:
    text = seen_by(stranger)
    assert "authorization" not in text.lower()
    for secret in (SECRET, base64.b64encode(f"me:{SECRET}".encode()).decode(), registry.token):
        assert secret not in text


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_carries_no_credentials(
    registry: Registry, stranger: Registry, tmp_path: Path, scheme: str, status: int
) -> None:
    log_in(registry, tmp_path, password=SECRET)
    registry.scheme = scheme

    def elsewhere(handler: Handler) -> None:
        if not handler._allowed():
            handler.unauthorized()
            return
        location = f"http://{stranger.netloc}{handler.path}?signature=abc"
        handler.send(status, b"", {"Location": location})

    stranger.fail(
        r"\?signature",
        lambda h: h.blob(h.served.blobs.get(h.path.partition("?")[0].rpartition("/")[2])),
        1000,
    )
    registry.fail(BLOB, elsewhere, 1000)
    assert read(registry) == len(BIG) + 1
    assert stranger.paths(BLOB)
    assert_not_leaked(stranger, registry)


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_a_redirect_target_that_wants_credentials_gets_none(
    registry: Registry, stranger: Registry, tmp_path: Path, scheme: str
) -> None:
    log_in(registry, tmp_path, password=SECRET)
    registry.scheme = scheme
    stranger.scheme, stranger.user = scheme, ("me", SECRET)

    def elsewhere(handler: Handler) -> None:
        if not handler._allowed():
            handler.unauthorized()
            return
        handler.send(307, b"", {"Location": f"http://{stranger.netloc}{handler.path}"})

    registry.fail(BLOB, elsewhere, 1000)
    with pytest.raises(LayerscopeError, match="credentials of its own") as caught:
        read(registry)
    assert caught.value.exit_code == 3
    assert_not_leaked(stranger, registry)
    assert SECRET not in str(caught.value)


def test_a_token_server_elsewhere_gets_no_credentials_without_consent(
    registry: Registry, stranger: Registry, tmp_path: Path
) -> None:
    log_in(registry, tmp_path, password=SECRET)
    registry.scheme = "bearer"
    registry.realm = f"http://{stranger.netloc}/token"
    with pytest.raises(LayerscopeError, match="another host") as caught:
        read(registry)
    assert caught.value.exit_code == 3
    assert_not_leaked(stranger, registry)


def test_an_anonymous_pull_can_use_a_token_server_elsewhere(
    registry: Registry, stranger: Registry
) -> None:
    registry.scheme = "bearer"
    registry.realm = f"http://{stranger.netloc}/token"
    assert read(registry) == len(BIG) + 1
    assert "authorization" not in seen_by(stranger).lower()


@pytest.mark.parametrize(
    "realm",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "http://example.invalid/token",
        "http://me:x@127.0.0.1/",
        "//nowhere",
        "",
    ],
)
def test_a_realm_with_an_unsafe_url_is_refused(registry: Registry, realm: str) -> None:
    registry.scheme = "bearer"
    registry.realm = realm or " "
    with pytest.raises(LayerscopeError) as caught:
        read(registry)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"{}",
        b'{"token": 5}',
        b'{"token": "a b"}',
        b'{"token": "a\\r\\nX: y"}',
        b"<html>",
    ],
)
def test_an_invalid_token_is_refused(registry: Registry, body: bytes) -> None:
    registry.scheme = "bearer"
    registry.fail("^/token", answer(200, {}, body), 1000)
    with pytest.raises(LayerscopeError, match="token") as caught:
        read(registry)
    assert caught.value.exit_code == 3


def test_a_token_servers_redirect_is_not_followed(
    registry: Registry, stranger: Registry, tmp_path: Path
) -> None:
    log_in(registry, tmp_path, password=SECRET)
    registry.scheme = "bearer"
    registry.fail("^/token", answer(307, {"Location": f"http://{stranger.netloc}/token"}), 1000)
    with pytest.raises(LayerscopeError, match="307"):
        read(registry)
    assert not stranger.asked


def test_a_wrong_password_is_tried_only_a_few_times(registry: Registry, tmp_path: Path) -> None:
    log_in(registry, tmp_path, password="wrong")
    registry.user = ("me", SECRET)
    for scheme in ("basic", "bearer"):
        registry.scheme = scheme
        registry.asked.clear()
        with pytest.raises(LayerscopeError, match="docker login") as caught:
            read(registry)
        assert caught.value.exit_code == 3
        assert "wrong" not in str(caught.value)
        assert len(registry.asked) <= 4


def test_netrc_is_not_read(
    registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    read(registry)
    assert SECRET not in seen_by(registry)
    assert "authorization" not in seen_by(registry).lower()


def test_the_client_does_not_decompress_responses(registry: Registry) -> None:
    def squeezed(handler: Handler) -> None:
        data = handler.served.manifests["1"][0]
        handler.send(200, gzip.compress(data), {"Content-Encoding": "gzip"})

    registry.fail(MANIFEST, squeezed, 1000)
    with pytest.raises(LayerscopeError) as caught:
        read(registry)
    assert caught.value.exit_code == 4


BROKEN_CONFIGS = [
    b"",
    b"[]",
    b"5",
    b"null",
    b'{"auths": []}',
    b'{"auths": 5}',
    b'{"credHelpers": "x"}',
    b'{"credsStore": 5}',
]


@pytest.mark.parametrize("data", BROKEN_CONFIGS)
def test_a_broken_login_file_is_named(registry: Registry, tmp_path: Path, data: bytes) -> None:
    registry.scheme = "basic"
    registry.user = ("me", SECRET)
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_bytes(data)
    with pytest.raises(LayerscopeError, match=r"config\.json") as caught:
        read(registry)
    assert caught.value.exit_code == 2


def test_an_auth_entry_that_is_not_base64_is_named(registry: Registry, tmp_path: Path) -> None:
    registry.scheme = "basic"
    registry.user = ("me", SECRET)
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "config.json").write_text(
        json.dumps({"auths": {registry.netloc: {"auth": "ÿÿ"}}})
    )
    with pytest.raises(LayerscopeError, match="log in"):
        read(registry)


def test_a_token_server_elsewhere_gets_the_credentials_that_the_user_allows(
    registry: Registry, stranger: Registry, tmp_path: Path
) -> None:
    log_in(registry, tmp_path, password=SECRET)
    registry.scheme = "bearer"
    stranger.user = registry.user
    registry.realm = f"http://{stranger.netloc}/token"
    image = layerscope.load(registry.name(), token_servers=(stranger.netloc,))
    with image:
        assert layerscope.analyze(image).sizes.content == len(BIG) + 1


def test_a_closed_port_is_a_refused_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(LayerscopeError, match="the connection was refused") as caught:
        layerscope.load(f"registry:127.0.0.1:{port}/team/app:1")
    assert caught.value.exit_code == 3
