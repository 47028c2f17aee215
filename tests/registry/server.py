"""A registry on loopback that serves images from memory and misbehaves on request."""

from __future__ import annotations

import base64
import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.builder import Archive, BuiltImage, digest_of, oci

REPOSITORY = "team/app"


@dataclass(frozen=True)
class Asked:
    """One request, as the server saw it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Fault:
    """What to do instead of the normal response for the next `times` requests whose path matches."""

    pattern: str
    action: Callable[[Handler], None]
    times: int = 1


@dataclass
class Registry:
    """Serves `blobs` by digest, and `manifests` by digest or tag. Setting `user` turns on authorization."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    user: tuple[str, str] | None = None
    scheme: str = "none"
    token: str = "secret-bearer-token"
    realm: str | None = None
    referrers: dict[str, bytes] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    host: str = "127.0.0.1"
    ranges: bool = True

    def add(self, image: BuiltImage, tag: str = "1", compression: str = "gzip") -> str:
        """Serve an image under a tag. Returns its manifest digest."""
        return self.add_layout(oci([image], compression), tag)

    def add_layout(self, layout: Archive, tag: str = "1") -> str:
        """Serve everything in an OCI layout. The first entry of its index gets the tag."""
        top = json.loads(layout["index.json"])["manifests"][0]
        for path in layout:
            if path.startswith("blobs/") and not path.endswith("/") and path.count("/") == 2:
                self.blobs[digest_of(layout[path])] = layout[path]
        self._add_manifest(top, tag)
        return str(top["digest"])

    def _add_manifest(self, descriptor: dict[str, Any], *names: str) -> None:
        data = self.blobs[descriptor["digest"]]
        for name in (descriptor["digest"], *names):
            self.manifests[name] = data, descriptor["mediaType"]
        for child in json.loads(data).get("manifests", ()):
            self._add_manifest(child)

    def fail(self, pattern: str, action: Callable[[Handler], None], times: int = 1) -> None:
        self.faults.append(Fault(pattern, action, times))

    def __enter__(self) -> Self:
        bound = type("Bound", (Handler,), {"served": self})
        self.server = ThreadingHTTPServer((self.host, 0), bound)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.server.shutdown()
        self.server.server_close()

    @property
    def netloc(self) -> str:
        return f"{self.host}:{self.server.server_address[1]}"

    def name(self, tag: str = "1") -> str:
        sign = "@" if tag.startswith("sha256:") else ":"
        return f"registry:{self.netloc}/{REPOSITORY}{sign}{tag}"

    def paths(self, pattern: str = "") -> list[str]:
        return [each.path for each in self.asked if re.search(pattern, each.path)]


class Handler(BaseHTTPRequestHandler):
    served: Registry
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass

    def handle(self) -> None:
        if self.connection.recv(1, socket.MSG_PEEK) == b"\x16":
            return  # a TLS hello, which this server doesn't support
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.served.asked.append(Asked(self.command, self.path, headers, body))
        for fault in self.served.faults:
            if fault.times > 0 and re.search(fault.pattern, self.path):
                fault.times -= 1
                fault.action(self)
                return
        self.answer()

    def answer(self) -> None:
        """Respond like a well-behaved registry."""
        if self.path.startswith("/token"):
            self._token()
        elif not self._allowed():
            self.unauthorized()
        elif match := re.fullmatch(rf"/v2/{REPOSITORY}/manifests/([^/]+)", self.path):
            found = self.served.manifests.get(match[1])
            if found is None:
                self.send(404, json.dumps({"errors": [{"code": "MANIFEST_UNKNOWN"}]}).encode())
            else:
                self.send(200, found[0], {"Content-Type": found[1]})
        elif (match := re.fullmatch(rf"/v2/{REPOSITORY}/referrers/([^/]+)", self.path)) and match[
            1
        ] in self.served.referrers:
            self.send(200, self.served.referrers[match[1]])
        elif match := re.fullmatch(rf"/v2/{REPOSITORY}/blobs/([^/]+)", self.path):
            self.blob(self.served.blobs.get(match[1]))
        else:
            self.send(404, b"not here")

    def blob(self, data: bytes | None) -> None:
        if data is None:
            self.send(404, json.dumps({"errors": [{"code": "BLOB_UNKNOWN"}]}).encode())
            return
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if match is None or not self.served.ranges:
            self.send(200, data)
            return
        start = int(match[1])
        part = data[start : int(match[2]) + 1 if match[2] else None]
        span = f"bytes {start}-{start + len(part) - 1}/{len(data)}"
        self.send(206, part, {"Content-Range": span})

    def _allowed(self) -> bool:
        if self.served.scheme == "none":
            return True
        given = self.headers.get("Authorization") or ""
        if self.served.scheme == "basic":
            return given == self._basic()
        return given == f"Bearer {self.served.token}"

    def _basic(self) -> str:
        assert self.served.user is not None
        return "Basic " + base64.b64encode(":".join(self.served.user).encode()).decode()

    def unauthorized(self) -> None:
        realm = self.served.realm or f"http://{self.served.netloc}/token"
        value = (
            'Basic realm="registry"'
            if self.served.scheme == "basic"
            else f'Bearer realm="{realm}",service="tests",scope="repository:{REPOSITORY}:pull"'
        )
        self.send(401, b"{}", {"WWW-Authenticate": value})

    def _token(self) -> None:
        if self.served.user is not None and self.headers.get("Authorization") != self._basic():
            self.send(401, b"{}")
        else:
            self.send(200, json.dumps({"token": self.served.token}).encode())

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def cut(self, body: bytes, announced: int, status: int = 200) -> None:
        """Send fewer bytes than announced, and hang up."""
        self.send_response(status)
        self.send_header("Content-Length", str(announced))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
        self.close_connection = True
        self.connection.shutdown(2)
