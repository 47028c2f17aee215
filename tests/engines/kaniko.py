"""kaniko's executor, run in a root filesystem of its own: it unpacks the base image over the folder that it runs in."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from io import BytesIO
from pathlib import Path

from . import busybox, gotools
from .engine import PATH, NoEngineError, need
from .registry import DistributionRegistry

CHROOT = """
set -e
mount -t proc proc "$0/proc"
mknod -m 666 "$0/dev/null" c 1 3
exec chroot "$0" "$@"
"""
FILES = {
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": "root:x:0:\n",
}


def executor() -> Path:
    """The program. Raises NoEngineError if it can't be built or run here."""
    need("unshare", "chroot", "umoci", "skopeo")
    try:
        return gotools.program("kaniko")
    except (gotools.ToolError, OSError) as error:
        raise NoEngineError(str(error)) from error


def push_busybox(registry: DistributionRegistry, folder: Path) -> str:
    """Push a base image with one layer; returns its name for FROM."""
    root, layout = folder / "busybox", folder / "layout"
    with tarfile.open(fileobj=BytesIO(busybox.root_tar())) as tar:
        tar.extractall(root, filter="tar")
    for arguments in (
        ["init", "--layout", str(layout)],
        ["new", "--image", f"{layout}:1"],
        ["insert", "--image", f"{layout}:1", str(root), "/"],
    ):
        subprocess.run(["umoci", *arguments], check=True, capture_output=True)
    registry.push(f"oci:{layout}:1", "busybox:1")
    return f"{registry.host}/busybox:1"


def build(context: Path, output: Path, *options: str) -> Path:
    """Build a folder with a Dockerfile into a tarball; returns its path."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for folder in ("kaniko", "proc", "dev", "tmp", "etc"):
            (root / folder).mkdir()
        for path, text in FILES.items():
            (root / path).write_text(text)
        shutil.copy(executor(), root / "kaniko/executor")
        (root / "kaniko/executor").chmod(0o755)
        shutil.copytree(context, root / "kaniko/context")
        done = subprocess.run(
            [
                "unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child",
                "sh", "-c", CHROOT, name, "/kaniko/executor", "--force",
                "--context", "dir:///kaniko/context", "--destination", "app:1",
                "--no-push", "--tar-path", "/kaniko/image.tar", "--insecure-pull", *options,
            ],
            env={"PATH": PATH, "HOME": "/root", "container": "docker"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )  # fmt: skip
        if done.returncode:
            raise AssertionError(f"kaniko exited {done.returncode}\n{done.stdout}")
        shutil.copy(root / "kaniko/image.tar", output)
    assert os.path.getsize(output)
    return output
