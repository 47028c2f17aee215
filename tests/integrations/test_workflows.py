"""The project's own workflows: actionlint and zizmor find nothing, and no job has more rights than it needs."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.builder.tools import absent, require
from tests.docs.pages import ROOT
from tests.engines import gotools

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
ACTIONS = [ROOT / "action.yml", ROOT / "integrations/github/comment/action.yml"]


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def test_every_action_is_pinned_by_its_hash_with_its_version_beside_it() -> None:
    uses = [
        line.strip()
        for path in [*WORKFLOWS, *ACTIONS]
        for line in path.read_text().splitlines()
        if re.match(r"\s*(- )?uses:", line)
    ]
    assert len(uses) > 10
    odd = [line for line in uses if not re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line)]
    assert odd == []


def test_zizmor_finds_nothing() -> None:
    done = subprocess.run(
        [require("zizmor"), "--offline", "--no-progress", "--quiet", str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.engine
@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actionlint_finds_nothing(path: Path) -> None:
    try:
        program = gotools.program("actionlint")
    except (gotools.ToolError, OSError) as error:
        absent(str(error))
    done = subprocess.run(
        [str(program), "-no-color", "-shellcheck=", "-pyflakes=", str(path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_only_the_jobs_that_sign_or_publish_may_write() -> None:
    writing = {
        (path.name, name): sorted(
            right for right, kind in job.get("permissions", {}).items() if kind == "write"
        )
        for path in WORKFLOWS
        for name, job in read(path)["jobs"].items()
        if "write" in job.get("permissions", {}).values()
    }
    assert writing == {
        ("release.yml", "image"): ["attestations", "id-token", "packages"],
        ("release.yml", "attest"): ["attestations", "id-token"],
        ("release.yml", "pypi"): ["id-token"],
    }
    for path in WORKFLOWS:
        assert "write" not in read(path)["permissions"].values()


def test_nothing_is_published_before_every_check_has_passed() -> None:
    jobs = read(ROOT / ".github/workflows/release.yml")["jobs"]
    assert set(jobs["image"]["needs"]) == {"build", "test"}
    assert set(jobs["pypi"]["needs"]) == {"build", "test", "image", "attest"}
    assert jobs["test"]["steps"][-1] == {"run": ".ci/run"}
