"""The pre-commit hook: its manifest and its entry, used the way pre-commit does."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import yaml

from tests.cli.conftest import environment

ROOT = Path(__file__).parents[2]


def test_the_manifest_is_valid() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pre_commit",
            "validate-manifest",
            str(ROOT / ".pre-commit-hooks.yaml"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_hook_fails_on_a_broken_budget(tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, *arguments = shlex.split(hook["entry"])
    assert program == "python"
    image = str(ROOT / "fixtures/my-python-app-buildkit.tar")
    for limit, code in (("max_layers = 20", 0), ("max_layers = 2", 1)):
        (tmp_path / "layerscope.toml").write_text(limit)
        done = subprocess.run(
            [sys.executable, *arguments, image],
            cwd=tmp_path,
            env={key: value for key, value in environment().items() if key != "PYTHONPATH"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == code, done.stderr
