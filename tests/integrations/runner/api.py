"""The few calls of GitHub's REST API that a comment needs, on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

BOT = {"login": "github-actions[bot]", "type": "Bot"}
STRANGER = {"login": "mallory", "type": "User"}
MARKER = "<!-- layerscope -->"


class Api(BaseHTTPRequestHandler):
    """The pull request `number` and its comments. With `refuse`, writing gets this status, as with a read-only token."""

    comments: ClassVar[list[dict[str, Any]]] = []
    refuse: ClassVar[int] = 0
    writer: ClassVar[dict[str, str]] = {}
    number: ClassVar[int] = 7

    def answer(self, code: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self) -> str:
        assert self.headers["Authorization"] == "Bearer secret"
        found: str = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        assert len(found) <= 65_536, "the real API refuses it with 422"
        return found

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        assert parts.path == f"/repos/me/app/issues/{self.number}/comments"
        size, page = int(query["per_page"][0]), int(query["page"][0])
        self.answer(200, self.comments[size * (page - 1) : size * page])

    def do_POST(self) -> None:
        body = self.body()
        if self.refuse:
            self.answer(self.refuse, {"message": "no"})
            return
        assert self.path == f"/repos/me/app/issues/{self.number}/comments"
        number = 1000 + len(self.comments)
        self.comments.append({"id": number, "body": body, "user": self.writer})
        self.answer(201, self.comments[-1])

    def do_PATCH(self) -> None:
        body = self.body()
        if self.refuse:
            self.answer(self.refuse, {"message": "no"})
            return
        number = int(self.path.removeprefix("/repos/me/app/issues/comments/"))
        (row,) = [row for row in self.comments if row["id"] == number]
        row["body"] = body
        self.answer(200, row)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


@contextmanager
def serving() -> Iterator[ThreadingHTTPServer]:
    """A server with 130 comments of a stranger, some pages of them."""
    Api.comments = [
        {"id": n, "body": f"comment {n}, {MARKER} quoted", "user": STRANGER} for n in range(130)
    ]
    Api.refuse, Api.writer, Api.number = 0, BOT, 7
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
