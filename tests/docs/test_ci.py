"""docs/ci.md, followed by a new user in an empty repository, step by step, with a real engine."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.docs.conftest import docker_engine
from tests.docs.gitlab import Pipeline, PipelineError
from tests.docs.pages import ROOT, Block, blocks
from tests.integrations.conftest import NAME, address, fetched
from tests.integrations.runner.api import BOT, Api, serving
from tests.integrations.runner.hub import Event, Hub, pull_request, push
from tests.integrations.runner.job import Job

if TYPE_CHECKING:
    from tests.engines.engine import DockerEngine

__all__ = ["docker_engine"]

pytestmark = pytest.mark.slow

PAGE = ROOT / "docs/ci.md"
ADDRESS = re.compile(r"https://example\.com/layerscope[^\s\"]*")
TEMPLATE = {"integrations/gitlab/layerscope.yml": ROOT / "integrations/gitlab/layerscope.yml"}
MEGABYTE = os.urandom(1_000_000)


def snippet(section: str, language: str) -> str:
    """The first block of a language below a heading."""
    lines = PAGE.read_text().splitlines()
    start = lines.index(f"## {section}")
    found: list[Block] = [block for block in blocks(PAGE, language) if block.line > start]
    return found[0].text


class User:
    """Someone with an empty git repository, an engine, and nothing of layerscope but the address of its repository."""

    def __init__(self, folder: Path, engine: DockerEngine) -> None:
        self.folder = folder
        self.project = folder / "project"
        self.layerscope = fetched(folder / "layerscope")
        self.tools = folder / "tools"
        self.tools.mkdir()
        (self.tools / "docker").symlink_to(engine.client()[0])
        kept = {
            k: v for k, v in os.environ.items() if k.startswith("PIP_") or k in ("HOME", "LANG")
        }
        self.environment = {
            **kept,
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "DOCKER_HOST": engine.host,
            "DOCKER_CONFIG": str(folder / "docker"),
            "DOCKER_BUILDKIT": "0",
            "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
            "PRE_COMMIT_HOME": str(folder / "pre-commit"),
        }
        for name, value in (("user.name", "u"), ("user.email", "u@example.com")):
            self.git("config", "--global", name, value, where=folder)
        self.git("config", "--global", "init.defaultBranch", "main", where=folder)
        self.git("init", "-q", where=self.layerscope)
        self.git("add", "-A", where=self.layerscope)
        self.git("commit", "-qm", "layerscope", where=self.layerscope)
        self.git("tag", "v0.1.0", where=self.layerscope)
        self.project.mkdir()
        self.git("init", "-q")
        self.write("Dockerfile", "FROM busybox:latest\nCOPY data /data\n")
        self.write("data", "first")

    def text(self, section: str, language: str) -> str:
        """A snippet with the address of the clone in place of the documentation's."""
        return ADDRESS.sub(f"file://{self.layerscope}", snippet(section, language))

    def write(self, name: str, text: str | bytes) -> None:
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    def git(self, *arguments: str, where: Path | None = None) -> None:
        done = self.shell("git", *arguments, where=where)
        assert done.returncode == 0, done.stderr

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-qm", "change")

    def shell(self, *command: str, where: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=where or self.project,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )


@pytest.fixture
def user(tmp_path: Path, docker_engine: DockerEngine) -> User:
    return User(tmp_path, docker_engine)


@pytest.fixture
def api() -> Iterator[ThreadingHTTPServer]:
    with serving() as server:
        yield server


