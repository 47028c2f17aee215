"""skopeo's `dir:` and podman's `docker-dir`: folders without an index."""

from __future__ import annotations

from pathlib import Path

import pytest

import layerscope
from layerscope.errors import DigestMismatch, FormatError, ImageNotFound, UnsupportedFormat
from layerscope.image.platform import Platform
from layerscope.sources import open_image
from tests.builder import ImageBuilder, digest_of, docker_legacy
from tests.builder.directory import directory
from tests.builder.tools import skopeo_copy

ONE = ImageBuilder("app:1").layer({"a": b"one"}, "RUN one").layer({"b": b"two"}, "RUN two").build()
HOST = Platform.of_host()


@pytest.mark.parametrize("scheme", ["", "dir:", "dir://", "docker-dir:"])
def test_a_folder_is_read_by_path_and_by_scheme(tmp_path: Path, scheme: str) -> None:
    folder = directory([ONE]).write_folder(tmp_path / "app")
    with open_image(f"{scheme}{folder}") as image:
        assert (image.source, image.tags) == ("dir", ())
        assert str(image.manifest_digest) == digest_of((folder / "manifest.json").read_bytes())
        assert [str(layer.diff_id) for layer in image.layers] == [
            layer.diff_id for layer in ONE.layers
        ]
        assert image.notes == ()


def test_a_bare_name_finds_a_folder_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory([ONE]).write_folder(tmp_path / "app")
    monkeypatch.chdir(tmp_path)
    with open_image("app") as image:
        assert len(image.layers) == 2


def test_layers_named_tar_as_in_the_old_form_are_read(tmp_path: Path) -> None:
    folder = directory([ONE], "none").write_folder(tmp_path / "app")
    for layer in ONE.layers:
        (folder / layer.diff_id[7:]).rename(folder / f"{layer.diff_id[7:]}.tar")
    with open_image(str(folder)) as image:
        assert [layer.blob and layer.blob.size for layer in image.layers] == [
            len(layer.tar) for layer in ONE.layers
        ]


def test_a_list_of_manifests_offers_its_platforms(tmp_path: Path) -> None:
    other = "s390x" if HOST.architecture != "s390x" else "ppc64le"
    images = [
        ImageBuilder("x:1", architecture=name).layer({"a": name.encode()}, "RUN a").build()
        for name in (HOST.architecture, other)
    ]
    folder = directory(images).write_folder(tmp_path / "all")
    with open_image(f"dir:{folder}", platform=f"linux/{other}") as image:
        assert str(image.config_digest) == images[1].config_digest
    with open_image(f"dir:{folder}") as image:
        assert str(image.config_digest) == images[0].config_digest
        assert [note.code for note in image.notes] == ["platform-chosen"]


def test_a_folder_in_another_form_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageNotFound, match="no such folder"):
        open_image(f"dir:{tmp_path}/gone")
    with pytest.raises(UnsupportedFormat, match=r"a folder without manifest\.json"):
        open_image(f"dir:{tmp_path}")
    folder = docker_legacy([ONE]).write_folder(tmp_path / "unpacked")
    with pytest.raises(UnsupportedFormat, match="an unpacked docker-archive; pack it with `tar -C"):
        open_image(str(folder))


def test_a_blob_that_is_missing_changed_or_a_link_is_refused(tmp_path: Path) -> None:
    folder = directory([ONE], "none").write_folder(tmp_path / "app")
    layer, config = folder / ONE.layers[0].diff_id[7:], folder / ONE.config_digest[7:]
    layer.rename(tmp_path / "away")
    with pytest.raises(FormatError, match=r"the layer sha256:.* is missing"):
        open_image(str(folder))
    layer.symlink_to(tmp_path / "away")
    with pytest.raises(FormatError, match="is a link"):
        open_image(str(folder))
    layer.unlink()
    (tmp_path / "away").rename(layer)
    config.write_bytes(ONE.config[:-1] + b" ")
    with pytest.raises(DigestMismatch, match="has the digest"):
        open_image(str(folder))


@pytest.mark.parametrize("kind", ["oci", "v2s2"])
def test_what_skopeo_writes_is_read(tmp_path: Path, kind: str) -> None:
    path = docker_legacy([ONE]).write(tmp_path / "app.tar")
    skopeo_copy(f"docker-archive:{path}", f"dir:{tmp_path}/out", "--format", kind)
    with open_image(f"dir:{tmp_path}/out") as image:
        assert [str(layer.diff_id) for layer in image.layers] == [
            layer.diff_id for layer in ONE.layers
        ]
        assert layerscope.analyze(image, verify="full").sizes.live == 6


def test_a_zstd_chunked_layer_from_skopeo_has_no_notes(tmp_path: Path) -> None:
    path = docker_legacy([ONE]).write(tmp_path / "app.tar")
    skopeo_copy(
        f"docker-archive:{path}", f"oci:{tmp_path}/out", "--dest-compress-format", "zstd:chunked"
    )
    with open_image(f"oci:{tmp_path}/out") as image:
        analysis = layerscope.analyze(image)
    assert {layer.compression for layer in analysis.layers} == {"zstd"}
    assert (analysis.sizes.live, analysis.notes) == (6, ())
