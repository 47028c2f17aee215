"""Docker's graph driver, read in place: the same report as from `docker save`, and a save wherever the store is odd."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.cache.shelf import Shelf
from layerscope.errors import LimitExceeded, SourceUnavailable
from layerscope.filesystem.content import open_content
from layerscope.layers.tar_split import Run, TarSplit
from layerscope.limits import DEFAULT_LIMITS
from layerscope.options import ReadOptions, Via
from layerscope.report.document.builder import build
from tests.builder import (
    WHITEOUT,
    Archive,
    BuiltImage,
    File,
    ImageBuilder,
    docker_legacy,
    docker_oci,
)
from tests.builder.stores import chain_ids, graph_driver, layer_folder, unpacked_folder

from .fake_engine import FakeEngine, listening

BIG = bytes(range(256)) * 8192
FORMS: dict[str, tuple[str, Callable[[list[BuiltImage]], Archive]]] = {
    "docker 20": ("1.41", docker_legacy),
    "docker 26": ("1.45", docker_oci),
}


TWICE = b"twice" * 1000


@cache
def sample() -> BuiltImage:
    """Names, kinds, and rewrites whose contents have to be compared; one layer is there twice."""
    long = "/".join(["deep"] * 40) + "/file"
    again = {"cache": File(b"cached" * 90)}
    return (
        ImageBuilder("app:1")
        .layer(
            {
                "etc/shadow": File(b"root:*:::::::\n", mode=0o640),
                "bin/tool": File(BIG, mode=0o755),
                "same": b"same",
                'odd "name" \\ \n': b"odd",
                b"raw/\xe9": b"latin",
                "päth": b"utf-8",
                long: b"long",
                "empty": b"",
                "copy/one": TWICE,
            },
            "RUN one",
        )
        .layer(again, "RUN cache")
        .layer(
            {
                "etc/shadow": File(b"root:*:::::::\n", mode=0o600),
                "bin/tool": File(BIG, mode=0o700),
                "same": b"else",
                long: WHITEOUT,
                "copy/two": TWICE,
            },
            "RUN two",
        )
        .layer(again, "RUN cache")
        .build()
    )


@cache
def saved(form: str) -> bytes:
    """What the engine answers when it saves the sample."""
    return FORMS[form][1]([sample()]).pack()


def without_manifest(report: str) -> dict[str, Any]:
    """The report without the parts of a manifest that only the builder writes."""
    loaded: dict[str, Any] = json.loads(report)
    loaded["image"].pop("manifest_digest")
    for layer in loaded["layers"]:
        layer.pop("media_type")
    return loaded


class Setting:
    """An image in an engine with a store."""

    def __init__(self, root: Path, image: BuiltImage, engine: FakeEngine) -> None:
        self.root = root
        self.image = image
        self.engine = engine
        self.remarks: list[str] = []

    def report(self, via: Via | None = None, **options: Any) -> str:
        self.remarks.clear()
        with layerscope.read(
            "docker:app:1",
            ReadOptions(via=via, cache=False, **options),
            remark=self.remarks.append,
        ) as analysis:
            document: Any = build(analysis, files=True)
            for layer in document["layers"]:
                layer["entries"] = list(layer["entries"])
            return json.dumps(document)

    def chain(self, number: int) -> str:
        return chain_ids(self.image)[number]

    def database(self, number: int) -> Path:
        return layer_folder(self.root, self.chain(number))

    def unpacked(self, number: int) -> Path:
        return unpacked_folder(self.root, self.chain(number))


@contextmanager
def setting(root: Path, form: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    image = sample()
    api, _ = FORMS[form]
    graph_driver(image, root)
    engine = FakeEngine(
        image={"Id": image.config_digest, "RepoTags": ["app:1"]},
        info={"DockerRootDir": str(root), "Driver": "overlay2", "DriverStatus": []},
        save=saved(form),
        api=api,
    )
    with tempfile.TemporaryDirectory() as folder, listening(engine, Path(folder, "s")) as host:
        monkeypatch.setenv("DOCKER_HOST", host)
        yield Setting(root, image, engine)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "config"))


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Setting]:
    with setting(tmp_path / "root", "docker 20", monkeypatch) as made:
        yield made


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report of the image that the engine exports."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_CONFIG", "/nowhere")
        root = tmp_path_factory.mktemp("exported") / "root"
        with setting(root, "docker 20", patch) as made:
            return made.report("export")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("verify", ["auto", "full"])
def test_the_store_gives_the_same_report_as_the_export(
    form: str, verify: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with setting(tmp_path / "root", form, monkeypatch) as docker:
        from_store = docker.report("store", verify=verify)
        assert docker.engine.saves == 0
        exported = docker.report("export", verify=verify)
        assert without_manifest(exported) == without_manifest(from_store)
        if form == "docker 20":
            assert exported == from_store
        assert docker.engine.saves == 1
        (group,) = json.loads(from_store)["duplicates"]["groups"]
        assert group["hash"] == f"sha256:{hashlib.sha256(TWICE).hexdigest()}"
        assert (group["paths"], group["layers"]) == (["/copy/one", "/copy/two"], [0, 2])
        wasted = json.loads(from_store)["wasted_by_kind"]
        assert wasted["metadata_only"] == len(BIG) + len(b"root:*:::::::\n")
        assert wasted["identical_rewrite"] == len(b"cached" * 90)


def test_the_store_is_preferred_and_left_as_it_was(docker: Setting) -> None:
    def state() -> list[tuple[str, int, int]]:
        return sorted(
            (str(path), path.lstat().st_mtime_ns, path.lstat().st_size)
            for path in docker.root.rglob("*")
        )

    before = state()
    open_files = len(os.listdir("/proc/self/fd"))
    docker.report()
    assert (docker.engine.saves, docker.remarks) == (0, [])
    assert state() == before
    assert len(os.listdir("/proc/self/fd")) == open_files


@pytest.mark.parametrize("form", FORMS)
def test_headers_are_read_once_and_those_of_known_layers_not_at_all(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[str] = []
    runs = TarSplit.runs

    def counted(self: TarSplit, advanced: Callable[[int], None] | None = None) -> Iterator[Run]:
        yield from runs(self, advanced)
        passes.append(self.stored.name)

    monkeypatch.setattr(TarSplit, "runs", counted)
    shelf = Shelf()

    def document() -> str:
        with layerscope.read("docker:app:1", ReadOptions(via="store"), shelf=shelf) as analysis:
            return json.dumps(build(analysis))

    with setting(tmp_path / "root", form, monkeypatch) as docker:
        first = document()
        layers = set(json.loads(docker.image.config)["rootfs"]["diff_ids"])
        assert len(passes) == len(set(passes)) == len(layers)
        passes.clear()
        assert document() == first
        assert passes == []


def test_a_layer_over_a_limit_is_the_same_error_as_in_an_archive(docker: Setting) -> None:
    limits = replace(DEFAULT_LIMITS, members=1)
    for via in ("store", "export", None):
        with pytest.raises(LimitExceeded, match="more than 1 members") as caught:
            docker.report(via, limits=limits)
        assert caught.value.exit_code == 4


def test_a_file_is_read_from_its_layers_folder(docker: Setting) -> None:
    with layerscope.read("docker:app:1", ReadOptions(cache=False)) as analysis:
        node = analysis.tree.find(b"bin/tool")
        assert node is not None
        entry = node.at_layer(0)
        assert entry is not None
        tool = open_content(entry, analysis.indexes)
        assert b"".join(tool.pieces(70_000)) == BIG
        assert tool.read(len(BIG) - 3, 100) == BIG[-3:]
        (docker.unpacked(0) / "bin/tool").write_bytes(BIG[:-1] + b"!")
        with pytest.raises(SourceUnavailable, match="checksum differs"):
            tool.read(0, 10)


def rewrite(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()))))


def lengthen(path: Path) -> None:
    """Replace a tar-split file by one line without end."""
    with gzip.open(path, "wb", 1) as file:
        file.write(b'{"type":2,"payload":"')
        for _ in range(300):
            file.write(b"A" * 1_000_000)


def without_last_lines(data: bytes) -> bytes:
    return b"".join(data.splitlines(keepends=True)[:-2])


def swap_for_link(path: Path, outside: Path) -> None:
    outside.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(outside)


def swap_for_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def link_folder(path: Path, outside: Path) -> None:
    shutil.move(path, outside)
    path.symlink_to(outside)


def tar_split_of(docker: Setting, number: int = 0) -> Path:
    return docker.database(number) / "tar-split.json.gz"


def stretch(path: Path) -> None:
    """Make a file a terabyte long, without a byte of it on the disk."""
    os.truncate(path, 1 << 40)


def swap_for_device(path: Path) -> None:
    """Put the device of endless zeros in place of a file."""
    path.unlink()
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))
    except PermissionError:
        pytest.skip("only root makes devices")


def config_of(docker: Setting) -> Path:
    return next((docker.root / "image/overlay2/imagedb/content/sha256").iterdir())


HOSTILE: dict[str, Callable[[Setting], object]] = {
    "a config of a terabyte": lambda docker: stretch(config_of(docker)),
    "a config without end": lambda docker: swap_for_device(config_of(docker)),
    "a config of deep JSON": lambda docker: config_of(docker).write_bytes(b'{"a":' * 100_000),
    "a cache ID of a terabyte": lambda docker: stretch(docker.database(0) / "cache-id"),
    "a diff without end": lambda docker: swap_for_device(docker.database(0) / "diff"),
    "content of a terabyte": lambda docker: stretch(docker.unpacked(0) / "etc/shadow"),
    "content without end": lambda docker: swap_for_device(docker.unpacked(0) / "etc/shadow"),
    "a tar-split without end": lambda docker: swap_for_device(tar_split_of(docker)),
    "a tar-split of one line that unpacks to 300 MB": lambda docker: lengthen(tar_split_of(docker)),
    "a tar-split whose file has 2^62 bytes": lambda docker: rewrite(
        tar_split_of(docker), lambda data: data.replace(b'"size":14,', b'"size":%d,' % (1 << 62), 1)
    ),
    "content through a link": lambda docker: swap_for_link(
        docker.unpacked(0) / "etc/shadow", docker.root.parent / "outside"
    ),
    "content in a linked folder": lambda docker: link_folder(
        docker.unpacked(0) / "etc", docker.root.parent / "outside"
    ),
    "a linked layer": lambda docker: link_folder(
        docker.unpacked(0), docker.root.parent / "outside"
    ),
    "content is a pipe": lambda docker: swap_for_pipe(docker.unpacked(0) / "etc/shadow"),
    "content is gone": lambda docker: (docker.unpacked(0) / "etc/shadow").unlink(),
    "other content": lambda docker: (docker.unpacked(0) / "etc/shadow").write_bytes(
        b"toor:*:::::::\n"
    ),
    "longer content": lambda docker: (docker.unpacked(0) / "etc/shadow").write_bytes(b"x" * 900),
    "large other content": lambda docker: (docker.unpacked(0) / "bin/tool").write_bytes(
        b"\1" + BIG[1:]
    ),
    "a linked tar-split": lambda docker: swap_for_link(
        tar_split_of(docker), docker.root.parent / "outside"
    ),
    "a tar-split cut at a line": lambda docker: rewrite(tar_split_of(docker), without_last_lines),
    "a tar-split cut in a line": lambda docker: rewrite(
        tar_split_of(docker), lambda data: data[:-9]
    ),
    "a tar-split cut in its gzip data": lambda docker: tar_split_of(docker).write_bytes(
        tar_split_of(docker).read_bytes()[:-30]
    ),
    "a tar-split that is not gzip": lambda docker: tar_split_of(docker).write_bytes(b"{}\n"),
    "an empty tar-split": lambda docker: rewrite(tar_split_of(docker), lambda data: b""),
    "a position twice": lambda docker: rewrite(
        tar_split_of(docker), lambda data: data.replace(b'"position":3}', b'"position":2}', 1)
    ),
    "another size": lambda docker: rewrite(
        tar_split_of(docker), lambda data: data.replace(b'"size":14,', b'"size":526,', 1)
    ),
    "a negative size": lambda docker: rewrite(
        tar_split_of(docker), lambda data: data.replace(b'"size":14,', b'"size":-14,', 1)
    ),
    "no checksum": lambda docker: rewrite(
        tar_split_of(docker),
        lambda data: data.replace(
            b'"name":"same","size":4,"payload":"', b'"name":"same","size":4,"payload":"A', 1
        ),
    ),
    "broken base64": lambda docker: rewrite(
        tar_split_of(docker), lambda data: data.replace(b'"payload":"', b'"payload":"!!!!', 1)
    ),
    "a broken header": lambda docker: rewrite(
        tar_split_of(docker), lambda data: data.replace(b'"payload":"', b'"payload":"AAAA', 1)
    ),
    "a name that leads out": lambda docker: rewrite(
        tar_split_of(docker),
        lambda data: data.replace(b'"name":"etc/shadow"', b'"name":"../../shadow"', 1),
    ),
    "another diff": lambda docker: (docker.database(0) / "diff").write_text("sha256:" + "0" * 64),
    "another parent": lambda docker: (docker.database(2) / "parent").write_text(docker.chain(0)),
    "a parent of the first layer": lambda docker: (docker.database(0) / "parent").write_text(
        docker.chain(1)
    ),
    "a cache ID that leads out": lambda docker: (docker.database(0) / "cache-id").write_text(
        "../" * 8 + "etc"
    ),
    "a layer that is gone": lambda docker: shutil.rmtree(docker.database(1)),
    "another config": lambda docker: next(
        (docker.root / "image/overlay2/imagedb/content/sha256").iterdir()
    ).write_bytes(b"{}"),
    "a foreign layer": lambda docker: (docker.database(0) / "descriptor.json").write_text("{}"),
    "an older database": lambda docker: (docker.root / "image/overlay2/layerdb").rename(
        docker.root / "image/overlay2/layers"
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_an_odd_store_is_not_used(what: str, docker: Setting, exported: str) -> None:
    HOSTILE[what](docker)
    assert docker.report() == exported
    assert docker.engine.saves == 1
    (remark,) = docker.remarks
    assert remark.startswith("reading an export, not the store of ")
    assert remark.isprintable()
    with pytest.raises(layerscope.errors.LayerscopeError) as caught:
        docker.report("store")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("info", "why"),
    [
        ({"DockerRootDir": "/nope/docker"}, "there is no folder /nope/docker here"),
        ({"Driver": "btrfs"}, "its storage driver is btrfs, not overlay2"),
        ({"DriverStatus": [["driver-type", "io.containerd.snapshotter.v1"]]}, "containerd"),
    ],
)
def test_an_engine_without_a_readable_store_is_exported_without_a_remark(
    info: dict[str, Any], why: str, docker: Setting
) -> None:
    docker.engine.info.update(info)
    docker.report()
    assert (docker.engine.saves, docker.remarks) == (1, [])
    with pytest.raises(SourceUnavailable, match=why) as caught:
        docker.report("store")
    assert caught.value.exit_code == 3
    assert caught.value.hint


def test_an_engine_elsewhere_is_exported(docker: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(SourceUnavailable, match="the engine is on another machine; run layerscope"):
        docker.report("store")


@pytest.mark.parametrize("info", [[], 7, {}, {"DockerRootDir": 7, "Driver": "overlay2"}])
def test_an_engine_that_does_not_say_where_its_images_are_is_an_error(
    info: Any, docker: Setting
) -> None:
    docker.engine.info = info
    with pytest.raises(SourceUnavailable) as caught:
        docker.report()
    assert str(caught.value).isprintable()
