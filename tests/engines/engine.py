"""A private container engine: it starts in new folders and leaves nothing behind.

The daemon runs in its own mount and PID namespaces. Everything it mounts or starts (containerd, shims, containers) ends
with it, even if it or the tests are killed.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from . import busybox

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import TracebackType

PATH = f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"
START_SECONDS = 60.0
STOP_SECONDS = 30.0


class NoEngineError(RuntimeError):
    """No engine can run here; the message says what is missing."""


class EngineError(RuntimeError):
    """A command of a running engine failed; the message has its output."""


def need(*programs: str) -> None:
    """Raise NoEngineError unless this runs as root on Linux with every program installed."""
    if os.name != "posix" or not Path("/proc/self/ns/mnt").exists():
        raise NoEngineError("a private engine needs Linux")
    if os.geteuid() != 0:
        raise NoEngineError("a private engine needs root")
    missing = [program for program in programs if shutil.which(program, path=PATH) is None]
    if missing:
        raise NoEngineError(f"not installed: {', '.join(missing)} (run .ci/engines)")


def overlay_works(folder: Path) -> bool:
    """Whether an overlay can be mounted with its upper directory in ``folder``."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        for part in ("lower", "upper", "work", "merged"):
            Path(name, part).mkdir()
        options = f"lowerdir={name}/lower,upperdir={name}/upper,workdir={name}/work"
        command = [
            "unshare",
            "--mount",
            "mount",
            "-t",
            "overlay",
            "overlay",
            "-o",
            options,
            f"{name}/merged",
        ]
        worked = subprocess.run(command, capture_output=True, check=False).returncode == 0
        shutil.rmtree(Path(name, "work"), ignore_errors=True)
    return worked


