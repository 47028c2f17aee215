"""A GitLab pipeline, played as a server and a runner do: includes, `extends`, rules, needs, artifacts, and caches."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """YAML with GitLab's `!reference [job, key]`."""


class _Reference(list[str]):
    """The path that `!reference` names."""


def _reference(loader: yaml.SafeLoader, node: yaml.Node) -> _Reference:
    assert isinstance(node, yaml.SequenceNode)
    return _Reference(loader.construct_sequence(node))


_Loader.add_constructor("!reference", _reference)


class PipelineError(Exception):
    """The server refuses to create the pipeline."""


def read(text: str) -> dict[str, Any]:
    """A file of GitLab's YAML; references are resolved later."""
    found: dict[str, Any] = yaml.load(text, _Loader)
    return found


class Pipeline:
    """The jobs that a configuration has for these variables. `includes` maps the end of a URL to a file."""

    def __init__(
        self, text: str, variables: Mapping[str, str], includes: Mapping[str, Path]
    ) -> None:
        document = read(text)
        for include in document.pop("include", ()):
            (address,) = include.values()
            (path,) = [path for end, path in includes.items() if address.endswith(end)]
            document = read(path.read_text()) | document
        self.stages: list[str] = document.pop("stages", ["build", "test", "deploy"])
        self.document = document
        self.variables = dict(variables)
        self.jobs: dict[str, dict[str, Any]] = {}
        for name in document:
            if not name.startswith("."):
                job = self._merged(name)
                chosen = self._chosen(job)
                if chosen is not None:
                    job["variables"] = job.get("variables", {}) | chosen
                    self.jobs[name] = job
        for name, job in self.jobs.items():
            for needed in job.get("needs", ()):
                if needed not in self.jobs:
                    raise PipelineError(f"{name!r} needs {needed!r}, which is not in the pipeline")

    def _merged(self, name: str) -> dict[str, Any]:
        job = dict(self.document[name])
        base = self._merged(job.pop("extends")) if "extends" in job else {}
        for key, value in job.items():
            if isinstance(value, _Reference):
                job[key] = self.document[value[0]][value[1]]
            elif isinstance(value, dict) and isinstance(base.get(key), dict):
                job[key] = base[key] | value
        return base | job

    def _chosen(self, job: Mapping[str, Any]) -> dict[str, str] | None:
        """The variables of the first rule that applies; None if the job is not in the pipeline."""
        if "rules" not in job:
            return {} if self.variables.get("CI_PIPELINE_SOURCE") == "push" else None
        for rule in job["rules"]:
            if "if" not in rule or _holds(rule["if"], self.variables):
                return None if rule.get("when") == "never" else dict(rule.get("variables", {}))
        return None

    def play(self, project: Path, caches: Path, environment: Mapping[str, str]) -> dict[str, str]:
        """Run the jobs, each in its own clone of the project; returns how each ended. A failure ends the pipeline."""
        ended: dict[str, str] = {}
        made: dict[str, Path] = {}
        order = sorted(self.jobs, key=lambda name: self.stages.index(self.jobs[name]["stage"]))
        for name in order:
            folder = project.with_name(f"{project.name}-{name}")
            subprocess.run(["git", "clone", "-q", str(project), str(folder)], check=True)
            for before in self.jobs[name].get("needs", ended):
                shutil.copytree(made[before], folder, dirs_exist_ok=True)
            ended[name], made[name] = self._run(name, folder, caches, environment)
            if ended[name] != "success":
                break
        return ended

    def _run(
        self, name: str, folder: Path, caches: Path, environment: Mapping[str, str]
    ) -> tuple[str, Path]:
        job = self.jobs[name]
        variables = self.variables | {"CI_PROJECT_DIR": str(folder), "CI_JOB_NAME_SLUG": name}
        for key, value in job.get("variables", {}).items():
            variables[key] = _expanded(str(value), variables)
        kept = [
            (caches / _expanded(each["key"], variables), each, path)
            for each in job.get("cache", ())
            for path in each["paths"]
        ]
        for cache, _, path in kept:
            if (cache / path).exists():
                shutil.copytree(cache / path, folder / path, dirs_exist_ok=True)
        done = subprocess.run(
            ["sh", "-e", "-c", "\n".join([*job.get("before_script", ()), *job["script"]])],
            cwd=folder,
            env={**environment, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        (folder / "job.log").write_text(done.stdout + done.stderr)
        for cache, each, path in kept:
            pushes = "push" in _expanded(each.get("policy", "pull-push"), variables)
            if pushes and (folder / path).exists():
                shutil.copytree(folder / path, cache / path, dirs_exist_ok=True)
        artifacts = folder.with_name(f"{folder.name}-artifacts")
        artifacts.mkdir()
        rules = job.get("artifacts", {})
        if done.returncode == 0 or rules.get("when") == "always":
            for path in rules.get("paths", ()):
                if (folder / path).is_dir():
                    shutil.copytree(folder / path, artifacts / path)
                else:
                    shutil.copy(folder / path, artifacts / path)
        return "success" if done.returncode == 0 else f"exit {done.returncode}", artifacts


def _expanded(text: str, variables: Mapping[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda match: variables.get(match[1], ""), text)


def _holds(condition: str, variables: Mapping[str, str]) -> bool:
    """A condition of a rule: comparisons and variables, joined by `&&` and `||`."""

    def value(text: str) -> str | None:
        text = text.strip()
        return variables.get(text[1:]) if text.startswith("$") else text.strip("\"'")

    def part(text: str) -> bool:
        if "==" in text:
            left, right = text.split("==")
            return value(left) == value(right)
        return bool(value(text))

    return any(all(part(each) for each in group.split("&&")) for group in condition.split("||"))
