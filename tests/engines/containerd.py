"""Docker 26 with the containerd image store, run with chroot from a prepared Debian 13 root."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from . import trixie
from .engine import Engine, NoEngineError, need, overlay_works

if TYPE_CHECKING:
    from collections.abc import Sequence

# Runs in new mount and PID namespaces. The root is bind-mounted on itself because runc needs a mount point.
CHROOT = """
set -e
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount --rbind /sys "$0/sys"
mount --rbind /dev "$0/dev"
exec chroot "$0" "$@"
"""


class ContainerdEngine(Engine):
    """Saves contain compressed blobs and, with ``provenance``, BuildKit's attestations."""

    name = "docker with the containerd image store"

    def __init__(self) -> None:
        super().__init__()
        self.root = trixie.root()

    def check_available(self) -> None:
        super().check_available()
        need("debootstrap", "chroot")
        try:
            trixie.prepare(self.root)
        except (trixie.RootError, OSError) as error:
            raise NoEngineError(f"no Debian 13 root: {error}") from error

    def make_folder(self) -> Path:
        parent = self.root / "srv"
        return Path(tempfile.mkdtemp(prefix="engine-", dir=parent))

    def configuration(self) -> dict[str, object]:
        snapshotter = "overlayfs" if overlay_works(self.folder) else "native"
        return {"features": {"containerd-snapshotter": True}, "storage-driver": snapshotter}

    def inside(self, path: Path) -> str:
        return f"/{path.relative_to(self.root)}"

    def command(self, daemon: Sequence[str]) -> list[str]:
        return ["sh", "-c", CHROOT, str(self.root), *daemon]

    def client(self) -> list[str]:
        return ["chroot", str(self.root), "docker"]

    def build(
        self,
        context: Path,
        tag: str,
        *,
        buildkit: bool = True,
        dockerfile: str = "Dockerfile",
        arguments: Sequence[str] = (),
        network: str = "host",
        provenance: str | None = None,
    ) -> str:
        """Build as with any engine, from a copy of the context inside the root.

        ``provenance`` is ``min`` or ``max`` to add an attestation to the image; by default there is none.
        """
        options = list(arguments)
        if buildkit:
            options.append(f"--provenance={f'mode={provenance}' if provenance else 'false'}")
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            copy = Path(name, "context")
            shutil.copytree(context, copy, symlinks=True)
            where = Path(self.inside(copy))
            return super().build(
                where,
                tag,
                buildkit=buildkit,
                dockerfile=dockerfile,
                arguments=options,
                network=network,
            )