class Engine:
    """A running daemon, its socket and its client. Subclasses define how the daemon starts."""

    name = "engine"

    def __init__(self) -> None:
        self.folder: Path = Path()
        self._process: subprocess.Popen[bytes] | None = None

    # What differs between engines

    def make_folder(self) -> Path:
        """A new folder for everything the engine writes. Its path is short because socket paths have to be."""
        return Path(tempfile.mkdtemp(prefix="engine-"))

    def configuration(self) -> dict[str, object]:
        """The daemon's configuration file."""
        return {"storage-driver": "overlay2" if overlay_works(self.folder) else "vfs"}

    def inside(self, path: Path) -> str:
        """How the daemon and its client refer to ``path``."""
        return str(path)

    def command(self, daemon: Sequence[str]) -> list[str]:
        """The command to run in new namespaces to start ``daemon``."""
        return list(daemon)

    def client(self) -> list[str]:
        """The engine's own command line client."""
        return ["docker"]

    def check_available(self) -> None:
        """Raise NoEngineError if this engine can't start here."""
        need("unshare", "setpriv")
        if not busybox.BUSYBOX.exists():
            raise NoEngineError(f"{busybox.BUSYBOX} is missing (run .ci/engines)")

    # Start and stop

    @property
    def socket(self) -> Path:
        """The daemon's socket, as the tests see it."""
        return self.folder / "docker.sock"

    @property
    def host(self) -> str:
        """The DOCKER_HOST value that reaches this engine from the tests."""
        return f"unix://{self.socket}"

    @property
    def log(self) -> Path:
        """What the daemon wrote to stdout and stderr."""
        return self.folder / "daemon.log"

    def start(self) -> None:
        """Start the daemon and wait until it responds.

        Raises NoEngineError, with the end of its log, if it can't start.
        """
        self.check_available()
        self.folder = self.make_folder()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        for part in ("data", "exec", "config"):
            (self.folder / part).mkdir()
        configuration = self.folder / "daemon.json"
        configuration.write_text(json.dumps(self.configuration()))
        daemon = [
            "dockerd",
            "--config-file", self.inside(configuration),
            "--data-root", self.inside(self.folder / "data"),
            "--exec-root", self.inside(self.folder / "exec"),
            "--pidfile", self.inside(self.folder / "docker.pid"),
            "--host", f"unix://{self.inside(self.socket)}",
            "--bridge=none",
            "--iptables=false",
            "--ip6tables=false",
        ]  # fmt: skip
        namespaces = [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "--pid",
            "--fork",
            "--kill-child",
        ]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *namespaces, *self.command(daemon)],
                env={**os.environ, "PATH": PATH},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while self._run(["version"], check=False).returncode != 0:
            ended = self._process.poll() is not None
            if ended or time.monotonic() > deadline:
                tail = self.log.read_text(errors="replace").splitlines()[-5:]
                what = (
                    "exited immediately" if ended else f"did not respond in {START_SECONDS:.0f} s"
                )
                raise NoEngineError("\n".join([f"{self.name}: the daemon {what}", *tail]))
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the daemon and everything it started, and remove its folder."""
        process, self._process = self._process, None
        if process is not None:
            daemon = self._daemon_pid(process.pid)
            if daemon is not None:
                os.kill(daemon, signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS if daemon is not None else 0)
            except subprocess.TimeoutExpired:
                process.kill()  # its namespaces end with it, and so does everything in them
                process.wait()
        if self.folder != Path():
            shutil.rmtree(self.folder)
            self.folder = Path()

    @staticmethod
    def _daemon_pid(parent: int) -> int | None:
        """The only child of ``unshare``: the first process of the PID namespace."""
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        except FileNotFoundError:
            return None
        return int(children[0]) if children else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # Use

    def _run(
        self,
        arguments: Sequence[str],
        *,
        stdin: bytes | None = None,
        environment: Mapping[str, str] | None = None,
        check: bool = True,
        output: int | None = subprocess.PIPE,
    ) -> subprocess.CompletedProcess[bytes]:
        own = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("DOCKER_", "BUILD"))
        }
        own["PATH"] = PATH
        own["DOCKER_HOST"] = f"unix://{self.inside(self.socket)}"
        own["DOCKER_CONFIG"] = self.inside(self.folder / "config")
        own.update(environment or {})
        done = subprocess.run(
            [*self.client(), *arguments],
            input=stdin,
            env=own,
            stdout=output,
            stderr=subprocess.PIPE,
            check=False,
        )
        if check and done.returncode != 0:
            text = ((done.stdout or b"") + done.stderr).decode(errors="replace")
            raise EngineError(
                f"{self.name}: docker {' '.join(arguments)} exited {done.returncode}\n{text}"
            )
        return done

    def docker(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run the engine's client; returns its stdout without the last newline. Raises EngineError."""
        return self._run(arguments, stdin=stdin).stdout.decode().rstrip("\n")

    def import_busybox(self, tag: str = "busybox:latest") -> str:
        """Create a base image with one layer using ``docker import``; returns ``tag``."""
        self._run(["import", "--change", 'CMD ["/bin/sh"]', "-", tag], stdin=busybox.root_tar())
        return tag

    def build(
        self,
        context: Path,
        tag: str,
        *,
        buildkit: bool = True,
        dockerfile: str = "Dockerfile",
        arguments: Sequence[str] = (),
        network: str = "host",
    ) -> str:
        """Run ``docker build`` on a folder, with BuildKit or the classic builder; returns ``tag``.

        ``dockerfile`` is relative to ``context``; ``arguments`` are more options for ``docker build``.
        """
        self._run(
            [
                "build",
                "--network",
                network,
                "-t",
                tag,
                "-f",
                f"{context}/{dockerfile}",
                *arguments,
                str(context),
            ],
            environment={"DOCKER_BUILDKIT": "1" if buildkit else "0"},
        )
        return tag

    def save(self, tags: str | Sequence[str], path: Path) -> Path:
        """Run ``docker save`` for one or more images into the file ``path``; returns ``path``."""
        names = [tags] if isinstance(tags, str) else list(tags)
        with path.open("wb") as file:
            self._run(["save", *names], output=file.fileno())
        return path


class DockerEngine(Engine):
    """The Docker installed on this machine: Debian 12 has 20.10, whose images live in a graph driver."""

    name = "docker"

    def check_available(self) -> None:
        super().check_available()
        need("dockerd", "containerd", "runc")

    def command(self, daemon: Sequence[str]) -> list[str]:
        return ["--mount-proc", *daemon]

    def client(self) -> list[str]:
        """The distribution's client, from the daemon's release. A newer one has no integrated BuildKit."""
        return ["/usr/bin/docker" if Path("/usr/bin/docker").exists() else "docker"]
