"""`layerscope build ARGS...`: run `docker build`, then show the image."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

import click

from layerscope.cli.streams import tell
from layerscope.errors import SourceError, SourceUnavailable, UsageError
from layerscope.records import dataclass

ENGINE = "LAYERSCOPE_ENGINE"
"""The environment variable that names the client to build with: docker or podman."""
ENGINES = ("docker", "podman")
_FILES = {"docker": ("Dockerfile",), "podman": ("Containerfile", "Dockerfile")}
_CONTAINERD = "io.containerd.snapshotter.v1"


@click.command(
    "build",
    short_help="Build an image with docker, then browse or report it.",
    context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]},
    add_help_option=True,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="ARGS...")
def command(arguments: tuple[str, ...]) -> int:
    """Run `docker build ARGS...`, then browse the image, or report it if there is no terminal.

    All of ARGS go to docker (or to podman, with LAYERSCOPE_ENGINE=podman). If the engine can store BuildKit's
    provenance, layerscope asks for it; the Dockerfile gives the line numbers either way. Docker's output goes to
    standard error. The report includes the verdict on the rules in layerscope.toml; to fail on a broken rule, run
    `layerscope check`.

    \b
    layerscope build -t app .
    layerscope build -f docker/Dockerfile --build-arg VERSION=3 .
    """
    if not arguments:
        raise UsageError(
            "there is nothing to build", hint="add the arguments of `docker build`, such as ."
        )
    engine = find_engine()
    with tempfile.TemporaryDirectory(prefix="layerscope-") as folder:
        build = Build(engine, arguments, os.path.join(folder, "iid"))
        image = build.run()
    return _show(f"{engine}:{build.tag() or image}", build.dockerfile())


def find_engine() -> str:
    """The client to build with. Raises `UsageError` and `SourceUnavailable`."""
    wanted = os.environ.get(ENGINE)
    if wanted and wanted not in ENGINES:
        raise UsageError(f"{ENGINE} is {wanted!r}", hint=f"set it to {' or '.join(ENGINES)}")
    for name in (wanted,) if wanted else ENGINES:
        if shutil.which(name):
            return name
    raise SourceUnavailable(
        f"{wanted or 'docker'} is not installed", hint="install the engine's command line client"
    )


@dataclass(frozen=True, slots=True)
class Build:
    """One run of the client's `build` with the user's arguments; `iid_file` receives the image's ID."""

    engine: str
    arguments: Sequence[str]
    iid_file: str

    def run(self) -> str:
        """Build, and return the ID of the image. Raises `SourceError` when the build fails."""
        own = _value(self.arguments, "--iidfile")
        extra = [] if own else ["--iidfile", self.iid_file]
        if self._keeps_provenance():
            extra.append("--provenance=mode=max")
        call = [self.engine, "build", *extra, *self.arguments]
        try:
            done = subprocess.run(call, stdout=_stderr(), check=False)
        except OSError as error:
            raise SourceUnavailable(
                f"{self.engine} cannot be run: {error.strerror}", hint="check that it is installed"
            ) from None
        if done.returncode:
            raise SourceError(
                f"{self.engine} build ended with exit code {done.returncode}",
                hint="see its output above",
            )
        try:
            with open(own or self.iid_file, encoding="ascii") as file:
                return file.read(200).strip()
        except (OSError, UnicodeDecodeError):
            raise SourceError(
                f"{self.engine} build did not report an image",
                hint="build into the engine, with --load and without --push or --output",
            ) from None

    def _keeps_provenance(self) -> bool:
        """Whether the engine can store provenance: it needs BuildKit and the containerd image store."""
        if self.engine != "docker" or _value(self.arguments, "--provenance", "--attest"):
            return False
        if any(argument == "--sbom" for argument in self.arguments):
            return False
        return _CONTAINERD in _said(
            "docker", "info", "--format", "{{json .DriverStatus}}"
        ) and bool(_said("docker", "buildx", "version"))

    def tag(self) -> str | None:
        """The image's name, if it has one."""
        return _value(self.arguments, "--tag", "-t")

    def dockerfile(self) -> str | None:
        """The path of the Dockerfile, if it is a local file."""
        context = self.arguments[-1]
        named = _value(self.arguments, "--file", "-f")
        if named:
            candidates = [named, os.path.join(context, named)]
        else:
            candidates = [os.path.join(context, name) for name in _FILES[self.engine]]
        return next((path for path in candidates if os.path.isfile(path)), None)


def _value(arguments: Sequence[str], *names: str) -> str | None:
    """The last value of an option, however it is written: `--file X`, `--file=X`, `-f X`, `-fX`."""
    found = None
    for position, argument in enumerate(arguments):
        for name in names:
            if argument == name:
                found = arguments[position + 1] if position + 1 < len(arguments) else None
            elif name.startswith("--"):
                if argument.startswith(f"{name}="):
                    found = argument[len(name) + 1 :]
            elif argument.startswith(name) and not argument.startswith("--"):
                found = argument[len(name) :].removeprefix("=")
    return found


def _said(*call: str) -> str:
    """The output of a client; empty if it fails."""
    try:
        done = subprocess.run(call, capture_output=True, check=False, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode("utf-8", "replace") if not done.returncode else ""


def _stderr() -> int:
    try:
        return sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):
        return subprocess.DEVNULL


def _show(reference: str, dockerfile: str | None) -> int:
    """Browse or report the image, as `layerscope IMAGE` does."""
    from layerscope.cli.browse import command as show

    tell(f"layerscope: built {reference}")
    arguments = [reference]
    if dockerfile is not None:
        arguments += ["--dockerfile", dockerfile]
    with show.make_context("layerscope", arguments) as context:
        code = show.invoke(context)
    return code if isinstance(code, int) else 0
