"""How pipes fail."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

from layerscope.system.pipes import is_broken_pipe
from tests.builder import FORMS, ImageBuilder
from tests.processes.client import ROOT
from tests.processes.unmeasured import unmeasured


def test_a_full_disk_is_not_a_closed_pipe() -> None:
    assert is_broken_pipe(BrokenPipeError(errno.EPIPE, ""))
    assert not is_broken_pipe(OSError(errno.ENOSPC, ""))
    assert is_broken_pipe(OSError(errno.EINVAL, "")) == (sys.platform == "win32")


def test_a_report_whose_reader_is_gone_ends_without_a_word(tmp_path: Path) -> None:
    image = ImageBuilder("app:1").layer({f"srv/{number}": b"x" for number in range(9)})
    FORMS["docker-legacy"].write([image.build()], tmp_path / "a.tar")
    with subprocess.Popen(
        [sys.executable, "-m", "layerscope", "report", "a.tar", "--json", "--files"],
        cwd=tmp_path,
        env={**unmeasured(os.environ), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        program.stdout.close()
        assert program.stderr.read() == b""
        assert program.wait() == 141


def test_a_docker_that_does_not_run_is_one_line(tmp_path: Path) -> None:
    host = "npipe:////./pipe/no_engine" if sys.platform == "win32" else "unix:///no/engine"
    done = subprocess.run(
        [sys.executable, "-m", "layerscope", "report", "docker:app"],
        cwd=tmp_path,
        env={**unmeasured(os.environ), "PYTHONPATH": str(ROOT), "DOCKER_HOST": host},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    (line,) = done.stderr.splitlines()
    kind = "named pipe" if sys.platform == "win32" else "socket"
    assert line.startswith(
        f"layerscope: error: the Docker engine at {host} does not respond: no such {kind};"
    )