def test_the_workflow_for_github(user: User, api: ThreadingHTTPServer) -> None:
    user.write(".github/workflows/image.yml", user.text("GitHub", "yaml"))
    user.commit()
    hub = Hub(user.folder / "hub")
    runs = 0

    def run(event: Event) -> tuple[str, Job]:
        nonlocal runs
        runs += 1
        workflow = yaml.safe_load((user.project / ".github/workflows/image.yml").read_text())
        assert event.name in workflow[True]  # YAML reads the key `on` as a boolean
        shutil.rmtree(user.folder / "temp", ignore_errors=True)
        workspace = user.folder / f"workspace-{runs}"
        workspace.mkdir()
        hub.artifacts.clear()
        shutil.rmtree(hub.folder / "artifacts", ignore_errors=True)
        job = Job(
            hub,
            event,
            workspace,
            user.folder / "temp",
            actions={NAME: user.layerscope},
            env=user.environment,
            repository=user.project,
            api=address(api),
        )
        return job.run(workflow["jobs"]["size"]["steps"]), job

    def verdict() -> Any:
        return json.loads((hub.artifacts["image-size"] / "report.json").read_text())["verdict"]

    result, job = run(push("main"))
    assert result == "success", "\n".join(job.log)
    assert [rule["skipped"] for rule in verdict()["rules"]].count(True) == 1

    user.git("checkout", "-qb", "feature")
    user.write("data", MEGABYTE)
    user.commit()
    result, job = run(pull_request(7))
    assert result == "failure"
    broken = [rule["rule"] for rule in verdict()["rules"] if not rule["passed"]]
    assert broken == ["max_growth"]
    lines = [each.properties for each in job.annotations if each.level == "error"]
    assert any(each.get("file") == "Dockerfile" and each.get("line") == "2" for each in lines)
    assert "verdict: fail (1 of 2 rules)" in job.summary
    assert sum(row["user"] == BOT for row in Api.comments) == 1

    user.write("data", "second")
    user.commit()
    assert run(pull_request(7))[0] == "success"
    assert "verdict: pass" in Api.comments[-1]["body"]
    assert sum(row["user"] == BOT for row in Api.comments) == 1

    user.write("Dockerfile", "FROM busybox:latest\nCOPY none /none\n")
    user.commit()
    result, job = run(pull_request(7))
    assert result == "failure"
    assert {each.name: each.outcome for each in job.played}[NAME] == "skipped"
    assert not hub.artifacts


def test_the_pipeline_for_gitlab(user: User) -> None:
    user.write(".gitlab-ci.yml", snippet("GitLab", "yaml"))
    user.commit()
    python = user.folder / "python"
    subprocess.run([sys.executable, "-m", "venv", str(python)], check=True)
    user.environment["PATH"] = f"{python / 'bin'}:{user.environment['PATH']}"
    caches = user.folder / "caches"
    runs = 0

    def play(**variables: str) -> tuple[dict[str, str], Any]:
        nonlocal runs
        runs += 1
        project = user.folder / f"clone-{runs}"
        user.git("clone", "-q", str(user.project), str(project))
        text = ADDRESS.sub(
            lambda match: match[0] if match[0].endswith(".yml") else f"file://{user.layerscope}",
            (project / ".gitlab-ci.yml").read_text(),
        )
        shared = {"CI": "true", "GITLAB_CI": "true", "CI_DEFAULT_BRANCH": "main"}
        ended = Pipeline(text, shared | variables, TEMPLATE).play(project, caches, user.environment)
        report = project.with_name(f"{project.name}-image-size-artifacts")
        path = report / "layerscope-reports/report.json"
        assert path.exists(), [each.read_text() for each in user.folder.glob("*/job.log")]
        return ended, json.loads(path.read_text())["verdict"]

    main = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"}
    request = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_IID": "7"}
    ended, verdict = play(**main)
    assert ended == {"image-build": "success", "image-size": "success"}
    assert [rule["skipped"] for rule in verdict["rules"]].count(True) == 1

    user.git("checkout", "-qb", "feature")
    user.write("data", MEGABYTE)
    user.commit()
    ended, verdict = play(**request)
    assert ended == {"image-build": "success", "image-size": "exit 1"}
    assert [rule["rule"] for rule in verdict["rules"] if not rule["passed"]] == ["max_growth"]
    user.write("data", "second")
    user.commit()
    ended, verdict = play(**request)
    assert ended["image-size"] == "success"
    assert not any(rule["skipped"] for rule in verdict["rules"])


