"""`manifest.json` next to an OCI index: when the two disagree, the config's diff_ids decide."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import layerscope
from layerscope.errors import DigestMismatch, FormatError
from layerscope.sources import open_image
from tests.builder import Archive, ImageBuilder, containerd_store, docker_oci, encode, oci

ONE = (
    ImageBuilder("app:1")
    .layer({"a": b"x" * 100}, "COPY a /")
    .layer({"b": b"y" * 200}, "RUN b")
    .layer({"a": b"z" * 300}, "COPY a2 /a")
    .build()
)
TWO = ImageBuilder("app:2").layer({"a": b"other"}, "RUN other").build()
Change = Callable[[dict[str, Any]], Any]


def turned(entry: dict[str, Any], key: str = "layers") -> None:
    """Move the last of three layers to the front, so that every layer is out of place."""
    entry[key] = [entry[key][2], *entry[key][:2]]


def with_manifest(archive: Archive, change: Change) -> Archive:
    """The archive with its only OCI manifest changed, and with it the index that lists it."""
    index = json.loads(archive["index.json"])
    (listed,) = index["manifests"]
    path = "blobs/" + listed["digest"].replace(":", "/")
    manifest = json.loads(archive[path])
    change(manifest)
    archive.remove(path)
    listed |= archive.add_blob(encode(manifest), listed["mediaType"])
    return archive.replace("index.json", encode(index))


def with_entry(archive: Archive, change: Change) -> Archive:
    (entry,) = json.loads(archive["manifest.json"])
    change(entry)
    return archive.replace("manifest.json", encode([entry]))


def without_manifests(archive: Archive) -> Archive:
    return archive.replace("index.json", encode({"schemaVersion": 2, "manifests": None}))


def larger(manifest: dict[str, Any]) -> None:
    manifest["layers"][1]["size"] += 1


BROKEN_INDEX: dict[str, Callable[[], Archive]] = {
    "manifests is null": lambda: without_manifests(docker_oci([ONE])),
    "no layers": lambda: with_manifest(docker_oci([ONE]), lambda m: m.update(layers=[])),
    "layers is null": lambda: with_manifest(docker_oci([ONE]), lambda m: m.update(layers=None)),
    "one layer less": lambda: with_manifest(docker_oci([ONE]), lambda m: m["layers"].pop()),
    "another order": lambda: with_manifest(docker_oci([ONE]), turned),
    "wrong size": lambda: with_manifest(docker_oci([ONE]), larger),
    "compressed, another order": lambda: with_manifest(oci_and_manifest("gzip"), turned),
}


def oci_and_manifest(compression: str) -> Archive:
    archive = oci([ONE], compression)
    entry = containerd_store([ONE], compression)["manifest.json"]
    return archive.add("manifest.json", entry)


def live(reference: str, **options: Any) -> tuple[int, list[str]]:
    with open_image(reference) as image:
        analysis = layerscope.analyze(image, **options)
    return analysis.sizes.live, [note.code for note in analysis.notes]


@pytest.mark.parametrize("scheme", ["", "docker-archive:"])
@pytest.mark.parametrize("kind", BROKEN_INDEX)
def test_manifest_json_is_used_if_the_index_does_not_fit(
    tmp_path: Path, kind: str, scheme: str
) -> None:
    path = BROKEN_INDEX[kind]().write(tmp_path / "x.tar")
    assert live(f"{scheme}{path}", verify="full") == (500, ["archive-document-unfit"])


@pytest.mark.parametrize("kind", BROKEN_INDEX)
def test_a_named_index_that_does_not_fit_is_refused(tmp_path: Path, kind: str) -> None:
    path = BROKEN_INDEX[kind]().write(tmp_path / "x.tar")
    with pytest.raises(FormatError) as caught:
        live(f"oci-archive:{path}")
    assert caught.value.exit_code == 4
    assert "write docker-archive: before the path" in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        lambda entry: turned(entry, "Layers"),
        lambda entry: entry["Layers"].pop(),
        lambda entry: entry.update(Layers=["gone", *entry["Layers"][1:]]),
    ],
)
@pytest.mark.parametrize("scheme", ["", "oci-archive:"])
def test_the_index_is_used_if_manifest_json_does_not_fit(
    tmp_path: Path, change: Change, scheme: str
) -> None:
    path = with_entry(docker_oci([ONE]), change).write(tmp_path / "x.tar")
    assert live(f"{scheme}{path}", verify="full") == (500, ["archive-document-unfit"])
    with pytest.raises(FormatError, match="write oci-archive: before the path"):
        open_image(f"docker-archive:{path}")


def test_manifest_json_with_compressed_layers_in_another_order_is_ignored(tmp_path: Path) -> None:
    archive = with_entry(oci_and_manifest("zstd"), lambda entry: turned(entry, "Layers"))
    path = archive.write(tmp_path / "x.tar")
    assert live(str(path), verify="full")[0] == 500


@pytest.mark.parametrize("scheme", ["", "docker-archive:", "oci-archive:"])
def test_an_archive_is_refused_if_neither_document_fits(tmp_path: Path, scheme: str) -> None:
    archive = with_manifest(docker_oci([ONE]), turned)
    path = with_entry(archive, lambda entry: turned(entry, "Layers")).write(tmp_path / "x.tar")
    with pytest.raises(
        FormatError, match="in a different order than its config's diff_ids"
    ) as caught:
        open_image(f"{scheme}{path}")
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("form", ["archive", "folder"])
def test_uncompressed_layers_in_the_wrong_order_are_refused_before_they_are_read(
    tmp_path: Path, form: str
) -> None:
    archive = with_manifest(oci([ONE], "none"), turned)
    path = (archive.write if form == "archive" else archive.write_folder)(tmp_path / "x")
    with pytest.raises(FormatError, match=r"layer 0 is sha256:.*, not sha256:"):
        open_image(str(path))


def test_an_uncompressed_layer_of_another_image_is_refused(tmp_path: Path) -> None:
    archive = oci([ONE], "none")
    stranger = archive.add_blob(TWO.layers[0].tar, "application/vnd.oci.image.layer.v1.tar")
    with_manifest(archive, lambda manifest: manifest["layers"].__setitem__(1, stranger))
    with pytest.raises(FormatError, match="that its config does not list: layer 1"):
        open_image(str(archive.write(tmp_path / "x.tar")))


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_compressed_layers_in_the_wrong_order_are_refused_with_verify(
    tmp_path: Path, compression: str
) -> None:
    path = with_manifest(oci([ONE], compression), turned).write(tmp_path / "x.tar")
    with pytest.raises(DigestMismatch, match="the bytes have diff_id"):
        live(str(path), verify="full")


def test_documents_that_agree_give_digests_and_no_note(tmp_path: Path) -> None:
    for scheme in ("", "docker-archive:", "oci-archive:"):
        with open_image(f"{scheme}{oci_and_manifest('gzip').write(tmp_path / 'x.tar')}") as image:
            assert image.manifest_digest is not None
            assert all(layer.digest != layer.diff_id for layer in image.layers)
            assert image.notes == ()


def test_the_scheme_chooses_if_the_documents_name_different_images(tmp_path: Path) -> None:
    archive, other = docker_oci([ONE]), docker_oci([TWO])
    archive.replace("manifest.json", other["manifest.json"])
    for name in other:
        if name not in archive:
            archive.add(name, other[name])
    path = archive.write(tmp_path / "x.tar")
    for scheme, found in (("docker-archive", TWO), ("oci-archive", ONE)):
        with open_image(f"{scheme}:{path}") as image:
            assert str(image.config_digest) == found.config_digest
            assert "archive-indexes-disagree" in [note.code for note in image.notes]
