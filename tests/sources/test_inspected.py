"""The head of an engine's image comes from what the engine says about it: nothing is saved."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.errors import LayerscopeError
from layerscope.options import ReadOptions
from layerscope.report.document.builder import build
from layerscope.sources.docker import UNTOLD
from layerscope.sources.inspected import open_inspected
from layerscope.sources.source import Request
from tests.builder import BuiltImage, ImageBuilder, buildkit, docker_legacy
from tests.effort import seeds
from tests.sources.stores.fake_engine import FakeEngine, listening
from tests.sources.test_podman import podman, podman_socket

__all__ = ["podman", "podman_socket"]

HEAD = ReadOptions(head=True, cache=False)


def built() -> BuiltImage:
    return (
        ImageBuilder("app:1")
        .layer({"etc/os-release": b"ID=debian\n"}, "/bin/sh -c #(nop) ADD file:1 in / ")
        .empty("/bin/sh -c #(nop)  ENV A=b")
        .layer({"opt/": b""}, **buildkit.run("mkdir /opt"))
        .layer({"opt/model": b"x" * 5000}, **buildkit.copy(".", "/opt"))
        .empty(**buildkit.command("CMD", ["run"]))
        .configure(
            Env=["PATH=/bin", "A=b"],
            Cmd=["run"],
            Labels={"team": "a"},
            ExposedPorts={"80/tcp": {}},
            WorkingDir="/opt",
            User="nobody",
        )
        .build()
    )


@dataclass
class Describing(FakeEngine):
    """An engine that also tells the history, as Docker's API does: newest first, with sizes."""

    history: list[dict[str, Any]] = field(default_factory=list)
    podman: dict[str, Any] | None = None

    def answer(self, path: str) -> tuple[int, bytes]:
        plain = path.partition("?")[0]
        if plain.endswith("/history"):
            return 200, json.dumps(self.history).encode()
        if plain == "/version" and self.podman is not None:
            answer = {"ApiVersion": self.api, "Components": [{"Name": "Podman Engine"}]}
            return 200, json.dumps(answer).encode()
        if "/libpod/images/" in plain:
            return (
                (404, b'{"message": "no"}')
                if self.podman is None
                else (
                    200,
                    json.dumps(self.podman).encode(),
                )
            )
        return super().answer(path)


def described(image: BuiltImage, sizes: dict[int, int] | None = None) -> Describing:
    """The engine's answers about an image. `sizes` replaces the sizes of single layers."""
    config = json.loads(image.config)
    rows, layer = [], 0
    for row in config["history"]:
        size = 0
        if not row.get("empty_layer"):
            size = len(image.layers[layer].tar) if sizes is None else sizes.get(layer, 100)
            layer += 1
        rows.append(
            {
                "Id": "<missing>",
                "Created": 1,
                "CreatedBy": row.get("created_by", ""),
                "Comment": row.get("comment", ""),
                "Size": size,
                "Tags": None,
            }
        )
    answer = {
        "Id": image.config_digest,
        "RepoTags": ["app:1"],
        "Created": config.get("created"),
        "Architecture": config["architecture"],
        "Os": config["os"],
        "Config": config.get("config"),
        "RootFS": {"Type": "layers", "Layers": config["rootfs"]["diff_ids"]},
    }
    info = {"DockerRootDir": "/none/such", "Driver": "overlay2", "DriverStatus": []}
    return Describing(
        image=answer, info=info, save=docker_legacy([image]).pack(), history=rows[::-1]
    )


