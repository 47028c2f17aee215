"""The socket behind which ssh reaches an engine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from layerscope.errors import ConfigError
from layerscope.sources.ssh_door import ssh_command
from tests.processes.client import ROOT
from tests.processes.unmeasured import unmeasured

DIAL = "docker system dial-stdio"


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("ssh://me@far", ["-l", "me", "--", "far"]),
        ("ssh://far:2222", ["-p", "2222", "--", "far"]),
        ("ssh://me@[::1]:22", ["-l", "me", "-p", "22", "--", "::1"]),
    ],
)
def test_an_address_becomes_the_command_of_docker(host: str, words: list[str]) -> None:
    assert ssh_command(host) == ["ssh", *words, DIAL]


@pytest.mark.parametrize(
    "host", ["ssh://", "ssh://-oProxyCommand=id", "ssh://-x@far", "ssh://far:port", "ssh://[::1"]
)
def test_an_address_that_ssh_would_take_for_something_else_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="is not the address of an engine"):
        ssh_command(host)


PROGRAM = """
import os, socket, sys
from layerscope.sources.ssh_door import address, open_door
open_door("ssh://far")
path = address("ssh://far")["base_url"].removeprefix("unix://")
answers = []
for text in (b"one", b"two"):
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(path)
        door.sendall(text)
        answers.append(door.makefile("rb").read(3 + len(text)))
print(answers, path, flush=True)
os._exit(0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Python has no Unix sockets there")
@pytest.mark.parametrize("below", [".", "a" * 100])
def test_each_connection_has_an_ssh_and_nothing_outlives_the_process(
    below: str, tmp_path: Path
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\nprintf ssh\nexec cat\n")
    ssh.chmod(0o755)
    (tmp_path / below).mkdir(exist_ok=True)
    own = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path / below)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**unmeasured(os.environ), **own, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    answers, _, path = done.stdout.strip().rpartition(" ")
    assert answers == "[b'sshone', b'sshtwo']"
    for _ in range(200):
        if not Path(path).parent.exists():
            break
        time.sleep(0.05)
    assert not Path(path).parent.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="PATH doesn't decide alone there")
def test_a_missing_ssh_is_named(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "layerscope", "report", "docker:app", "--no-sandbox"],
        env={
            **unmeasured(os.environ),
            "PATH": str(tmp_path),
            "DOCKER_HOST": "ssh://far",
            "DOCKER_CONFIG": str(tmp_path),
            "PYTHONPATH": str(ROOT),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        3,
        "layerscope: error: cannot reach the Docker engine at ssh://far: there is no `ssh` command; install OpenSSH's client\n",
    )
