"""The project's own workflows: actionlint and zizmor find nothing, and no job has more rights than it needs."""

from __future__ import annotations

import json
import os
import random
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.builder import ImageBuilder, buildkit, oci
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


@pytest.mark.parametrize(
    ("rows", "said", "codes"),
    [
        ([{"name": "a", "version": "1", "vulns": []}], "1 dependencies", (0, 0)),
        ([{"name": "a", "version": "1", "vulns": [{"id": "CVE-1"}]}], "a 1: CVE-1", (1, 1)),
        ([{"name": "a", "skip_reason": "not found"}], "NOT AUDITED: PyPI knows", (0, 1)),
        ([], "NOT AUDITED", (0, 1)),
        (None, "NOT AUDITED: no route", (0, 1)),
    ],
)
def test_the_audit_fails_for_a_vulnerability_and_where_required_without_an_answer(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    rows: list[dict[str, object]] | None,
    said: str,
    codes: tuple[int, int],
) -> None:
    verdict = runpy.run_path(str(ROOT / ".ci/audit"))["verdict"]
    answer = "" if rows is None else json.dumps({"dependencies": rows})
    for arguments, code in zip(([], ["--required"]), codes, strict=True):
        monkeypatch.setattr(sys, "argv", [".ci/audit", *arguments])
        assert verdict(answer, "trying\nno route\n") == code
        assert said in capsys.readouterr().out


def test_the_workflow_requires_the_audit() -> None:
    jobs = read(ROOT / ".github/workflows/ci.yml")["jobs"]
    assert jobs["audit"]["steps"][-1] == {"run": ".ci/audit --required"}


def test_every_supported_python_is_tested_on_every_system() -> None:
    matrix = read(ROOT / ".github/workflows/ci.yml")["jobs"]["tests"]["strategy"]["matrix"]
    assert {name.partition("-")[0] for name in matrix["os"]} == {"ubuntu", "macos", "windows"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = [line.rpartition(" :: ")[2] for line in project["classifiers"] if "3." in line]
    assert matrix["python"] == listed
    assert project["requires-python"] == f">={listed[0]}"


def own_image(architecture: str, size: int) -> ImageBuilder:
    """What BuildKit makes of the Dockerfile, on a base of 1 MB. `size` is that of layerscope in it, before compression."""
    noise = random.Random(architecture).randbytes
    image = ImageBuilder("layerscope:1", architecture=architecture)
    image.layer({"usr/bin/python3": noise(1_000_000)}, **buildkit.run("set -eux; make install"))
    image.empty(**buildkit.command("CMD", ["python3"]))
    image.layer(
        {"opt/layerscope/bin/layerscope": noise(size)},
        **buildkit.copy("/opt/layerscope", "/opt/layerscope"),
    )
    path = "PATH=/opt/layerscope/bin:/usr/local/bin:/usr/bin"
    image.empty(**buildkit.meta(f"ENV {path} PYTHONDONTWRITEBYTECODE=1 LAYERSCOPE_CACHE_SIZE=0"))
    image.layer({"work/": b""}, **buildkit.workdir("/work"))
    image.empty(**buildkit.meta("USER 65534:65534"))
    return image.empty(**buildkit.command("ENTRYPOINT", ["layerscope"]))


@pytest.mark.parametrize(
    ("size", "extra", "said"),
    [
        (1_000_000, {}, None),
        (31_000_000, {}, "max_own_size"),
        (1_000_000, {"src/layerscope/a.py": b"x"}, "/src/**"),
    ],
)
def test_the_release_checks_its_image_on_every_platform(
    tmp_path: Path, size: int, extra: dict[str, bytes], said: str | None
) -> None:
    images = [own_image("amd64", 1_000_000), own_image("arm64", size)]
    if extra:
        images[1].layer(extra, **buildkit.copy("/src", "/src"))
    oci([each.build() for each in images], layout="index", attestations=True).write(
        tmp_path / "layerscope.tar"
    )
    (tmp_path / "venv/bin").mkdir(parents=True)
    program = tmp_path / "venv/bin/layerscope"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m layerscope "$@"\n')
    program.chmod(0o755)
    steps = read(ROOT / ".github/workflows/release.yml")["jobs"]["image"]["steps"]
    (step,) = (step for step in steps if step.get("name") == "Check it against its own budget")
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", step["run"]],
        cwd=ROOT,
        env=os.environ
        | {"RUNNER_TEMP": str(tmp_path), "ARCHIVE": str(tmp_path / "layerscope.tar")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == (said is not None), done.stdout + done.stderr
    assert done.stdout.count("verdict: ") == 2, done.stderr
    if said is not None:
        assert said in done.stdout.partition("FAIL")[2]
