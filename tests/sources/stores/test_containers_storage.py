"""The store of Podman, Buildah, and CRI-O, read in place; a save wherever the store is odd."""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.options import ReadOptions, Via
from layerscope.report.document.builder import build
from tests.builder import podman as podman_save
from tests.builder.stores import chain_ids, containers_storage

from .fake_engine import FakeEngine, listening
from .test_graph_driver import sample


@cache
def saved() -> bytes:
    """What Podman answers when it saves the sample."""
    return podman_save([sample()]).pack()


class Podman:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.image = sample()
        containers_storage(self.image, root)
        self.engine = FakeEngine(
            image={"Id": self.image.config_digest, "RepoTags": ["app:1"]},
            info={"DockerRootDir": str(root), "Driver": "overlay"},
            save=saved(),
        )
        self.remarks: list[str] = []

    def report(self, via: Via | None = None) -> str:
        self.remarks.clear()
        options = ReadOptions(via=via, cache=False)
        with layerscope.read("podman:app:1", options, remark=self.remarks.append) as analysis:
            document: Any = build(analysis, files=True)
            for layer in document["layers"]:
                layer["entries"] = list(layer["entries"])
            return json.dumps(document)

    @property
    def top(self) -> str:
        return chain_ids(self.image)[-1].removeprefix("sha256:")

    def change(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new))

    def change_split(self, change: Callable[[bytes], bytes]) -> None:
        path = self.root / f"overlay-layers/{chain_ids(self.image)[0][7:]}.tar-split.gz"
        path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))


@contextmanager
def running(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Podman]:
    made = Podman(folder / "root")
    monkeypatch.setenv("DOCKER_CONFIG", str(folder / "config"))
    with tempfile.TemporaryDirectory() as short, listening(made.engine, Path(short, "s")) as host:
        monkeypatch.setenv("CONTAINER_HOST", host)
        yield made


@pytest.fixture
def podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Podman]:
    with running(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of the image that the engine exports."""
    with (
        pytest.MonkeyPatch.context() as patch,
        running(tmp_path_factory.mktemp("exported"), patch) as made,
    ):
        return made.report("export")


def test_the_store_gives_the_same_report_as_the_export(podman: Podman) -> None:
    stored = podman.report()
    assert (podman.engine.saves, podman.remarks) == (0, [])
    assert podman.report("export") == stored
    assert podman.engine.saves == 1


HOSTILE: dict[str, Callable[[Podman], object]] = {
    "images.json of a terabyte": lambda podman: os.truncate(
        podman.root / "overlay-images/images.json", 1 << 40
    ),
    "layers.json of a terabyte": lambda podman: os.truncate(
        podman.root / "overlay-layers/layers.json", 1 << 40
    ),
    "layers.json of deep JSON": lambda podman: (
        podman.root / "overlay-layers/layers.json"
    ).write_text("[" * 1_000_000),
    "a layer that is its own parent": lambda podman: podman.change(
        "overlay-layers/layers.json", '"parent": "', f'"parent": "{podman.top}", "was": "'
    ),
    "no such image": lambda podman: podman.change(
        "overlay-images/images.json", podman.image.config_digest[7:], "1" * 64
    ),
    "a top layer elsewhere": lambda podman: podman.change(
        "overlay-images/images.json", podman.top, "../" * 21 + "x"
    ),
    "images.json is not JSON": lambda podman: (
        podman.root / "overlay-images/images.json"
    ).write_text("[{]"),
    "layers.json is gone": lambda podman: (podman.root / "overlay-layers/layers.json").unlink(),
    "a layer without a parent": lambda podman: podman.change(
        "overlay-layers/layers.json", '"parent"', '"other"'
    ),
    "another diff-digest": lambda podman: podman.change(
        "overlay-layers/layers.json", podman.image.layers[0].diff_id, "sha256:" + "0" * 64
    ),
    "another diff-size": lambda podman: podman.change(
        "overlay-layers/layers.json",
        f'"diff-size": {len(podman.image.layers[0].tar)}',
        f'"diff-size": {len(podman.image.layers[0].tar) + 512}',
    ),
    "a smaller diff-size": lambda podman: podman.change(
        "overlay-layers/layers.json",
        f'"diff-size": {len(podman.image.layers[0].tar)}',
        f'"diff-size": {len(podman.image.layers[0].tar) - 512}',
    ),
    "more zeros than the size": lambda podman: podman.change_split(
        lambda data: data + b'{"type":2,"payload":"AAAA","position":%d}\n' % data.count(b"\n")
    ),
    "a manifest of another image": lambda podman: podman.change(
        f"overlay-images/{podman.image.config_digest[7:]}/manifest",
        podman.image.config_digest,
        "sha256:" + "0" * 64,
    ),
    "no tar-split": lambda podman: (
        podman.root / f"overlay-layers/{chain_ids(podman.image)[0][7:]}.tar-split.gz"
    ).unlink(),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_an_odd_store_is_not_used(what: str, podman: Podman, exported: str) -> None:
    HOSTILE[what](podman)
    assert podman.report() == exported
    assert podman.engine.saves == 1
    (remark,) = podman.remarks
    assert remark.startswith("reading an export, not the store of ")
    with pytest.raises(layerscope.errors.LayerscopeError) as caught:
        podman.report("store")
    assert str(caught.value).isprintable()


def test_a_driver_that_layerscope_cannot_read_is_exported_without_a_remark(podman: Podman) -> None:
    podman.engine.info["Driver"] = "vfs"
    podman.report()
    assert (podman.engine.saves, podman.remarks) == (1, [])
