"""The GitHub Action: its steps played end to end, and its comment kept on a server that answers as the API does."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from tests.cli.conftest import environment

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
CHECK = (ROOT / "integrations/github/check").read_text()
MARKER = "<!-- layerscope -->"


def test_a_job_is_played_end_to_end() -> None:
    done = subprocess.run(
        [str(ROOT / "tests/integrations/github_job"), sys.executable, str(ROOT)],
        env={name: value for name, value in environment().items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "github_job: all as it should be\n"


def test_every_input_reaches_the_script_and_every_output_comes_from_it() -> None:
    steps = {step["name"]: step for step in ACTION["runs"]["steps"]}
    passed = steps["Check the image"]["env"]
    used = set(re.findall(r"INPUT_[A-Z]+", CHECK))
    assert used == {name for name in passed if name.startswith("INPUT_")}
    for name in used:
        assert passed[name] == f"${{{{ inputs.{name.removeprefix('INPUT_').lower()} }}}}"
    elsewhere = {"comment", "token", "working-directory"}
    assert {name.removeprefix("INPUT_").lower() for name in used} | elsewhere == set(
        ACTION["inputs"]
    )
    written = set(re.findall(r'^    "([a-z]+)": ', CHECK, re.MULTILINE))
    assert written == set(ACTION["outputs"])
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.check.outputs.{name} }}}}"


def test_no_expression_is_pasted_into_a_script() -> None:
    """What a pull request can name must not become a command of the shell."""
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"


class Api(BaseHTTPRequestHandler):
    """The few calls of GitHub's REST API that a comment needs."""

    comments: ClassVar[list[dict[str, Any]]] = []
    refuse: ClassVar[int] = 0

    def answer(self, code: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def body(self) -> str:
        assert self.headers["Authorization"] == "Bearer secret"
        found: str = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        return found

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        assert parts.path == "/repos/me/app/issues/7/comments"
        size, page = int(query["per_page"][0]), int(query["page"][0])
        self.answer(200, self.comments[size * (page - 1) : size * page])

    def do_POST(self) -> None:
        body = self.body()
        if self.refuse:
            self.answer(self.refuse, {"message": "no"})
            return
        assert self.path == "/repos/me/app/issues/7/comments"
        self.comments.append({"id": 1000 + len(self.comments), "body": body})
        self.answer(201, self.comments[-1])

    def do_PATCH(self) -> None:
        body = self.body()
        number = int(self.path.removeprefix("/repos/me/app/issues/comments/"))
        (row,) = [row for row in self.comments if row["id"] == number]
        row["body"] = body
        self.answer(200, row)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        pass


@pytest.fixture
def api() -> Iterator[ThreadingHTTPServer]:
    Api.comments = [{"id": n, "body": f"comment {n}, {MARKER} quoted"} for n in range(130)]
    Api.refuse = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def comment(server: ThreadingHTTPServer, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "integrations/github/comment.py"), "7", str(path)],
        env={
            "PATH": os.environ["PATH"],
            "GITHUB_API_URL": f"http://127.0.0.1:{server.server_port}",
            "GITHUB_REPOSITORY": "me/app",
            "GITHUB_TOKEN": "secret",
            "no_proxy": "*",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_one_comment_is_written_and_then_kept(api: ThreadingHTTPServer, tmp_path: Path) -> None:
    report = tmp_path / "report.md"
    report.write_text(f"{MARKER}\nfirst é")
    assert comment(api, report).returncode == 0
    assert len(Api.comments) == 131
    report.write_text(f"{MARKER}\nsecond")
    assert comment(api, report).returncode == 0
    assert len(Api.comments) == 131
    assert Api.comments[-1]["body"] == f"{MARKER}\nsecond"
    assert Api.comments[0]["body"].startswith("comment 0")


def test_a_pull_request_of_a_fork_has_no_comment_and_does_not_fail(
    api: ThreadingHTTPServer, tmp_path: Path
) -> None:
    (tmp_path / "report.md").write_text(MARKER)
    Api.refuse = 403
    done = comment(api, tmp_path / "report.md")
    assert done.returncode == 0
    assert done.stdout.startswith(
        "::warning title=layerscope::the comment cannot be written: HTTP 403"
    )
    Api.refuse = 500
    assert comment(api, tmp_path / "report.md").returncode == 1
    (tmp_path / "other.md").write_text("no marker")
    assert comment(api, tmp_path / "other.md").returncode == 2
