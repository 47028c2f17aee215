"""containerd's own store: names from its database, blobs from its content store, and no lock on either."""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.errors import (
    AmbiguousImage,
    FormatError,
    ImageNotFound,
    LayerscopeError,
    SourceUnavailable,
)
from layerscope.options import ReadOptions
from layerscope.report.document.builder import build
from layerscope.sources import containerd as source
from layerscope.sources.stores.bolt import Bolt
from layerscope.sources.stores.metadata import DATABASE, images_named
from tests.builder import ImageBuilder, containerd_store
from tests.builder.bolt import PAGE, Tree, Writer, meta
from tests.builder.stores import containerd_root

ARCHIVE = containerd_store(
    [
        ImageBuilder("app:1", architecture=name).layer({"a": name.encode()}, "RUN one").build()
        for name in ("amd64", "arm64")
    ]
)
TOP: str = json.loads(ARCHIVE["index.json"])["manifests"][0]["digest"]
OTHER = "sha256:" + "5" * 64


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with an image in two namespaces, and 300 other names."""
    others = {f"docker.io/library/other{number}:1": OTHER for number in range(300)}
    app = {"docker.io/library/app:1": TOP}
    containerd_root({"default": others | app, "k8s.io": app}, tmp_path / "root", ARCHIVE)
    monkeypatch.setenv("CONTAINERD_ROOT", str(tmp_path / "root"))
    monkeypatch.delenv("CONTAINERD_NAMESPACE", raising=False)
    return tmp_path / "root"


def report(reference: str, **options: Any) -> dict[str, Any]:
    with layerscope.read(reference, ReadOptions(cache=False, **options)) as analysis:
        document: Any = build(analysis)
        loaded: dict[str, Any] = json.loads(json.dumps(document))
        return loaded


@pytest.mark.parametrize(
    "name", ["app:1", "docker.io/library/app:1", TOP, TOP[7:], TOP[7:19]], ids=repr
)
def test_an_image_is_found_by_any_of_its_names(name: str, root: Path) -> None:
    found = report(f"containerd:{name}", via="store", platform="linux/arm64")
    assert found["image"]["tags"] == ["app:1"]
    assert found["image"]["source"] == "containerd"
    assert found["image"]["platform"] == "linux/arm64"
    assert found["sizes"]["content"] == len("arm64")


def test_the_namespace_is_chosen_by_the_usual_variable(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for namespace in ("default", "k8s.io"):
        monkeypatch.setenv("CONTAINERD_NAMESPACE", namespace)
        assert report("containerd:app:1")["sizes"]["content"] == 5
    monkeypatch.setenv("CONTAINERD_NAMESPACE", "moby")
    with pytest.raises(ImageNotFound, match="the namespace 'moby' does not have an image"):
        report("containerd:app:1")


def test_two_images_of_one_name_are_ambiguous(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "docker.io/library/app:1"
    containerd_root({"a": {name: TOP}, "b": {name: OTHER}}, tmp_path, ARCHIVE)
    monkeypatch.setenv("CONTAINERD_ROOT", str(tmp_path))
    monkeypatch.delenv("CONTAINERD_NAMESPACE", raising=False)
    with pytest.raises(AmbiguousImage, match=rf"a \({TOP}\), b \({OTHER}\); choose one with CONT"):
        report("containerd:app:1")


def test_a_layer_that_containerd_discarded_is_one_line_with_the_remedy(root: Path) -> None:
    store = root / "io.containerd.content.v1.content" / "blobs" / "sha256"
    for path in store.iterdir():
        if path.read_bytes()[:2] == b"\x1f\x8b":
            path.unlink()
    with pytest.raises(ImageNotFound, match="no longer has the layer sha256:") as caught:
        report("containerd:app:1", platform="linux/arm64")
    assert "discard_unpacked_layers = false" in str(caught.value.hint)
    assert "registry:" in str(caught.value.hint)
    assert caught.value.exit_code == 3


def test_a_name_that_is_not_there_is_reported(root: Path) -> None:
    for name in ("app:2", "nope", "0123456789ab"):
        with pytest.raises(ImageNotFound, match="no namespace has an image"):
            report(f"containerd:{name}")


def test_nothing_is_written_and_a_locked_database_is_read(root: Path) -> None:
    import fcntl

    before = (root / DATABASE).stat().st_mtime_ns
    with (root / DATABASE).open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert report("containerd:app:1")["image"]["source"] == "containerd"
    assert (root / DATABASE).stat().st_mtime_ns == before


def test_a_store_that_is_not_readable_is_exported_by_ctr(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = report("containerd:app:1")
    ARCHIVE.write(tmp_path / "save.tar")
    programs = tmp_path / "bin"
    programs.mkdir()
    ctr = programs / "ctr"
    ctr.write_text(
        "#!/bin/sh\n"
        'case "$*" in *--all-platforms*) echo "content missing" >&2; exit 1;; esac\n'
        f'echo "$*" > {tmp_path}/arguments\ncat {tmp_path}/save.tar\n'
    )
    ctr.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    assert report("containerd:app:1", via="export") == expected
    said = (tmp_path / "arguments").read_text()
    assert said == "--namespace default images export - docker.io/library/app:1\n"
    (root / DATABASE).unlink()
    monkeypatch.setenv("CONTAINERD_NAMESPACE", "moby")
    assert report("containerd:app:1") == expected
    assert (tmp_path / "arguments").read_text().startswith("--namespace moby ")
    with pytest.raises(SourceUnavailable, match=r"no database .*CONTAINERD_ROOT"):
        report("containerd:app:1", via="store")
    ctr.write_text("#!/bin/sh\necho 'no such image' >&2\nexit 1\n")
    with pytest.raises(SourceUnavailable):
        report("containerd:app:1")


def test_a_blob_through_a_link_is_not_read(root: Path, tmp_path: Path) -> None:
    blob = root / "io.containerd.content.v1.content/blobs/sha256" / TOP[7:]
    shutil.move(blob, tmp_path / "outside")
    blob.symlink_to(tmp_path / "outside")
    with pytest.raises(SourceUnavailable, match="not followed"):
        report("containerd:app:1", via="store")


def test_a_bare_name_is_looked_up_in_a_readable_store(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert source.holds_names()
    (root / DATABASE).unlink()
    assert not source.holds_names()


# The database


@pytest.mark.parametrize("inline", [False, True])
@pytest.mark.parametrize("leaf_keys", [1, 2, 300])
@pytest.mark.parametrize("transaction", [6, 7])
def test_every_key_of_a_database_is_found(
    inline: bool, leaf_keys: int, transaction: int, tmp_path: Path
) -> None:
    values = {b"key%d" % number: b"value" * number for number in range(100)}
    tree: Tree = {b"a": values, b"b": {b"c": {b"d": b"e" * 9000}, b"f": {}}, b"g": b"h"}
    path = tmp_path / "db"
    path.write_bytes(Writer(leaf_keys, inline).write(tree, transaction))
    root = opened(path).root()
    a = root.bucket(b"a")
    assert a is not None
    assert {key: a.value(key) for key in values} == values
    assert a.value(b"key") is None
    assert a.value(b"zzz") is None
    assert a.bucket(b"key1") is None
    b = root.bucket(b"b")
    assert b is not None
    assert [key for key, _ in b.buckets()] == [b"c", b"f"]
    c = b.bucket(b"c")
    assert c is not None
    assert c.value(b"d") == b"e" * 9000
    assert root.value(b"g") == b"h"
    assert root.value(b"a") is None


def opened(path: Path) -> Bolt:
    from layerscope.image.blob import Blob, OpenFile

    file = OpenFile(os.open(path, os.O_RDONLY), str(path))
    return Bolt(Blob(file, 0, file.size, str(path)))


def test_a_half_written_meta_page_does_not_count(root: Path) -> None:
    path = root / DATABASE
    data = bytearray(path.read_bytes())
    data[:PAGE] = meta(0, 2, 9, 8)
    data[60] ^= 1
    path.write_bytes(data)
    assert images_named(str(root), "app:1", None)


def set_bytes(position: int, value: bytes) -> Callable[[bytearray], None]:
    def change(data: bytearray) -> None:
        data[position : position + len(value)] = value

    return change


def circle(data: bytearray) -> None:
    """Turn every page of the tree into a branch that leads to itself."""
    for number in range(3, len(data) // PAGE):
        element = struct.pack("<IIQ", 16, 0, number)
        data[number * PAGE : number * PAGE + 32] = struct.pack("<QHHI", number, 1, 1, 0) + element


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.clear(),
        lambda data: data.__delitem__(slice(3 * PAGE, None)),
        lambda data: data.__delitem__(slice(100, None)),
        circle,
        *(set_bytes(PAGE + at, b"\xff\xff") for at in (16, 20, 24, 32, 72)),
    ],
)
def test_a_broken_database_is_an_error(change: Callable[[bytearray], None], root: Path) -> None:
    path = root / DATABASE
    data = bytearray(path.read_bytes())
    data[:PAGE] = bytes(PAGE)
    change(data)
    path.write_bytes(data)
    with pytest.raises(FormatError, match="not a database that layerscope can read") as caught:
        images_named(str(root), "app:1", None)
    assert str(caught.value).isprintable()


@pytest.mark.random
def test_any_change_of_a_database_ends_in_an_answer_or_an_error(root: Path) -> None:
    path = root / DATABASE
    whole = path.read_bytes()
    chosen = random.Random(7)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(chosen.randint(1, 30)):
            data[chosen.randrange(2 * PAGE, len(data))] = chosen.choice((0, 1, 2, 255, 16))
        path.write_bytes(data)
        with suppress(LayerscopeError):
            images_named(str(root), "app:1", None)


def test_a_database_that_changes_while_it_is_read_is_read_again(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, False, True])
    monkeypatch.setattr(Bolt, "unchanged", lambda self: next(answers))
    assert len(images_named(str(root), "app:1", None)) == 2
    monkeypatch.setattr(Bolt, "unchanged", lambda self: False)
    with pytest.raises(SourceUnavailable, match="keeps changing"):
        images_named(str(root), "app:1", None)
