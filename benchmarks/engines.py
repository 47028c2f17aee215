"""The cases that need an engine: its store, and its export while it arrives, compared with ``docker save | cat``.

Each engine is private: it starts in new folders with the ``plain`` image of images.py, and leaves nothing behind.
"""

from __future__ import annotations

import io
import json
import shlex
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import images

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.engines.containerd import ContainerdEngine
from tests.engines.engine import DockerEngine, Engine

if TYPE_CHECKING:
    from run import Case

NAMES = ("docker", "containerd")
"""Docker's graph driver, and the containerd store of Docker 26."""
REFERENCE = "plain:latest"


@contextmanager
def running(name: str, report: list[str]) -> Iterator[list[Case]]:
    """The cases of an engine, which runs until they are measured. ``report`` is the command without an image."""
    from run import Case

    engine: Engine = DockerEngine() if name == "docker" else ContainerdEngine()
    archive = images.cache() / ("plain.docker.tar" if name == "docker" else "plain.oci.tar")
    with engine:
        if name == "docker":
            engine.docker("load", "--quiet", "--input", str(archive))
        else:
            inside = engine.folder / "image.tar"
            _named(archive, inside)
            engine.docker("load", "--quiet", "--input", engine.inside(inside))
            inside.unlink()
        client = shlex.join(
            [*engine.client(), "--host", f"unix://{engine.inside(engine.socket)}", "save"]
        )
        save = ["sh", "-c", f"{client} {REFERENCE} | cat"]
        if name == "docker":

            def read(via: str) -> list[str]:
                host = f"DOCKER_HOST={engine.host}"
                return ["env", host, *report, "--via", via, f"docker:{REFERENCE}"]

            yield [
                Case("Docker's store : docker save | cat", read("store"), save, 0.1),
                Case("export as it arrives : docker save | cat", read("export"), save, 1.1),
            ]
        else:
            root = engine.folder / "data/containerd/daemon"
            where = ["env", f"CONTAINERD_ROOT={root}", "CONTAINERD_NAMESPACE=moby"]
            stored = [*where, *report, "--via", "store", f"containerd:{REFERENCE}"]
            yield [Case("containerd's store : docker save | cat", stored, save, 0.5)]


def _named(archive: Path, copy: Path) -> None:
    """Copy an OCI archive, and give its image the name that containerd looks for."""
    with tarfile.open(archive) as source, tarfile.open(copy, "w") as target:
        for member in source:
            content = source.extractfile(member)
            if content is not None and member.name == "index.json":
                index = json.load(content)
                index["manifests"][0].setdefault("annotations", {})["io.containerd.image.name"] = (
                    f"docker.io/library/{REFERENCE}"
                )
                data = json.dumps(index).encode()
                member.size = len(data)
                content = io.BytesIO(data)
            target.addfile(member, content)
