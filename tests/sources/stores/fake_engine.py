"""A server on a Unix socket in place of an engine: it describes one image and saves it, and counts the saves."""

from __future__ import annotations

import http.server
import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class FakeEngine:
    """What the engine answers; `save` is the tarball."""

    image: dict[str, Any]
    info: dict[str, Any]
    save: bytes
    api: str = "1.41"
    saves: int = field(default=0)

    def answer(self, path: str) -> tuple[int, bytes]:
        path = path.partition("?")[0]
        if path == "/version":
            return 200, json.dumps({"ApiVersion": self.api}).encode()
        if path.endswith("/info"):
            return 200, json.dumps(self.info).encode()
        if path.endswith("/json"):
            return 200, json.dumps(self.image).encode()
        if path.endswith("/get"):
            self.saves += 1
            return 200, self.save
        return 404, b'{"message": "no such path"}'


def handler(engine: FakeEngine) -> type[http.server.BaseHTTPRequestHandler]:
    """What answers requests as the engine does, on any kind of socket."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = engine.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            return

        def address_string(self) -> str:
            return "client"

    return Handler


@contextmanager
def listening(engine: FakeEngine, socket: Path) -> Iterator[str]:
    """The address of the engine while it answers."""

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing: a client may close its connection whenever it has what it needs."""

    with Server(str(socket), handler(engine)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"unix://{socket}"
        finally:
            server.shutdown()
            thread.join()
