"""Runs layerscope as a process: forked from one that has imported it, or in CI, started from nothing."""

from __future__ import annotations

import atexit
import os
import selectors
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

from tests.processes.unmeasured import measurable

ROOT: str = str(Path(__file__).parents[2])
COMMAND = "import sys; from layerscope.__main__ import command; sys.exit(command())"
"""The program that the `layerscope` command runs."""
WHOLE = os.environ.get("CI") == "true"
"""Whether each run is a Python of its own."""
_PYTHON = ("PYTHON", "LC_", "LANG", "COVERAGE_", "MALLOC_")
_STREAMS = {"capture_output", "stdin", "stdout", "stderr"}
_USUAL = {"PYTHONPATH": ROOT, "LC_ALL": "C.UTF-8"}
"""What a forked process has from its beginning. With other settings of this kind, Python has to start anew."""


@dataclass(frozen=True)
class Cost:
    seconds: float
    """The processor time."""
    memory: int
    """The peak over the memory at the start, in bytes."""


COSTS: list[Cost] = []
"""What each forked process took."""


def run(
    *arguments: str,
    cwd: str | Path,
    env: Mapping[str, str],
    program: str = COMMAND,
    timeout: float = 60,
    **streams: Any,
) -> subprocess.CompletedProcess[bytes]:
    """Like `subprocess.run` for a Python program; by default for the command line of layerscope."""
    env = measurable(env)
    python = {name: value for name, value in env.items() if name.startswith(_PYTHON)}
    if WHOLE or python != _USUAL or streams.keys() - _STREAMS:
        start = ["-m", "layerscope"] if program == COMMAND else ["-c", program]
        return subprocess.run(
            [sys.executable, *start, *arguments],
            cwd=cwd,
            env=env,
            timeout=timeout,
            check=False,
            **streams,
        )
    argv = ["layerscope" if program == COMMAND else "-c", *arguments]
    job = [program, str(cwd), str(len(argv)), *argv, *(f"{name}={env[name]}" for name in env)]
    code, out, err = _forked(b"\0".join(map(os.fsencode, job)), timeout, **streams)
    return subprocess.CompletedProcess(argv, code, out, err)


def address() -> str:
    """The socket of this process's server, which starts when it is first needed."""
    return _server()


@cache
def _server() -> str:
    folder = tempfile.TemporaryDirectory(prefix="fork-")
    path = os.path.join(folder.name, "s")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.processes.server", path],
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", ""), **_USUAL},
        stdin=subprocess.PIPE,
    )

    def end() -> None:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
        folder.cleanup()

    atexit.register(end)
    while not os.path.exists(path):
        if process.poll() is not None:
            raise RuntimeError("the server of forked processes did not start")
        time.sleep(0.01)
    return path


def _forked(
    job: bytes,
    timeout: float,
    *,
    capture_output: bool = False,
    stdin: int | IO[Any] | None = None,
    stdout: int | IO[Any] | None = None,
    stderr: int | IO[Any] | None = None,
) -> tuple[int, bytes | None, bytes | None]:
    """The exit code of a job, and what it wrote to the pipes."""
    if capture_output:
        stdout = stderr = subprocess.PIPE
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket(socket.AF_UNIX))
        server.connect(address())
        pipes: dict[int, bytearray] = {}
        theirs: list[int] = []
        ends: list[int] = []
        for number, stream in enumerate((stdin, stdout, stderr)):
            if stream == subprocess.PIPE:
                assert number
                end, other = os.pipe()
                stack.callback(os.close, end)
                pipes[end] = bytearray()
                ends.append(other)
                theirs.append(other)
            elif stream == subprocess.DEVNULL:
                ends.append(os.open(os.devnull, os.O_RDWR))
                theirs.append(ends[-1])
            elif stream == subprocess.STDOUT:
                theirs.append(theirs[1])
            elif stream is None:
                theirs.append(number)
            else:
                theirs.append(stream if isinstance(stream, int) else stream.fileno())
        socket.send_fds(server, [struct.pack("!Q", len(job))], theirs)
        for end in ends:
            os.close(end)
        server.sendall(job)
        deadline = time.monotonic() + timeout
        (child,) = struct.unpack("!i", _receive(server, 4))
        try:
            _drain(pipes, deadline)
            server.settimeout(max(0.01, deadline - time.monotonic()))
            code, seconds, memory = struct.unpack("!idq", _receive(server, 20))
        except TimeoutError:
            os.kill(child, signal.SIGKILL)
            raise subprocess.TimeoutExpired(os.fsdecode(job), timeout) from None
        COSTS.append(Cost(seconds, memory))
        found = [bytes(data) for data in pipes.values()]
    out = found.pop(0) if stdout == subprocess.PIPE else None
    err = found.pop(0) if stderr == subprocess.PIPE else None
    return code, out, err


def _receive(server: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = server.recv(size - len(data))
        if not piece:
            raise RuntimeError("the server of forked processes ended")
        data += piece
    return data


def _drain(pipes: Mapping[int, bytearray], deadline: float) -> None:
    """Read pipes until all writers have closed them."""
    with selectors.DefaultSelector() as selector:
        for end in pipes:
            selector.register(end, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            for key, _ in ready:
                data = os.read(key.fd, 1 << 16)
                pipes[key.fd] += data
                if not data:
                    selector.unregister(key.fd)


def script(path: Path) -> None:
    """Write a `layerscope` command for shells to run."""
    python = f'exec {sys.executable} -P -m layerscope "$@"'
    if not WHOLE:
        python = f'exec {sys.executable} -I -S {ROOT}/tests/processes/stand_in.py {address()} "$@"'
    path.write_text(f"#!/bin/sh\nPYTHONPATH={shlex.quote(ROOT)} {python}\n")
    path.chmod(0o755)
