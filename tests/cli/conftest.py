from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.cli.images import hostile_text, web_app, write

ROOT = Path(__file__).parents[2]
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A working folder with `app.tar` (a docker-archive), `app-oci.tar`, and `evil.tar`."""
    write(web_app(), tmp_path / "app.tar")
    write(web_app(), tmp_path / "app-oci.tar", "oci-archive")
    write(hostile_text(), tmp_path / "evil.tar")
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
    return kept | coverage | {"PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"} | changes


@pytest.fixture
def run(folder: Path) -> Run:
    """Runs layerscope as a process in `folder` and returns its output."""

    def run_it(
        *arguments: str, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        call: Sequence[str] = command(*arguments)
        return subprocess.run(
            call,
            cwd=folder,
            env=environment(**(env or {})),
            text=True,
            encoding="utf-8",
            timeout=60,
            check=False,
            **({"capture_output": True} | options),
        )

    return run_it
