"""The GitLab template, run as the runner does: the lines of its script, one after the other, in one shell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import environment

ROOT = Path(__file__).parents[2]
JOB = yaml.safe_load((ROOT / "integrations/gitlab/layerscope.yml").read_text())[".layerscope"]


def play(folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    program = folder / "bin" / "layerscope"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m layerscope "$@"\n')
    program.chmod(0o755)
    env = environment(**(JOB["variables"] | variables))
    env["PATH"] = f"{program.parent}:{env['PATH']}"
    return subprocess.run(
        ["sh", "-e", "-c", "\n".join(JOB["script"])],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(("limit", "code"), [("1MB", 1), ("1GB", 0)])
def test_the_job_is_played(tmp_path: Path, limit: str, code: int) -> None:
    image = str(ROOT / "fixtures/my-python-app-buildkit.tar")
    options = f"--max-size {limit} --max-layers 20"
    done = play(tmp_path, LAYERSCOPE_IMAGE=image, LAYERSCOPE_OPTIONS=options)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-1].startswith("verdict: ")
    for kind in ("junit", "codequality"):
        assert (tmp_path / JOB["artifacts"]["reports"][kind]).stat().st_size
    issues = json.loads((tmp_path / "layerscope-reports/codequality.json").read_text())
    assert all({"description", "fingerprint", "severity", "location"} <= set(row) for row in issues)
    again = play(
        tmp_path,
        LAYERSCOPE_IMAGE=image,
        LAYERSCOPE_OPTIONS="--max-growth 0",
        LAYERSCOPE_BASELINE="layerscope-reports/report.json",
    )
    assert again.returncode == 0, again.stderr


def test_a_budget_file_and_a_missing_baseline(tmp_path: Path) -> None:
    (tmp_path / "my budget.toml").write_text("max_growth = 0\nmax_layers = 2\n")
    done = play(
        tmp_path,
        LAYERSCOPE_IMAGE=str(ROOT / "fixtures/my-python-app-buildkit.tar"),
        LAYERSCOPE_BUDGET="my budget.toml",
        LAYERSCOPE_BASELINE="none.json",
    )
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "verdict: fail (1 of 2 rules)"
