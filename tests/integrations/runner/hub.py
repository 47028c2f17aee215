"""GitHub's side of a run: events, caches, and artifacts."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPOSITORY = "me/app"


@dataclass(frozen=True)
class Event:
    """What started a workflow. `scopes` are the refs whose caches it can read, its own first."""

    name: str
    ref: str
    payload: dict[str, Any] = field(default_factory=dict)
    scopes: tuple[str, ...] = ()


def push(branch: str = "main") -> Event:
    ref = f"refs/heads/{branch}"
    return Event("push", ref, {"ref": ref} | _repository(), (ref, "refs/heads/main"))


def schedule() -> Event:
    """A run at a fixed time, whose payload does not name the repository."""
    return Event("schedule", "refs/heads/main", {"schedule": "0 3 * * *"}, ("refs/heads/main",))


def pull_request(number: int = 7, *, fork: bool = False, name: str = "pull_request") -> Event:
    head = {"repo": {"fork": fork, "full_name": "them/app" if fork else REPOSITORY}}
    request = {"number": number, "head": head, "base": {"ref": "main"}}
    ref = f"refs/pull/{number}/merge" if name == "pull_request" else "refs/heads/main"
    payload = {"number": number, "pull_request": request} | _repository()
    return Event(name, ref, payload, (ref, "refs/heads/main"))


def workflow_run(*numbers: int) -> Event:
    """A run after another workflow. For a fork's pull request GitHub gives an empty list."""
    run = {"conclusion": "success", "pull_requests": [{"number": each} for each in numbers]}
    ref = "refs/heads/main"
    return Event("workflow_run", ref, {"workflow_run": run} | _repository(), (ref,))


def _repository() -> dict[str, Any]:
    return {"repository": {"full_name": REPOSITORY, "default_branch": "main", "fork": False}}


@dataclass(frozen=True)
class Cache:
    """One entry of the cache service: it can be read from its own ref and, on the default branch, from every ref."""

    key: str
    version: str
    scope: str
    folder: Path


class Hub:
    """The services that outlive a job."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.caches: list[Cache] = []
        self.artifacts: dict[str, Path] = {}
        self.runs = 0

    def save_cache(self, key: str, paths: list[str], event: Event) -> bool:
        """Store paths under a key. Nothing is stored where the key exists: entries never change."""
        version = _version(paths)
        if any((key, version, event.ref) == (c.key, c.version, c.scope) for c in self.caches):
            return False
        folder = self.folder / "caches" / str(len(self.caches))
        folder.mkdir(parents=True)
        for place, path in enumerate(paths):
            _copy(Path(path), folder / str(place))
        self.caches.append(Cache(key, version, event.ref, folder))
        return True

    def restore_cache(
        self, key: str, prefixes: list[str], paths: list[str], event: Event
    ) -> str | None:
        """Put the paths back; returns the key that was found: the same one, else the newest with a prefix."""
        version = _version(paths)
        for scope in event.scopes:
            found = [c for c in self.caches if c.scope == scope and c.version == version]
            for exact, wanted in ((True, key), *((False, prefix) for prefix in (key, *prefixes))):
                for cache in reversed(found):
                    if cache.key == wanted or (not exact and cache.key.startswith(wanted)):
                        for place, path in enumerate(paths):
                            _copy(cache.folder / str(place), Path(path))
                        return cache.key
        return None


def _version(paths: list[str]) -> str:
    return hashlib.sha256("\n".join(paths).encode()).hexdigest()


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
    elif source.exists():
        shutil.copy(source, target)
