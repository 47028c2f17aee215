"""Runs layerscope as a process, whose time and memory are bounded."""

from __future__ import annotations

import os
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.builder import FORMS, ImageBuilder
from tests.hostile import bounds
from tests.processes import client as processes

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ran:
    code: int
    out: bytes
    err: str
    peak: int
    """The peak resident set size, in bytes."""
    seconds: float
    """The CPU time."""


PROGRAM = """
import sys
import time
from layerscope.__main__ import main
path = sys.argv.pop(1)
try:
    code = main()
finally:
    with open("/proc/self/status") as status, open(path, "w") as out:
        out.write(next(line for line in status if line.startswith("VmHWM")).split()[1])
        out.write(f" {time.process_time()}")
sys.exit(code)
"""
"""Runs the command line and records its peak. The kernel's count for child processes would include the parent's peak."""


def layerscope(*arguments: str, cwd: Path, images: int = 1) -> Ran:
    """A run that takes no more than so many hostile images may."""
    ran = measured(*arguments, cwd=cwd)
    bounds.check(ran.seconds / images, (ran.peak - start()) // images)
    return ran


@cache
def start() -> int:
    """The peak of a report on an image with one small file."""
    with tempfile.TemporaryDirectory() as name:
        built = ImageBuilder("app:1").layer({"f": b"x"}).build()
        reference = FORMS["docker-legacy"].write([built], Path(name, "image.tar"))
        return measured("report", reference, "--json", "--no-cache", cwd=Path(name)).peak


def measured(*arguments: str, cwd: Path) -> Ran:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "HOME", "TMPDIR"} or name.startswith("COVERAGE_")
    }
    with tempfile.NamedTemporaryFile() as peak:
        done = processes.run(
            peak.name,
            *arguments,
            program=PROGRAM,
            cwd=cwd,
            env=environment | {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=900,
        )
        kilobytes, seconds = peak.read().split()
    said = done.stderr.decode("utf-8")
    return Ran(done.returncode, done.stdout, said, int(kilobytes) * 1024, float(seconds))
