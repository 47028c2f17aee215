"""OpenSSH's server on loopback, with keys of its own, in front of an engine. Its client is the first `ssh` on PATH."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.engines.engine import PATH, Engine, NoEngineError

_SERVER: Final = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host
AuthorizedKeysFile {folder}/user.pub
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
PidFile none
SetEnv DOCKER_HOST={host}
"""
_CLIENT: Final = """\
Host *
  IdentityFile {folder}/user
  IdentitiesOnly yes
  UserKnownHostsFile {folder}/known_hosts
  StrictHostKeyChecking accept-new
  LogLevel ERROR
"""


class SshServer:
    """A context manager. Its client writes down the key of the server when it first connects."""

    def __init__(self, folder: Path, engine: Engine) -> None:
        self.folder = folder
        self.engine = engine
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port: int = taken.getsockname()[1]

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to reach the engine."""
        return {
            "DOCKER_HOST": f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}",
            "PATH": f"{self.folder / 'bin'}:{PATH}",
        }

    def __enter__(self) -> Self:
        program = shutil.which("sshd", path=PATH)
        if program is None or shutil.which("ssh") is None:
            raise NoEngineError("openssh-server and openssh-client are not installed")
        self.folder.mkdir()
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where it locks itself in
        for name in ("host", "user"):
            key = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.folder}/{name}"]
            subprocess.run(key, check=True)
        values = {"folder": self.folder, "port": self.port, "host": self.engine.host}
        (self.folder / "server").write_text(_SERVER.format_map(values))
        (self.folder / "client").write_text(_CLIENT.format_map(values))
        client = self.folder / "bin" / "ssh"
        client.parent.mkdir()
        client.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {self.folder}/client "$@"\n')
        client.chmod(0o755)
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [program, "-D", "-e", "-f", self.folder / "server"], stderr=log
            )
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def _wait(self) -> None:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                return
        raise NoEngineError((self.folder / "log").read_text())

    def _stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()