@pytest.mark.parametrize(
    "variables",
    [
        {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "main"},
        {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "other"},
        {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "o", "CI_OPEN_MERGE_REQUESTS": "a!1"},
        {"CI_PIPELINE_SOURCE": "merge_request_event"},
        {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_TAG": "v1"},
        {"CI_PIPELINE_SOURCE": "schedule", "CI_COMMIT_BRANCH": "main"},
    ],
    ids=str,
)
def test_gitlab_can_create_every_kind_of_pipeline(variables: dict[str, str]) -> None:
    """A job that needs another one must not be in a pipeline without it."""
    text = snippet("GitLab", "yaml")
    wanted = "CI_OPEN_MERGE_REQUESTS" not in variables
    jobs = Pipeline(text, {"CI_DEFAULT_BRANCH": "main"} | variables, TEMPLATE).jobs
    assert set(jobs) == ({"image-build", "image-size"} if wanted else set())
    without = re.sub(r"  rules: !reference.*\n", "", text)
    if variables["CI_PIPELINE_SOURCE"] != "push":
        with pytest.raises(PipelineError):
            Pipeline(without, {"CI_DEFAULT_BRANCH": "main"} | variables, TEMPLATE)


def test_the_hook_for_pre_commit(user: User) -> None:
    """pre-commit installs the hook from a clone, and git runs it before a push."""
    (user.tools / "pre-commit").write_text(
        f'#!/bin/sh\nexec {sys.executable} -P -m pre_commit "$@"\n'
    )
    (user.tools / "pre-commit").chmod(0o755)
    user.write(".pre-commit-config.yaml", user.text("pre-commit", "yaml"))
    user.git("init", "-q", "--bare", str(user.folder / "remote"))
    user.git("remote", "add", "origin", str(user.folder / "remote"))
    user.commit()
    assert user.shell("docker", "build", "-t", "app", ".").returncode == 0
    done = user.shell("sh", "-ec", user.text("pre-commit", "sh"))
    assert done.returncode == 0, done.stderr
    done = user.shell("git", "push", "-q", "origin", "main")
    assert done.returncode == 0, done.stdout + done.stderr
    user.write("data", MEGABYTE)
    user.write("layerscope.toml", '[budget]\nmax_size = "1MB"\n')
    user.commit()
    assert user.shell("docker", "build", "-t", "app", ".").returncode == 0
    done = user.shell("git", "push", "-q", "origin", "main")
    assert done.returncode == 1
    assert "verdict: fail (1 of 1 rules)" in done.stdout + done.stderr
    # An error is not a broken budget, and neither is a module of the project that ends Python with 1.
    user.write("json.py", "raise SystemExit(1)\n")
    for budget, code in (('max_sise = "1MB"', 2), ('max_size = "1GB"', 0)):
        user.write("layerscope.toml", f"[budget]\n{budget}\n")
        user.commit()  # pre-commit puts aside what is not in git
        done = user.shell("pre-commit", "run", "--hook-stage", "manual", "layerscope")
        assert done.returncode == bool(code), done.stdout
        assert ("exit code: 2" in done.stdout) is (code == 2)


def test_the_script_for_any_other_system(user: User) -> None:
    script = user.text("Any other system", "sh")
    done = user.shell("sh", "-ec", script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((user.project / "report.json").read_text())["verdict"]["passed"]
    check = script[script.index(".layerscope/bin/layerscope") :]
    done = user.shell("sh", "-ec", check.replace("200MB", "1kB"))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, "verdict: fail (1 of 1 rules)")
    assert user.shell("sh", "-ec", check.replace("docker:app", "docker:none")).returncode == 1
