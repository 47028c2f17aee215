"""The sandbox with an engine behind a real ssh, and with credentials from real helpers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.builder import oci
from tests.builder.tools import absent
from tests.cli.conftest import run_in
from tests.engines.engine import NoEngineError
from tests.engines.registry import DistributionRegistry, running
from tests.engines.sshd import SshServer
from tests.sandbox import planted
from tests.sandbox.planted import version
from tests.test_conformance import sample

if TYPE_CHECKING:
    from tests.engines.engine import DockerEngine

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(version() < 6, reason="the kernel's Landlock is too old for all limits"),
]
USER = ("me", "s3cret")
LOCKED_OUT = {"read", "write", "create", "connect", "listen", "run", "signal"}


@pytest.fixture
def ssh(tmp_path: Path, docker_engine: DockerEngine) -> Iterator[dict[str, str]]:
    with ExitStack() as stack:
        try:
            server = stack.enter_context(SshServer(tmp_path / "ssh", docker_engine))
        except NoEngineError as error:
            absent(str(error))
        yield server.environment


def test_an_image_behind_ssh_is_read_in_a_sandbox(ssh: dict[str, str], tmp_path: Path) -> None:
    own = ssh | {"TMPDIR": str(tmp_path), "LAYERSCOPE_CACHE_DIR": str(tmp_path / "cache")}
    said = []
    for words in (("--sandbox",), ("--no-sandbox",), ("--sandbox", "--via", "export")):
        done = run_in(tmp_path, "report", "docker:busybox", "--no-cache", *words, env=own)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert said[0] == said[1] == said[2]
    assert "busybox:latest" in said[0]
    assert not list(tmp_path.glob("layerscope-ssh-*"))


def test_an_engine_behind_ssh_gives_access_to_its_socket_alone(
    ssh: dict[str, str], tmp_path: Path
) -> None:
    where = planted.place(tmp_path)
    tries = planted.attempts(where, int(ssh["DOCKER_HOST"].rpartition(":")[2]))
    words = ("report", "docker:busybox", "--sandbox", "--quiet")
    found = planted.run(where, *words, tries=tries, env=ssh)
    assert {found[name] for name in LOCKED_OUT} == {"PermissionError"}


def test_an_engine_that_ssh_does_not_reach_is_one_line(ssh: dict[str, str], tmp_path: Path) -> None:
    own = ssh | {"DOCKER_HOST": "ssh://127.0.0.1:1"}
    done = run_in(tmp_path, "report", "docker:busybox", "--sandbox", env=own)
    assert done.returncode == 3
    told = [line for line in done.stderr.splitlines() if not line.startswith("ssh: ")]
    assert len(told) == 1
    assert "check that `ssh ssh://127.0.0.1:1 docker version` works" in told[0]


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[str]:
    """An image in a registry that wants a password."""
    with running(DistributionRegistry(tmp_path / "registry", user=USER)) as registry:
        oci([sample()]).write_folder(tmp_path / "layout")
        yield registry.push(f"oci:{tmp_path / 'layout'}:1.0", "team/app:1")


def settings(folder: Path, key: str, value: object) -> dict[str, str]:
    (folder / "docker").mkdir()
    (folder / "docker" / "config.json").write_text(json.dumps({key: value}))
    return {"DOCKER_CONFIG": str(folder / "docker"), "HOME": str(folder)}


@pytest.fixture
def home() -> Iterator[Path]:
    """A home with a short name, for the sockets in it, outside of what a run may read."""
    with tempfile.TemporaryDirectory(prefix="home-", dir="/var/tmp") as name:
        yield Path(name)


def read_both_ways(reference: str, folder: Path, own: dict[str, str]) -> None:
    said = []
    for switch in ("--sandbox", "--no-sandbox"):
        done = run_in(folder, "report", reference, "--no-cache", switch, env=own)
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert said[0] == said[1]


@pytest.mark.parametrize("key", ["credsStore", "credHelpers"])
def test_a_helper_may_start_programs_and_use_its_home(
    key: str, reference: str, home: Path, tmp_path: Path
) -> None:
    host = reference.removeprefix("registry:").partition("/")[0]
    (home / "password").write_text(USER[1])
    program = home / "bin" / "docker-credential-own"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\nread -r host\necho "$host" >> ~/asked\n'
        f'printf \'{{"Username": "{USER[0]}", "Secret": "%s"}}\' "$(cat ~/password | head -n 1)"\n'
    )
    program.chmod(0o755)
    own = settings(home, key, "own" if key == "credsStore" else {host: "own"})
    own["PATH"] = f"{program.parent}:{os.environ['PATH']}"
    read_both_ways(reference, tmp_path, own)
    assert set((home / "asked").read_text().splitlines()) == {host}


def test_pass_decrypts_a_password_for_a_run_in_a_sandbox(
    reference: str, home: Path, tmp_path: Path
) -> None:
    for program in ("docker-credential-pass", "pass", "gpg"):
        if shutil.which(program) is None:
            absent(f"{program} is not installed")
    own = settings(home, "credsStore", "pass")
    env = {**os.environ, **own}
    key = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-gen-key", "me@example.com"]
    try:
        subprocess.run(key, env=env, check=True, capture_output=True)
        subprocess.run(["pass", "init", "me@example.com"], env=env, check=True, capture_output=True)
        host = reference.removeprefix("registry:").partition("/")[0]
        kept = json.dumps({"ServerURL": host, "Username": USER[0], "Secret": USER[1]})
        subprocess.run(
            ["docker-credential-pass", "store"], input=kept.encode(), env=env, check=True
        )
        # The agent has to be started anew by the helper.
        subprocess.run(["gpgconf", "--kill", "all"], env=env, check=True)
        read_both_ways(reference, tmp_path, own)
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=env, check=True)
