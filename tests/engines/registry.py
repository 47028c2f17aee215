"""Debian's `docker-registry` (CNCF distribution) on loopback, open or with a password, filled with skopeo."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.builder.tools import absent
from tests.engines.engine import NoEngineError
from tests.engines.token_server import TokenServer


class DistributionRegistry:
    """A context manager; `user` and a password turn on basic authorization, and `tokens` that of bearer tokens."""

    def __init__(
        self,
        folder: Path,
        *,
        port: int = 0,
        user: tuple[str, str] | None = None,
        tokens: TokenServer | None = None,
    ) -> None:
        self.folder = folder
        self.user = user if tokens is None else tokens.user
        self.tokens = tokens
        self.port = port or _free_port()

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    def __enter__(self) -> Self:
        program = shutil.which("docker-registry")
        if program is None or shutil.which("skopeo") is None:
            raise NoEngineError("docker-registry and skopeo are not installed")
        self.folder.mkdir(parents=True, exist_ok=True)
        config: dict[str, object] = {
            "version": "0.1",
            "storage": {"filesystem": {"rootdirectory": str(self.folder / "data")}},
            "http": {"addr": f"127.0.0.1:{self.port}"},
        }
        if self.tokens is not None:
            config["auth"] = self.tokens.config(self.folder)
        elif self.user is not None:
            listed = self.folder / "htpasswd"
            done = subprocess.run(
                ["htpasswd", "-Bbn", *self.user], capture_output=True, text=True, check=True
            )
            listed.write_text(done.stdout)
            config["auth"] = {"htpasswd": {"realm": "tests", "path": str(listed)}}
        path = self.folder / "config.yml"
        path.write_text(json.dumps(config))
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [program, "serve", str(path)],
                stdout=log,
                stderr=log,
                env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
            )
        self._wait()
        return self

    def _wait(self) -> None:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://{self.host}/v2/", timeout=5).close()
            except urllib.error.HTTPError:
                return
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise NoEngineError((self.folder / "log").read_text())

    def push(self, source: str, name: str, *options: str) -> str:
        """Copy an image into the registry with skopeo; returns a reference to it."""
        login = [] if self.user is None else ["--dest-creds", ":".join(self.user)]
        subprocess.run(
            [
                "skopeo", "copy", "--quiet", "--insecure-policy", "--dest-tls-verify=false",
                *login, *options, source, f"docker://{self.host}/{name}",
            ],
            check=True,
            capture_output=True,
        )  # fmt: skip
        return f"registry:{self.host}/{name}"

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)


@contextmanager
def running(registry: DistributionRegistry) -> Iterator[DistributionRegistry]:
    """A running registry. Skips the test if it isn't installed, or fails in CI."""
    with ExitStack() as stack:
        try:
            stack.enter_context(registry)
        except NoEngineError as error:
            absent(str(error))
        yield registry


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
