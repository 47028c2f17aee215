"""One job: its steps in order, with the files, variables, and contexts that a runner gives them."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.integrations.runner.expressions import Scope, condition, expand
from tests.integrations.runner.hosted import ACTIONS, HostedError
from tests.integrations.runner.hub import REPOSITORY, Event, Hub
from tests.integrations.runner.values import string

KEYS = frozenset(
    [
        "id",
        "name",
        "if",
        "uses",
        "with",
        "run",
        "shell",
        "working-directory",
        "env",
        "continue-on-error",
        "timeout-minutes",
    ]
)
SECONDS = 600
HOST_TEMP = "/home/runner/work/_temp"
"""What `runner.temp` is in a job with a container, where there is no such folder; RUNNER_TEMP is right."""
_COMMAND = re.compile(r"^\s*::(\w[\w-]*)(?: ([^\n]*?))?::(.*)$")
_ASSIGNMENT = re.compile(r"([^=\n]+?)(?:=(.*)|<<(.+))")


@dataclass(frozen=True)
class Annotation:
    """A workflow command of a step's output that people see on the pull request."""

    level: str
    properties: dict[str, str]
    message: str


@dataclass
class Step:
    """What became of one step. `outcome` is before `continue-on-error`, `conclusion` after."""

    name: str
    outcome: str = "skipped"
    conclusion: str = "skipped"
    outputs: dict[str, str] = field(default_factory=dict)
    code: int | None = None
    log: str = ""

    def context(self) -> dict[str, object]:
        return {"outputs": self.outputs, "outcome": self.outcome, "conclusion": self.conclusion}


@dataclass
class _Frame:
    """The job itself or a composite action in it: what its expressions see and whether it has failed."""

    contexts: dict[str, object]
    env: dict[str, str]
    action: Path | None = None
    steps: dict[str, Step] = field(default_factory=dict)
    failed: bool = False


