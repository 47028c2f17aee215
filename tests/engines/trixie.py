"""A Debian 13 root with Docker 26 and buildx; debootstrap builds it once in a cache folder.

``python tests/engines/trixie.py`` prepares it and prints its path.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

PACKAGES = ("docker.io", "docker-cli", "docker-buildx", "iptables", "ca-certificates")
MARKER = "etc/layerscope-engine"
RECIPE = f"1 {' '.join(PACKAGES)}\n"  # a root from another recipe is rebuilt

INSTALL = f"""
set -e
export DEBIAN_FRONTEND=noninteractive
mount -t proc proc "$0/proc"
printf '#!/bin/sh\\nexit 101\\n' > "$0/usr/sbin/policy-rc.d"
chmod +x "$0/usr/sbin/policy-rc.d"
chroot "$0" apt-get update
chroot "$0" apt-get install -y --no-install-recommends {" ".join(PACKAGES)}
chroot "$0" apt-get clean
"""


ENVIRONMENT = {**os.environ, "PATH": f"{os.environ.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/sbin"}
"""debootstrap and the programs it runs live in folders that might not be in a user's PATH."""


class RootError(RuntimeError):
    """The root can't be built; the message says what failed."""


def root() -> Path:
    """The folder: ``$LAYERSCOPE_ENGINE_CACHE/trixie``, by default in the user's cache folder."""
    cache = os.environ.get("LAYERSCOPE_ENGINE_CACHE")
    if cache is None:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        cache = str(Path(home) / "layerscope-engines")
    return Path(cache).resolve() / "trixie"


def is_prepared(folder: Path) -> bool:
    """Whether this recipe completed the folder."""
    marker = folder / MARKER
    return marker.exists() and marker.read_text() == RECIPE


def prepare(folder: Path) -> None:
    """Build the root unless it exists. An incomplete one never counts. Raises RootError, OSError."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if is_prepared(folder):
            return
        partial = folder.with_name(f"{folder.name}.partial")
        for leftover in (partial, folder):
            if leftover.exists():
                shutil.rmtree(leftover)
        log = folder.with_name(f"{folder.name}.log")
        log.unlink(missing_ok=True)
        _run(["debootstrap", "--variant=minbase", "trixie", str(partial)], log)
        # In a separate mount namespace: no mount outlives the installation.
        _run(["unshare", "--mount", "sh", "-c", INSTALL, str(partial)], log)
        (partial / MARKER).write_text(RECIPE)
        partial.rename(folder)


def _run(command: list[str], log: Path) -> None:
    with log.open("ab") as output:
        done = subprocess.run(
            command,
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
    if done.returncode != 0:
        raise RootError(
            f"{command[0]} exited with {done.returncode} while building the Debian 13 root: see {log}"
        )


def main() -> int:
    """Prepare the root and print its path."""
    folder = root()
    try:
        prepare(folder)
    except (RootError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