@contextmanager
def reachable(
    engine: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    with listening(engine, tmp_path / "s") as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        monkeypatch.setenv("CONTAINER_HOST", host)
        yield


def document(reference: str, options: ReadOptions = HEAD) -> dict[str, Any]:
    with layerscope.read(reference, options) as analysis:
        found: dict[str, Any] = json.loads(json.dumps(build(analysis)))
    for key in ("reference", "source"):
        del found["image"][key]
    found["notes"] = [note for note in found["notes"] if note["code"] != "engine-inspected"]
    return found


@pytest.mark.parametrize("sizes", [None, {1: 0}])
def test_the_head_of_an_engines_image_equals_that_of_its_archive(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sizes: dict[int, int] | None
) -> None:
    image = built()
    archive = docker_legacy([image]).write(tmp_path / "app.tar")
    engine = described(image, sizes)
    with reachable(engine, monkeypatch, tmp_path):
        assert document("docker:app:1") == document(f"docker-archive:{archive}")
        assert engine.saves == 0
        with layerscope.read("docker:app:1", HEAD) as analysis:
            codes = [note.code for note in analysis.notes]
    assert "engine-inspected" in codes


def test_layers_without_bytes_that_nobody_can_place_are_said_to_be(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    image = (
        ImageBuilder("app:1")
        .layer({"a": b"a"}, "/bin/sh -c one")
        .empty("/bin/sh -c two")
        .layer({"b/": b""}, "/bin/sh -c three")
        .build()
    )
    engine = described(image, {1: 0})
    with (
        reachable(engine, monkeypatch, tmp_path),
        layerscope.read("docker:app:1", HEAD) as analysis,
    ):
        assert len(analysis.layers) == 2
        assert "history-unsure" in [note.code for note in analysis.notes]
    assert engine.saves == 0


def test_an_export_is_read_where_it_is_wanted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = described(built())
    with reachable(engine, monkeypatch, tmp_path):
        document("docker:app:1", ReadOptions(head=True, cache=False, via="export"))
    assert engine.saves == 1


def test_an_engine_that_does_not_tell_the_config_saves_the_image_and_a_remark_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    engine = described(built())
    engine.info["DriverStatus"] = [["driver-type", "io.containerd.snapshotter.v1"]]
    told: list[str] = []
    with (
        reachable(engine, monkeypatch, tmp_path),
        layerscope.read("docker:app:1", HEAD, remark=told.append) as analysis,
    ):
        assert analysis.facts.head
    assert engine.saves == 1
    assert told == [UNTOLD]


def test_podman_tells_the_history_of_the_config(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    image = built()
    archive = docker_legacy([image]).write(tmp_path / "app.tar")
    engine = described(image)
    engine.podman = {
        **engine.image,
        "Id": image.config_digest.removeprefix("sha256:"),
        "History": json.loads(image.config)["history"],
    }
    with reachable(engine, monkeypatch, tmp_path):
        assert document("podman:app:1") == document(f"docker-archive:{archive}")
    assert engine.saves == 0


@pytest.mark.parametrize(
    "change",
    [
        {"Id": "sha256:1"},
        {"Id": 5},
        {"RootFS": {"Layers": ["x"]}},
        {"RootFS": {"Layers": {}}},
        {"RootFS": []},
        {"Config": []},
        {"Config": {"Env": 5}},
        {"Config": {"Labels": {"a": 1}}},
        {"Architecture": ["amd64"]},
        {"Created": {"a": 1}},
        {"Variant": 7},
    ],
)
def test_an_answer_that_describes_no_image_is_refused_or_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, change: dict[str, Any]
) -> None:
    engine = described(built())
    engine.image = {**engine.image, **change}
    # Anything but a one-line error would escape here.
    with (
        reachable(engine, monkeypatch, tmp_path),
        suppress(LayerscopeError),
        layerscope.read("docker:app:1", HEAD) as analysis,
    ):
        assert analysis.facts.head
    assert engine.saves == 0


@pytest.mark.parametrize("rows", [["text"], [{"CreatedBy": 5, "Size": "x"}], [{}], [None, 1]])
def test_an_odd_history_leaves_the_layers_without_instructions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rows: list[Any]
) -> None:
    engine = described(built())
    engine.history = rows
    with (
        reachable(engine, monkeypatch, tmp_path),
        layerscope.read("docker:app:1", HEAD) as analysis,
    ):
        assert len(analysis.layers) == 3


def test_the_head_of_a_real_podman_equals_that_of_its_export(
    podman: Path, request: pytest.FixtureRequest
) -> None:
    head = ReadOptions(head=True, cache=False)
    export = ReadOptions(head=True, cache=False, via="export")
    by_command = document("podman:layerscope-test:1", head)
    assert by_command == document("podman:layerscope-test:1", export)
    request.getfixturevalue("podman_socket")
    assert document("podman:layerscope-test:1", head) == by_command


def mangled(value: Any, source: random.Random) -> Any:
    """The value with something in it replaced."""
    odd: tuple[Any, ...] = (
        None,
        5,
        -1,
        "",
        "x" * 300,
        [],
        {},
        [None],
        True,
        "sha256:" + "0" * 64,
        1e300,
    )
    if source.random() < 0.15:
        return source.choice(odd)
    if isinstance(value, dict) and value:
        key = source.choice(list(value))
        return {**value, key: mangled(value[key], source)}
    if isinstance(value, list) and value:
        at = source.randrange(len(value))
        return [*value[:at], mangled(value[at], source), *value[at + 1 :]]
    return source.choice(odd)


@pytest.mark.random
@pytest.mark.parametrize("seed", seeds(4))
@pytest.mark.parametrize("own", [False, True], ids=["docker", "podman"])
def test_any_answer_is_an_image_or_a_one_line_error(seed: int, own: bool) -> None:
    source = random.Random(f"{seed} {own}")
    image = built()
    engine = described(image)
    history = json.loads(image.config)["history"] if own else engine.history
    request = Request(reference="docker:app:1", head=True)
    for _ in range(300):
        answer, rows = mangled(engine.image, source), history
        for _ in range(source.randrange(3)):
            answer, rows = mangled(answer, source), mangled(rows, source)
        if not isinstance(answer, dict) or not isinstance(rows, list):
            continue
        with suppress(LayerscopeError):
            opened = open_inspected(answer, rows, "app:1", None, request, "docker")
            assert sorted(layer for step in opened.instructions for layer in step.layers) == list(
                range(len(opened.layers))
            )
