"""The GitLab template, run the way the runner does: the lines of its script in one shell."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import environment
from tests.processes import client as processes

ROOT = Path(__file__).parents[2]
JOB = yaml.safe_load((ROOT / "integrations/gitlab/layerscope.yml").read_text())[".layerscope"]


def play(
    folder: Path, *, stdin: int | None = None, script: str = "", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the job without its installation of layerscope."""
    before = JOB["before_script"]
    assert "pip install" in before[1]
    program = folder / "bin" / "layerscope"
    program.parent.mkdir(parents=True, exist_ok=True)
    variables.setdefault("LAYERSCOPE_IMAGE", str(ROOT / "fixtures/my-python-app-buildkit.tar"))
    processes.script(program)
    if script:
        program.write_text(f"#!/bin/bash\n{script}\n")
    env = environment(**(JOB["variables"] | variables))
    env["PATH"] = f"{program.parent}:{env['PATH']}"
    return subprocess.run(
        ["sh", "-e", "-c", "\n".join([before[0], *JOB["script"]])],
        cwd=folder,
        stdin=stdin,
        env=env,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(("limit", "code"), [("1MB", 1), ("1GB", 0)])
@pytest.mark.slow
def test_the_job_exits_with_the_verdict(tmp_path: Path, limit: str, code: int) -> None:
    image = str(ROOT / "fixtures/my-python-app-buildkit.tar")
    options = f"--max-size {limit} --max-layers 20"
    done = play(tmp_path, LAYERSCOPE_IMAGE=image, LAYERSCOPE_OPTIONS=options)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines()[-1].startswith("verdict: ")
    for kind in ("junit", "codequality"):
        assert (tmp_path / JOB["artifacts"]["reports"][kind]).stat().st_size
    issues = json.loads((tmp_path / "layerscope-reports/codequality.json").read_text())
    assert all({"description", "fingerprint", "severity", "location"} <= set(row) for row in issues)


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "garbage"},
        {"PYTHONHOME": "/none"},
        {"PYTHONUTF8": "x"},
        {"PYTHONHASHSEED": "x"},
        {"PYTHONPATH": "."},
    ],
    ids=str,
)
def test_what_makes_python_abort_does_not_look_like_a_broken_budget(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    (tmp_path / "shlex.py").write_text("raise SystemExit(1)")
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        done = play(tmp_path, stdin=folder, LAYERSCOPE_OPTIONS="--max-layers 20", **variables)
    finally:
        os.close(folder)
    assert done.returncode == 0, done.stderr


def test_an_exit_code_of_1_without_a_broken_budget_is_an_error(tmp_path: Path) -> None:
    """layerscope can fail for many reasons: a memory limit, a broken installation, a program with the same name."""
    for script, message in (
        ("exit 1", "No such file"),
        ("kill -9 $$", ""),
        (
            'for last; do case $last in json=*) echo "{}" >"${last#json=}";; esac; done; exit 1',
            "exit code 1",
        ),
        (
            'for last; do case $last in json=*) echo "{}" >"${last#json=}";; esac; done; exit 0',
            "not its verdict",
        ),
        ("exit 10", ""),
    ):
        done = play(tmp_path, script=script, LAYERSCOPE_OPTIONS="--max-layers 2")
        assert done.returncode == 2
        assert message in done.stderr


def test_python_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "python3"
    program.parent.mkdir()
    program.symlink_to("/bin/false")
    done = play(tmp_path, LAYERSCOPE_OPTIONS="--max-layers 2")
    assert done.returncode == 2
    assert "Python ended before there was a verdict" in done.stderr


@pytest.mark.parametrize("gate", ["True", "yes", " 1 ", ""])
def test_whatever_is_not_a_clear_no_gates(tmp_path: Path, gate: str) -> None:
    done = play(tmp_path, LAYERSCOPE_OPTIONS="--max-layers 2", LAYERSCOPE_GATE=gate)
    assert done.returncode == 1


@pytest.mark.parametrize("gate", ["FALSE", "no", " off "])
def test_a_clear_no_only_reports(tmp_path: Path, gate: str) -> None:
    done = play(tmp_path, LAYERSCOPE_OPTIONS="--max-layers 2", LAYERSCOPE_GATE=gate)
    assert done.returncode == 0
    assert "verdict: fail (1 of 1 rules)" in done.stdout


@pytest.mark.parametrize("name", ["GATE", "REQUIRE_BASELINE", "KEEP_BASELINE"])
def test_a_switch_that_is_neither_yes_nor_no_is_an_error(tmp_path: Path, name: str) -> None:
    switches: dict[str, Any] = {f"LAYERSCOPE_{name}": "maybe"}
    done = play(tmp_path, LAYERSCOPE_OPTIONS="--max-layers 2", **switches)
    assert done.returncode == 2
    assert f"LAYERSCOPE_{name} is 'maybe'" in done.stderr


@pytest.mark.slow
def test_the_default_branch_is_the_baseline_of_a_merge_request(tmp_path: Path) -> None:
    """The runner keeps the cache folder from job to job, and nothing else."""
    growth = "--max-growth 0  # nothing may grow"
    main: dict[str, Any] = {"CI_DEFAULT_BRANCH": "main", "CI_COMMIT_BRANCH": "main"}
    request: dict[str, Any] = {"CI_DEFAULT_BRANCH": "main", "CI_MERGE_REQUEST_IID": "7"}
    first = play(tmp_path / "0", LAYERSCOPE_OPTIONS=growth, **request)
    assert first.returncode == 0
    assert first.stdout.splitlines()[-1] == "verdict: pass (1 of 1 rules skipped)"
    required = play(
        tmp_path / "1", LAYERSCOPE_OPTIONS=growth, LAYERSCOPE_REQUIRE_BASELINE="yes", **request
    )
    assert required.returncode == 3
    assert play(tmp_path / "2", LAYERSCOPE_OPTIONS="--max-layers 20", **main).returncode == 0
    (kept,) = JOB["cache"][0]["paths"]
    shutil.copytree(tmp_path / "2" / kept, tmp_path / "3" / kept)
    done = play(
        tmp_path / "3", LAYERSCOPE_OPTIONS=growth, LAYERSCOPE_REQUIRE_BASELINE="yes", **request
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "verdict: pass"
    before = (tmp_path / "3" / kept / "report.json").read_bytes()
    image = str(ROOT / "fixtures/my-python-app.tar.gz")
    play(tmp_path / "3", LAYERSCOPE_IMAGE=image, LAYERSCOPE_OPTIONS=growth, **request)
    assert (tmp_path / "3" / kept / "report.json").read_bytes() == before


def test_the_budget_file_is_used_and_a_missing_baseline_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "my budget.toml").write_text("max_growth = 0\nmax_layers = 2\n")
    done = play(
        tmp_path,
        LAYERSCOPE_IMAGE=str(ROOT / "fixtures/my-python-app-buildkit.tar"),
        LAYERSCOPE_BUDGET="my budget.toml",
        LAYERSCOPE_BASELINE="none.json",
        LAYERSCOPE_OPTIONS="--min-change '1 kB' # with a space",
    )
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1] == "verdict: fail (1 of 2 rules, 1 skipped)"
