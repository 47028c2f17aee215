from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.cli.images import hostile_text, web_app, write
from tests.processes import client as processes
from tests.processes.unmeasured import measurable

ROOT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@cache
def originals() -> dict[str, bytes]:
    """The images of every working folder."""
    with tempfile.TemporaryDirectory() as made:
        write(web_app(), Path(made, "app.tar"))
        write(web_app(), Path(made, "app-oci.tar"), "oci-archive")
        write(hostile_text(), Path(made, "evil.tar"))
        return {image.name: image.read_bytes() for image in Path(made).iterdir()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with `app.tar` (a docker-archive), `app-oci.tar`, and `evil.tar`."""
    for name, image in originals().items():
        (tmp_path / name).write_bytes(image)
    return tmp_path


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "layerscope", *arguments]


def environment(**changes: str) -> dict[str, str]:
    """The environment of a run, without settings of the caller's shell."""
    kept = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "TMPDIR", "LAYERSCOPE_CACHE_DIR")
        if name in os.environ
    }
    coverage = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
    return measurable(kept | coverage | {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"} | changes)


def run_in(
    folder: Path, *arguments: str, env: Mapping[str, str] | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Runs layerscope as a process in a folder."""
    done = processes.run(
        *arguments,
        cwd=folder,
        env=environment(**(env or {})),
        **({"capture_output": True} | options),
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, _text(done.stdout), _text(done.stderr)
    )


def _text(written: bytes | None) -> str | None:
    return None if written is None else written.decode()


@pytest.fixture
def run(folder: Path) -> Run:
    """Runs layerscope as a process in `folder` and returns its output."""

    def run_it(
        *arguments: str, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        return run_in(folder, *arguments, env=env, **options)

    return run_it
