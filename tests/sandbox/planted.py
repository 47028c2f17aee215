"""Runs a command whose reading of the image is replaced by hostile code, as if a reader had a hole."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cli.conftest import environment
from tests.processes import client as processes

PROGRAM = """
import importlib, json, os, socket, subprocess, sys, tempfile, threading
from layerscope.__main__ import command

place, attempts = sys.argv.pop(1), json.loads(sys.argv.pop(1))

def attempt(code):
    try:
        exec(code)
    except OSError as error:
        return type(error).__name__
    return "done"

def hostile(*_, **__):
    found = {name: attempt(code) for name, code in attempts.items()}
    thread = threading.Thread(target=lambda: found.update(
        {f"{name} in a thread": attempt(code) for name, code in attempts.items()}))
    thread.start()
    thread.join()
    sys.stdout.write(json.dumps(found))
    sys.stdout.flush()
    os._exit(0)

module, _, name = place.partition(":")
owner = importlib.import_module(module)
for part in name.split(".")[:-1]:
    owner = getattr(owner, part)
setattr(owner, name.split(".")[-1], hostile)
sys.exit(command())
"""


def version() -> int:
    """The version of this machine's Landlock; 0 without one."""
    try:
        from layerscope.sandbox.landlock import abi
    except ImportError:  # the library is for Linux alone
        return 0
    return abi()


READS = "layerscope:read"
"""The function that reads an image for most commands."""


@dataclass(frozen=True)
class Place:
    """A folder to run in, one that is none of the run's business, and one for its temporary files."""

    folder: Path
    outside: Path
    temporary: Path

    @property
    def secret(self) -> Path:
        return self.outside / "secret"


def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "folder", tmp_path / "outside", tmp_path / "temporary")
    for path in (made.folder, made.outside, made.temporary):
        path.mkdir(exist_ok=True)
    made.secret.write_text("password")
    return made


def attempts(where: Place, port: int) -> dict[str, str]:
    """What hostile code may try. Each attempt works without a sandbox."""
    outside = str(where.outside)
    return {
        "read": f"open({str(where.secret)!r}).read()",
        "list": f"os.listdir({outside!r})",
        "write": f"open({outside + '/secret'!r}, 'a').write('x')",
        "create": f"open({outside + '/new'!r}, 'w').close()",
        "link": f"os.symlink('/', os.path.join({outside!r}, tempfile.mktemp(dir='')))",
        "make a folder": f"os.mkdir(tempfile.mktemp(dir={outside!r}))",
        "remove": f"os.unlink({outside + '/new'!r})",
        "connect": f"socket.create_connection(('127.0.0.1', {port}), 5).close()",
        "listen": "socket.create_server(('127.0.0.1', 0)).close()",
        "run": "subprocess.run(['/bin/true'], check=True)",
        "signal": "os.kill(os.getppid(), 0)",
        "import": f"open({str(where.folder / 'unasked')!r}).read()",
    }


def run(
    where: Place,
    *words: str,
    tries: Mapping[str, str],
    at: str = READS,
    env: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """What became of each attempt: `done`, or the name of the error."""
    done = start(where, *words, tries=tries, at=at, env=env)
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = json.loads(done.stdout)
    return found


def start(
    where: Place,
    *words: str,
    tries: Mapping[str, str],
    at: str = READS,
    env: Mapping[str, str] | None = None,
    program: str = PROGRAM,
) -> subprocess.CompletedProcess[Any]:
    """The same, with all that the process wrote."""
    (where.folder / "unasked").write_text("x")
    return processes.run(
        at,
        json.dumps(tries),
        *words,
        program=program,
        cwd=where.folder,
        env=environment(TMPDIR=str(where.temporary), **(env or {})),
        capture_output=True,
        stdin=subprocess.DEVNULL,
    )


def cache_folder() -> str:
    return os.environ["LAYERSCOPE_CACHE_DIR"]
