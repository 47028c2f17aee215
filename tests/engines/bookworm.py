"""A Debian 12 base image with Python, for engines without a registry; debootstrap builds it once in a cache folder."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

from . import trixie
from .engine import NoEngineError, need

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
RECIPE = ["--variant=minbase", "--include=python3,python3-venv,ca-certificates", "bookworm"]


def root_tar() -> Path:
    """The root filesystem as a tar, with the certificates that this machine trusts. Raises NoEngineError."""
    need("debootstrap", "tar")
    path = trixie.root().with_name("bookworm-python.tar")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            _make(path)
    return path


def _make(path: Path) -> None:
    folder = path.with_suffix(".partial")
    if folder.exists():
        shutil.rmtree(folder)
    log = path.with_suffix(".log")
    with log.open("wb") as output:
        calls = (
            ["debootstrap", *RECIPE, str(folder)],
            ["tar", "--numeric-owner", "-C", str(folder), "--exclude=./var/cache/apt/*",
             "--exclude=./dev/*", "-cf", f"{path}.partial", "."],
        )  # fmt: skip
        for call in calls:
            if call[0] == "tar" and CERTIFICATES.exists():
                shutil.copy(CERTIFICATES, folder / CERTIFICATES.relative_to("/"))
            done = subprocess.run(
                call,
                env=trixie.ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
            )
            if done.returncode:
                raise NoEngineError(f"{call[0]} exited {done.returncode}: see {log}")
    shutil.rmtree(folder)
    Path(f"{path}.partial").rename(path)
