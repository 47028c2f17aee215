"""Compares rebuilds with one changed instruction, built by both real engines."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

import layerscope
from layerscope.analysis.comparison.compare import compare
from layerscope.analysis.comparison.side import Side
from layerscope.report.document.builder import build
from layerscope.report.document.serialize import dumps
from layerscope.report.saved.report import parse_report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .containerd import ContainerdEngine
    from .engine import DockerEngine, Engine

DOCKERFILE = """\
FROM busybox:latest
RUN echo first > /first
COPY version.txt /version.txt
RUN cp /version.txt /last
CMD ["cat", "/version.txt"]
"""


def check_rebuild(engine: Engine, folder: Path, make: Callable[[Path, str], object]) -> None:
    """Build twice with a different file and compare: live, saved, and one image with itself under another name."""
    (folder / "Dockerfile").write_text(DOCKERFILE)
    references = []
    for version in ("1", "22"):
        (folder / "version.txt").write_text(f"version {version}\n")
        tag = f"rebuilt:{version}"
        make(folder, tag)
        references.append(str(engine.save(tag, folder / f"{version}.tar")))
    with layerscope.load(references[0]) as a, layerscope.load(references[1]) as b:
        one, two = layerscope.analyze(a), layerscope.analyze(b)
        comparison = layerscope.compare(one, two)
        saved = parse_report(dumps(build(one, files=True, hashes=True)).encode(), "saved")
        again = compare(saved, Side.of(two))
    for found in (comparison, again):
        layers = found.layers
        assert [row.status for row in layers.rows] == ["same", "same", "changed", "changed"]
        assert layers.shared == 2
        assert layers.transfer.needed.layers == (2, 3)
        assert layers.cache_break is not None
        assert layers.cache_break.b is not None
        assert layers.cache_break.b.instruction.keyword == "COPY"
        assert found.files is not None
        content = {
            change.path: change.delta for change in found.files.changes if change.kind == "content"
        }
        assert content == {b"/version.txt": 1, b"/last": 1}
        live = two.sizes.live - one.sizes.live
        assert sum(change.delta for change in found.files.changes) == live == 2
    engine.docker("tag", "rebuilt:1", "retagged:1")
    retagged = str(engine.save("retagged:1", folder / "retagged.tar"))
    with layerscope.load(references[0]) as a, layerscope.load(retagged) as b:
        assert not layerscope.compare(a, b).differs


@pytest.mark.parametrize("buildkit", [False, True], ids=["classic", "buildkit"])
def test_a_rebuild_with_docker_differs_in_the_changed_instruction(
    docker_engine: DockerEngine, tmp_path: Path, buildkit: bool
) -> None:
    check_rebuild(docker_engine, tmp_path, partial(docker_engine.build, buildkit=buildkit))


@pytest.mark.parametrize("provenance", ["min", "max"])
def test_a_rebuild_with_containerd_differs_in_the_changed_instruction(
    containerd_engine: ContainerdEngine, tmp_path: Path, provenance: str
) -> None:
    make = partial(containerd_engine.build, provenance=provenance)
    check_rebuild(containerd_engine, tmp_path, make)
