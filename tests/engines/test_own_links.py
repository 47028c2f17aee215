"""Paths below a symlink of the same layer end up where engines put them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import layerscope
from tests.builder import WHITEOUT, Directory, File, Hardlink, ImageBuilder, Symlink, docker_legacy
from tests.builder.nodes import MemberLike

from .busybox import root_tar

if TYPE_CHECKING:
    from .containerd import ContainerdEngine
    from .engine import Engine

TAG = "links:1"
LOWER: list[MemberLike] = [("t/usr/lib/low", b"low"), ("t/lib", Symlink("usr/lib"))]
OWN: list[MemberLike] = [
    ("t/", Directory()),
    ("t/usr/", Directory()),
    ("t/usr/lib/", Directory()),
    ("t/lib", Symlink("usr/lib")),
    ("t/lib64", Symlink("lib")),
    ("t/abs", Symlink("/t/usr/lib")),
    ("t/lib/a", File(b"a")),
    ("t/lib64/sub/b", File(b"b")),
    ("t/abs/c", File(b"c")),
    ("t/lib/low", WHITEOUT),
    ("t/hard", Hardlink("t/lib64/a")),
    ("t/lib/hard", Hardlink("t/abs/c")),
]


def seen_by(engine: Engine, folder: Path) -> set[str]:
    """Check that the regular files below /t in a container match the report, and return them."""
    image = ImageBuilder(TAG).raw_layer(root_tar()).layer(LOWER).layer(OWN).build()
    archive = folder / "image.tar"
    docker_legacy([image]).write(archive)
    engine.docker("load", stdin=archive.read_bytes())
    listing = engine.docker(
        "run", "--rm", "--network", "none", TAG, "/bin/find", "/t", "-type", "f"
    )
    with layerscope.load(str(archive)) as opened:
        analysis = layerscope.analyze(opened)
    ours = {
        "/" + node.path.decode()
        for node in analysis.tree.nodes()
        if node.visible
        and node.path.startswith(b"t/")
        and node.latest is not None
        and node.latest.content is not None
    }
    assert set(listing.splitlines()) == ours
    assert {note.code for note in analysis.notes} == {"history-blank"}
    return ours


FOUND = {
    f"/t/{name}" for name in ("hard", "usr/lib/a", "usr/lib/c", "usr/lib/hard", "usr/lib/sub/b")
}


def test_docker_puts_files_where_the_report_says(docker_engine: Engine, tmp_path: Path) -> None:
    assert seen_by(docker_engine, tmp_path) == FOUND


def test_the_containerd_store_puts_files_where_the_report_says(
    containerd_engine: ContainerdEngine, tmp_path: Path
) -> None:
    assert seen_by(containerd_engine, tmp_path) == FOUND
