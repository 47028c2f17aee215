"""Every rule of advice is proved: a real engine builds an image before and after the change, and it shrinks as promised.

The package managers are real and use their registries; dnf has a repository of its own, made by rpmbuild and createrepo_c.
Two are not: `apk` and `conda` are scripts that leave what those leave, since no package registry but their own has them.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from layerscope.analysis.advice.advise import RULES
from layerscope.analysis.model import sum_of
from tests.builder import ImageBuilder, docker_legacy
from tests.builder.tools import absent

from .engine import NoEngineError
from .gotools import ToolError
from .proof import PROOFS, Measured, Proof
from .proof_bases import import_bases, root_with

if TYPE_CHECKING:
    from .engine import DockerEngine

TOLERANCE = 0.05
"""The share of the promised bytes that the saving may be off by."""
PROVED = sorted(path.name for path in PROOFS.iterdir() if path.is_dir())
OTHERWISE = ("duplicate-entry", "install-order", "small-layers")
"""Rules whose images no engine makes, or that save no content. They have tests of their own."""
BUILT = [rule for rule in PROVED if rule not in OTHERWISE]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bases(docker_engine: DockerEngine) -> DockerEngine:
    """The engine with the base images of the proofs."""
    try:
        import_bases(docker_engine)
    except (NoEngineError, ToolError) as error:
        absent(str(error))
    return docker_engine


@pytest.fixture
def builder(bases: DockerEngine, monkeypatch: pytest.MonkeyPatch) -> DockerEngine:
    """The same engine, which `docker:` means."""
    monkeypatch.setenv("DOCKER_HOST", bases.host)
    return bases


def test_every_rule_has_a_proof() -> None:
    assert sorted(rule.id for rule in RULES) == PROVED


@pytest.mark.parametrize("rule", BUILT)
def test_the_image_shrinks_by_what_the_advice_says(
    builder: DockerEngine, tmp_path: Path, rule: str
) -> None:
    folder = tmp_path / "build"
    folder.mkdir()
    proof = Proof(rule, folder)
    proof.write_context()
    dockerfile = folder / "Dockerfile"
    dockerfile.write_text(proof.text("before"))
    before = proof.measure(builder, "before")
    given = before.of(rule)
    assert given, before.advice
    if any(advice in before.patch.applied for advice in given):
        proof.apply(before.patch)
        assert dockerfile.read_text() == proof.text("after")
    else:
        dockerfile.write_text(proof.text("after"))
    after = proof.measure(builder, "after")
    check(proof, before, after)


def check(proof: Proof, before: Measured, after: Measured) -> None:
    """The advice of a rule is given before, and its promise is kept after."""
    rule = proof.rule
    given = before.of(*proof.rules)
    promised = sum(advice.bytes or 0 for advice in given)
    saved = before.content - after.content
    print(f"{rule}: promised {promised}, measured {saved}", end="")
    assert saved == pytest.approx(promised, rel=TOLERANCE)
    pull = sum_of(advice.compressed for advice in given)
    if pull is not None and before.compressed is not None and after.compressed is not None:
        measured = before.compressed - after.compressed
        print(f"; of a pull, promised {pull}, measured {measured}", end="")
        assert measured == pytest.approx(pull, rel=TOLERANCE)
    print()
    assert not after.of(rule), after.advice


def test_a_layer_that_stores_a_file_twice_shrinks_when_an_engine_rebuilds_it(
    builder: DockerEngine, tmp_path: Path
) -> None:
    """No engine makes such a layer, so the image before the change is written by hand."""
    rule = "duplicate-entry"
    folder = tmp_path / "build"
    folder.mkdir()
    layer = root_with(("twice", "twice"))
    (folder / "layer.tar").write_bytes(layer)
    (folder / "Dockerfile").write_text((PROOFS / rule / "Dockerfile.after").read_text())
    archive = tmp_path / "before.tar"
    image = ImageBuilder("twice:1").raw_layer(layer, "ADD layer.tar / # buildkit").build()
    docker_legacy([image]).write(archive)
    proof = Proof(rule, folder)
    before = proof.read(f"docker-archive:{archive}", "before", compress=False)
    check(proof, before, proof.measure(builder, "after"))


def test_dependencies_are_installed_once_when_the_sources_are_copied_later(
    builder: DockerEngine, tmp_path: Path
) -> None:
    proof = Proof("install-order", tmp_path / "build")
    again: dict[str, bool] = {}
    for when in ("before", "after"):
        shutil.rmtree(proof.folder, ignore_errors=True)
        proof.folder.mkdir()
        proof.write_context()
        (proof.folder / "Dockerfile").write_text(proof.text(when))
        first = proof.measure(builder, when)
        assert [advice.bytes for advice in first.of(proof.rule)] == [None] * (when == "before")
        (proof.folder / "main.js").write_text(f"// changed {when}")
        second = proof.measure(builder, when)
        lines = proof.text(when).splitlines()
        install = lines.index("RUN npm ci") - len(lines)
        again[when] = first.layers[install] != second.layers[install]
    assert again == {"before": True, "after": False}


def test_merged_runs_make_fewer_layers(builder: DockerEngine, tmp_path: Path) -> None:
    proof = Proof("small-layers", tmp_path / "build")
    proof.folder.mkdir()
    measured = []
    for when in ("before", "after"):
        (proof.folder / "Dockerfile").write_text(proof.text(when))
        measured.append(proof.measure(builder, when))
    before, after = measured
    assert [advice.bytes for advice in before.of(proof.rule)] == [None]
    assert not after.of(proof.rule)
    assert before.content == after.content
    assert len(before.layers) - len(after.layers) == 5
