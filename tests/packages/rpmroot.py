"""rpm of Debian 13, which writes ndb databases; Debian 12's is built without them.

It is installed on top of the root that tests/engines/trixie.py makes, as an overlay in the cache folder.
"""

from __future__ import annotations

import fcntl
import subprocess
from pathlib import Path

from tests.builder.tools import absent
from tests.engines import trixie
from tests.engines.engine import NoEngineError, need, overlay_works

MOUNTED = """
set -e
base=$1 upper=$2 shared=$3
shift 3
top=$upper/merged
mount -t overlay overlay -o "lowerdir=$base,upperdir=$upper/files,workdir=$upper/work" "$top"
mount -t proc proc "$top/proc"
if [ -n "$shared" ]; then
    mkdir -p "$top/mnt"
    mount --bind "$shared" "$top/mnt"
fi
exec chroot "$top" "$@"
"""
INSTALL = "apt-get update -qq && apt-get install -y --no-install-recommends rpm && apt-get clean"


def rpm_of_trixie(shared: Path) -> list[str]:
    """How to run Debian 13's rpm, which sees the folder `shared` as /mnt. Fails the test in CI if it can't be had."""
    base = trixie.root()
    upper = base.with_name("trixie-rpm")
    marker = upper / "recipe"
    try:
        need("debootstrap", "unshare", "chroot")
        trixie.prepare(base)
    except (NoEngineError, trixie.RootError) as error:
        absent(str(error))
    with upper.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not overlay_works(upper.parent):
            absent("no overlay can be mounted in the cache folder")
        recipe = f"{trixie.RECIPE}{(base / trixie.MARKER).stat().st_mtime_ns}\n{INSTALL}"
        if not marker.exists() or marker.read_text() != recipe:
            for each in ("files", "work", "merged"):
                subprocess.run(["rm", "-rf", str(upper / each)], check=True)
                (upper / each).mkdir(parents=True)
            command = [*_mounted(base, upper, ""), "sh", "-c", INSTALL]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            marker.write_text(recipe)
    return [*_mounted(base, upper, str(shared)), "rpm"]


def _mounted(base: Path, upper: Path, shared: str) -> list[str]:
    return ["unshare", "--mount", "sh", "-c", MOUNTED, "sh", str(base), str(upper), shared]
