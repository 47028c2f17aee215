"""Stand-ins for the actions that GitHub itself keeps, since they cannot be fetched here: setup-python, cache, artifacts.

Each takes the inputs of the real action's metadata and no others, and fails where the real one does.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.integrations.runner.job import Job


class HostedError(Exception):
    """The action fails with this message."""


Inputs = Mapping[str, str]
Outputs = dict[str, str]


def setup_python(job: Job, inputs: Inputs) -> Outputs:
    """The interpreter of the tests takes the place of the wanted version."""
    _known(inputs, "python-version", "update-environment", "cache", "architecture")
    if inputs.get("update-environment", "true") == "true":
        job.paths.insert(0, str(Path(sys.executable).parent))
    return {"python-version": platform.python_version(), "python-path": sys.executable}


def checkout(job: Job, inputs: Inputs) -> Outputs:
    """Clone the repository of the job into the workspace."""
    _known(inputs, "repository", "ref", "path", "token", "fetch-depth")
    if job.repository is None:
        raise HostedError("there is no repository to check out")
    target = job.workspace / inputs.get("path", ".")
    subprocess.run(["git", "clone", "-q", str(job.repository), str(target)], check=True)
    return {}


def cache(job: Job, inputs: Inputs) -> Outputs:
    """Restore now; save when the job ends well, unless the very key was found."""
    outputs = cache_restore(job, inputs)
    if outputs["cache-hit"] != "true":
        job.posts.append(lambda: job.ok() and bool(cache_save(job, _only(inputs, "path", "key"))))
    return outputs


def cache_restore(job: Job, inputs: Inputs) -> Outputs:
    _known(inputs, "path", "key", "restore-keys", "fail-on-cache-miss", "lookup-only")
    key, paths = _cache_inputs(inputs)
    found = job.hub.restore_cache(key, _lines(inputs.get("restore-keys", "")), paths, job.event)
    return {
        "cache-hit": "" if found is None else "true" if found == key else "false",
        "cache-primary-key": key,
        "cache-matched-key": found or "",
    }


def cache_save(job: Job, inputs: Inputs) -> Outputs:
    """Save paths. Neither a missing path nor a taken key fails the step; the real action only warns."""
    _known(inputs, "path", "key")
    key, paths = _cache_inputs(inputs)
    if not any(Path(path).exists() for path in paths):
        job.log.append(
            "::warning::Path Validation Error: Path(s) specified in the action do not exist"
        )
    elif not job.hub.save_cache(key, paths, job.event):
        job.log.append(f"::warning::Failed to save: cache key {key} exists")
    return {}


def _cache_inputs(inputs: Inputs) -> tuple[str, list[str]]:
    key, paths = inputs.get("key", ""), _lines(inputs.get("path", ""))
    if not key or not paths:
        raise HostedError("Input required and not supplied: key or path")
    if len(key) > 512 or "," in key:
        raise HostedError(f"Key Validation Error: {key} is longer than 512 or has a comma")
    return key, paths


def upload_artifact(job: Job, inputs: Inputs) -> Outputs:
    _known(inputs, "name", "path", "if-no-files-found", "retention-days", "overwrite")
    path = inputs.get("path", "").strip()
    if not path:
        raise HostedError("Input required and not supplied: path")
    source, name = job.workspace / path, inputs.get("name", "artifact")
    if not source.exists():
        job.log.append(f"::warning::No files were found with the provided path: {path}")
        return {}
    if name in job.hub.artifacts:
        raise HostedError(f"an artifact with the name {name} exists")
    target = job.hub.folder / "artifacts" / name
    target.mkdir(parents=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy(source, target)
    job.hub.artifacts[name] = target
    return {"artifact-id": str(len(job.hub.artifacts))}


def _known(inputs: Inputs, *names: str) -> None:
    odd = set(inputs) - set(names)
    assert not odd, f"the action has no input {odd}, or its stand-in does not know it"


def _only(inputs: Inputs, *names: str) -> Inputs:
    return {name: value for name, value in inputs.items() if name in names}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


ACTIONS: dict[str, Callable[[Job, Inputs], Outputs]] = {
    "actions/checkout": checkout,
    "actions/setup-python": setup_python,
    "actions/cache": cache,
    "actions/cache/restore": cache_restore,
    "actions/cache/save": cache_save,
    "actions/upload-artifact": upload_artifact,
}
