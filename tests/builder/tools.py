"""Runs other tools. Tests are skipped if one is missing, but never in CI."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import pytest


def absent(what: str) -> NoReturn:
    """Skip the test for lack of something, or fail it if CI is set."""
    if os.environ.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"{what}, and CI must have it")
    pytest.skip(what)


def require(tool: str) -> str:
    """The path of a tool. Without it, the test is skipped, or fails if CI is set."""
    found = shutil.which(tool)
    if found is None:
        absent(f"{tool} is not installed")
    return found


def run(
    tool: str, *arguments: str | Path, check: bool = True
) -> subprocess.CompletedProcess[bytes]:
    """Run a required tool; a failure includes what it wrote to stderr."""
    command = [require(tool), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=300)
    if check and done.returncode:
        raise AssertionError(f"{command} exited with {done.returncode}: {done.stderr.decode()}")
    return done


def skopeo(*arguments: str | Path) -> bytes:
    return run("skopeo", "--insecure-policy", *arguments).stdout


def skopeo_copy(source: str, destination: str, *options: str) -> None:
    skopeo("copy", "--quiet", *options, source, destination)


def umoci_unpack(layout: Path, tag: str, bundle: Path) -> Path | None:
    """Unpack an image from an OCI layout folder.

    Returns the root filesystem, or None if umoci refuses the image.
    """
    rootless: Sequence[str] = () if os.geteuid() == 0 else ("--rootless",)
    image = f"{layout}:{tag}"
    done = run("umoci", "unpack", *rootless, "--image", image, bundle, check=False)
    return None if done.returncode else bundle / "rootfs"