class Job:
    """A job on a runner. `actions` maps what `uses:` names to folders, as if they had been fetched."""

    def __init__(
        self,
        hub: Hub,
        event: Event,
        workspace: Path,
        temp: Path,
        *,
        actions: Mapping[str, Path] | None = None,
        env: Mapping[str, str] | None = None,
        repository: Path | None = None,
        api: str = "http://127.0.0.1:9",
        token: str = "secret",
        in_container: bool = False,
    ) -> None:
        self.hub, self.event, self.workspace, self.temp = hub, event, workspace, temp
        self.actions, self.repository = dict(actions or {}), repository
        self.paths: list[str] = []
        self.log: list[str] = []
        self.posts: list[Callable[[], object]] = []
        self.played: list[Step] = []
        self.summary = ""
        self.exported: dict[str, str] = {}
        hub.runs += 1
        self._files = temp / "_runner_file_commands"
        self._files.mkdir(parents=True, exist_ok=True)
        self._github: dict[str, object] = {
            "token": token,
            "event_name": event.name,
            "event": event.payload,
            "ref": event.ref,
            "run_id": str(hub.runs),
            "run_attempt": "1",
            "repository": REPOSITORY,
            "workspace": str(workspace),
            "api_url": api,
        }
        self._runner = {"os": "Linux", "arch": "X64", "temp": str(temp)}
        contexts: dict[str, object] = {"matrix": None, "needs": {}, "secrets": {}, "vars": {}}
        self._in_container = in_container
        self._top = _Frame(contexts, self._variables() | dict(env or {}))

    def run(self, steps: Sequence[Mapping[str, Any]]) -> str:
        """Play the steps and what they left for the end; returns `success` or `failure`."""
        self._play(steps, self._top)
        for post in reversed(self.posts):
            post()
        return "failure" if self._top.failed else "success"

    def ok(self) -> bool:
        return not self._top.failed

    def step(self, name: str) -> Step:
        """The last step of this name, within actions too."""
        return [each for each in self.played if each.name == name][-1]

    @property
    def annotations(self) -> list[Annotation]:
        found = []
        for line in "\n".join(self.log).splitlines():
            match = _COMMAND.match(line)
            if match and match[1] in ("error", "warning", "notice"):
                pairs = [each.partition("=") for each in (match[2] or "").split(",") if each]
                properties = {name.strip(): _unescape(value) for name, _, value in pairs}
                found.append(Annotation(match[1], properties, _unescape(match[3])))
        return found

    # Steps

    def _play(self, steps: Sequence[Mapping[str, Any]], frame: _Frame) -> None:
        for place, written in enumerate(steps):
            odd = set(written) - KEYS
            assert not odd, f"a step has no key {odd}"
            step = Step(str(written.get("name") or written.get("uses") or f"run {place}"))
            self.played.append(step)
            self._play_one(written, step, frame)
            if "id" in written:
                frame.steps[str(written["id"])] = step
            if step.conclusion == "failure":
                frame.failed = True

    def _play_one(self, written: Mapping[str, Any], step: Step, frame: _Frame) -> None:
        scope = self._scope(frame)
        if not condition(written.get("if", "success()"), scope):
            return
        own = {
            name: string(expand(string(value), scope))
            for name, value in (written.get("env") or {}).items()
        }
        env = frame.env | self.exported | own
        inner = _Frame(frame.contexts, env, frame.action, frame.steps, frame.failed)
        try:
            if "uses" in written:
                ended = self._use(str(written["uses"]), written.get("with") or {}, step, inner)
            else:
                ended = self._shell(written, step, inner)
        except HostedError as error:
            self.log.append(f"::error::{error}")
            ended = False
        step.outcome = step.conclusion = "success" if ended else "failure"
        if not ended and written.get("continue-on-error"):
            step.conclusion = "success"
        self.exported.update(self._read("ENV"))
        self.paths[:0] = reversed(self._text("PATH").splitlines())

    def _use(self, name: str, given: Mapping[str, Any], step: Step, frame: _Frame) -> bool:
        scope = self._scope(frame)
        inputs = {key: string(expand(string(value), scope)) for key, value in given.items()}
        hosted = ACTIONS.get(name.partition("@")[0])
        if hosted is not None:
            step.outputs = hosted(self, inputs)
            return True
        folder = self.workspace / name if name.startswith("./") else self.actions.get(name)
        if folder is None or not (folder / "action.yml").exists():
            raise HostedError(f"Unable to resolve action {name}")
        return self._composite(folder, inputs, step, frame)

    def _composite(self, folder: Path, given: dict[str, str], step: Step, outer: _Frame) -> bool:
        action = yaml.safe_load((folder / "action.yml").read_text("utf-8"))
        assert action["runs"]["using"] == "composite"
        assert set(given) <= set(action["inputs"]), f"no such input: {set(given)}"
        defaults = Scope({"github": self._github | {"action_path": str(folder)}})
        inputs = {
            name: given[name]
            if name in given
            else string(expand(string(about.get("default")), defaults))
            for name, about in action["inputs"].items()
        }
        frame = _Frame({"inputs": inputs, "matrix": None, "strategy": {}}, outer.env, folder)
        self._play(action["runs"]["steps"], frame)
        scope = self._scope(frame)
        step.outputs = {
            name: string(expand(about["value"], scope))
            for name, about in action.get("outputs", {}).items()
        }
        return not frame.failed

    def _shell(self, written: Mapping[str, Any], step: Step, frame: _Frame) -> bool:
        scope = self._scope(frame)
        if frame.action is not None:
            assert "shell" in written, "a composite action has to name the shell"
        assert written.get("shell", "bash") == "bash"
        script = self._files / "script.sh"
        script.write_text(string(expand(str(written["run"]), scope)), "utf-8")
        folder = string(expand(string(written.get("working-directory", ".")), scope))
        env = frame.env | {"GITHUB_ACTION_PATH": str(frame.action)} if frame.action else frame.env
        env = {**env, "PATH": ":".join((*self.paths, env["PATH"]))}
        for kind in ("OUTPUT", "ENV", "PATH", "STEP_SUMMARY"):
            (self._files / kind).write_text("")
            env[f"GITHUB_{kind}"] = str(self._files / kind)
        where = self.workspace / folder
        if not where.is_dir():
            raise HostedError(f"the working directory {folder} does not exist")
        strict = ["-eo", "pipefail"] if "shell" in written else ["-e"]
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", *strict, str(script)],
            cwd=where,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
            check=False,
        )
        step.code, step.log = done.returncode, done.stdout
        self.log.append(done.stdout)
        step.outputs = self._read("OUTPUT")
        self.summary += self._text("STEP_SUMMARY")
        return done.returncode == 0

    # What steps see

    def _scope(self, frame: _Frame) -> Scope:
        github = dict(self._github)
        if frame.action is not None:
            github["action_path"] = str(frame.action)
        contexts = frame.contexts | {
            "github": github,
            "runner": self._runner | ({"temp": HOST_TEMP} if self._in_container else {}),
            "env": frame.env | self.exported,
            "job": {"status": "failure" if self._top.failed else "success"},
            "steps": {name: step.context() for name, step in frame.steps.items()},
        }
        if frame.action is not None:
            contexts.pop("secrets", None)  # an action gets no secret that is not given to it
        functions: dict[str, Callable[..., object]] = {
            "success": lambda: not frame.failed,
            "failure": lambda: frame.failed,
            "cancelled": lambda: False,
            "always": lambda: True,
            "hashFiles": self._hash_files,
        }
        return Scope(contexts, functions)

    def _hash_files(self, *patterns: object) -> str:
        files = sorted({p for each in patterns for p in self.workspace.glob(string(each))})
        digests = [hashlib.sha256(p.read_bytes()).digest() for p in files if p.is_file()]
        return hashlib.sha256(b"".join(digests)).hexdigest() if digests else ""

    def _variables(self) -> dict[str, str]:
        kept = ("PATH", "HOME", "LANG", "TMPDIR", "SSL_CERT_FILE")
        found = {name: os.environ[name] for name in kept if name in os.environ}
        found |= {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
        names = ("event_name", "ref", "run_id", "run_attempt", "repository", "workspace", "api_url")
        found |= {f"GITHUB_{name.upper()}": str(self._github[name]) for name in names}
        found |= {f"RUNNER_{name.upper()}": value for name, value in self._runner.items()}
        return found | {"CI": "true", "GITHUB_ACTIONS": "true", "no_proxy": "127.0.0.1"}

    # Files that a step writes

    def _text(self, kind: str) -> str:
        path = self._files / kind
        text = path.read_text("utf-8") if path.exists() else ""
        path.unlink(missing_ok=True)
        return text

    def _read(self, kind: str) -> dict[str, str]:
        """`NAME=VALUE` lines, and `NAME<<END` with the value in the lines up to END."""
        lines, found = self._text(kind).splitlines(), {}
        while lines:
            line = lines.pop(0)
            if not line:
                continue
            match = _ASSIGNMENT.fullmatch(line)
            assert match, f"Invalid format {line!r}"
            if match[3] is None:
                found[match[1]] = match[2]
                continue
            end = lines.index(match[3])
            found[match[1]], lines = "\n".join(lines[:end]), lines[end + 1 :]
        return found


def _unescape(text: str) -> str:
    for code, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ","), ("%25", "%")):
        text = text.replace(code, character)
    return text
