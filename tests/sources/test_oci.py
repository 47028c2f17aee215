"""OCI image layouts in folders and archives: which image, platform, and blobs are read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from layerscope.errors import (
    AmbiguousImage,
    DigestMismatch,
    FormatError,
    ImageNotFound,
    LayerscopeError,
    LimitExceeded,
    UnsupportedFormat,
)
from layerscope.image.image import Image
from layerscope.image.platform import Platform
from layerscope.limits import Limits
from layerscope.sources import open_image
from tests.builder import (
    Archive,
    BuiltImage,
    ImageBuilder,
    containerd_store,
    digest_of,
    encode,
    oci,
)
from tests.builder.oci import CONFIG, INDEX, LAYER, MANIFEST, REF_NAME, add_image, add_index

Document = dict[str, Any]
HOST = Platform.of_host()
OTHER = "s390x" if HOST.architecture != "s390x" else "ppc64le"


def built(*tags: str, content: bytes = b"x", **platform: Any) -> BuiltImage:
    platform.setdefault("architecture", HOST.architecture)
    return ImageBuilder(*tags, **platform).layer({"a": content}, "RUN a").build()


ONE = built("app:1", content=b"one")
TWO = built("app:2", content=b"two")
FOREIGN = built("app:1", content=b"foreign", architecture=OTHER)


def opened(tmp_path: Path, archive: Archive, **options: Any) -> Image:
    return open_image(str(archive.write(tmp_path / "x.tar")), **options)


def layout(*manifests: Mapping[str, Any]) -> Archive:
    archive = Archive().add_json("oci-layout", {"imageLayoutVersion": "1.0.0"})
    return archive.add_json("index.json", {"schemaVersion": 2, "manifests": list(manifests)})


def listing(archive: Archive, *manifests: Mapping[str, Any]) -> Archive:
    return archive.replace("index.json", encode({"schemaVersion": 2, "manifests": manifests}))


def named(descriptor: Mapping[str, Any], name: str) -> Document:
    return dict(descriptor) | {"annotations": {REF_NAME: name}}


def for_platform(descriptor: Mapping[str, Any], image: BuiltImage, **more: str) -> Document:
    return dict(descriptor) | {"platform": dict(image.platform) | more}


@pytest.mark.parametrize("form", ["flat", "index", "nested"])
def test_an_image_is_found_at_any_depth(tmp_path: Path, form: Any) -> None:
    archive = oci([ONE], "gzip", form, attestations=form != "flat")
    folder = archive.write_folder(tmp_path / "folder")
    for image in (opened(tmp_path, archive), open_image(str(folder))):
        with image:
            assert image.tags == ("app:1",)
            assert str(image.config_digest) == ONE.config_digest
            blob = ONE.layers[0].compressed("gzip")
            (layer,) = image.layers
            assert str(layer.digest) == digest_of(blob)
            assert layer.size == len(blob)
            assert layer.blob is not None
            assert layer.blob.read_at(0, layer.blob.size) == blob
            assert [one.predicate_type for one in image.attestations] == (
                [] if form == "flat" else ["https://slsa.dev/provenance/v0.2"]
            )
            assert not image.notes


def test_several_tags_of_one_image_are_one_image(tmp_path: Path) -> None:
    image = BuiltImage(ONE.layers, ONE.config, ("app:1", "app:latest", "other:1"), ONE.platform)
    with opened(tmp_path, oci([image])) as found:
        assert found.tags == ("app:1", "app:latest", "other:1")


def test_you_must_choose_one_of_several_images(tmp_path: Path) -> None:
    archive = oci([ONE, TWO])
    with pytest.raises(AmbiguousImage, match=r"holds 2 images: 'app:1' .*, 'app:2' .*--tag"):
        opened(tmp_path, archive)
    manifest = json.loads(archive["index.json"])["manifests"][1]["digest"]
    for tag in ("app:2", "2", manifest, TWO.config_digest, TWO.config_digest[7:19]):
        with opened(tmp_path, archive, tag=tag) as image:
            assert image.tags == ("app:2",)
    with open_image(f"oci-archive:{tmp_path}/x.tar:app:1") as image:
        assert image.tags == ("app:1",)
    with pytest.raises(ImageNotFound, match="holds no image 'app:3', only 'app:1', 'app:2'"):
        opened(tmp_path, archive, tag="app:3")


def test_a_tag_in_the_reference_that_contradicts_the_option_is_refused(tmp_path: Path) -> None:
    folder = oci([ONE, TWO]).write_folder(tmp_path / "f")
    with open_image(f"oci:{folder}:app:1", tag="app:1") as image:
        assert image.tags == ("app:1",)
    with pytest.raises(LayerscopeError, match="names the tag 'app:1', but --tag names 'app:2'"):
        open_image(f"oci:{folder}:app:1", tag="app:2")


def test_two_images_with_one_name_are_listed_with_their_digests(tmp_path: Path) -> None:
    archive = layout()
    first, second = add_image(archive, ONE), add_image(archive, TWO)
    listing(archive, named(first, "same"), named(second, "same"))
    with pytest.raises(AmbiguousImage) as caught:
        opened(tmp_path, archive, tag="same")
    assert str(first["digest"]) in str(caught.value)
    with opened(tmp_path, archive, tag=str(second["digest"])) as image:
        assert str(image.config_digest) == TWO.config_digest


def test_the_default_is_the_platform_of_the_host(tmp_path: Path) -> None:
    archive = oci([FOREIGN, ONE], "gzip", "index", attestations=True)
    with opened(tmp_path, archive) as image:
        assert image.platform == HOST
        assert len(image.attestations) == 1
        assert [note.code for note in image.notes] == ["platform-chosen"]
        assert f"linux/{OTHER}" in image.notes[0].message
    with opened(tmp_path, archive, platform=f"linux/{OTHER}") as image:
        assert str(image.config_digest) == FOREIGN.config_digest
        assert image.notes == ()
    with pytest.raises(ImageNotFound, match="holds no image for linux/riscv64, only") as caught:
        opened(tmp_path, archive, platform="linux/riscv64")
    assert caught.value.hint == "pick another with --platform"


def test_the_platforms_are_listed_if_none_fits_the_host(tmp_path: Path) -> None:
    arm = [built("x:1", content=v.encode(), architecture="mips", variant=v) for v in ("v1", "v2")]
    archive = oci(arm, "gzip", "index")
    with pytest.raises(AmbiguousImage) as caught:
        opened(tmp_path, archive)
    assert "linux/mips/v1" in str(caught.value)
    assert "choose one with --platform" in str(caught.value)
    with opened(tmp_path, archive, platform="linux/mips/v2") as image:
        assert image.platform.variant == "v2"


def test_platforms_come_from_the_configs_if_the_index_has_none(tmp_path: Path) -> None:
    archive = layout()
    listing(archive, add_image(archive, FOREIGN), add_image(archive, ONE))
    with opened(tmp_path, archive) as image:
        assert image.platform == HOST
    with opened(tmp_path, archive, platform=f"linux/{OTHER}") as image:
        assert image.platform.architecture == OTHER


def test_two_images_for_one_platform_are_ambiguous(tmp_path: Path) -> None:
    archive = layout()
    entries = [for_platform(add_image(archive, image), image) for image in (ONE, TWO)]
    listing(archive, *entries)
    with pytest.raises(AmbiguousImage, match="holds 2 images"):
        opened(tmp_path, archive, platform=str(HOST))


def test_an_index_that_contradicts_the_config_gets_a_note(tmp_path: Path) -> None:
    archive = layout()
    listing(archive, for_platform(add_image(archive, ONE), ONE, architecture=OTHER))
    with opened(tmp_path, archive) as image:
        assert [note.code for note in image.notes] == ["platform-mismatch"]
        assert image.platform == HOST


def test_a_platform_that_was_not_pulled_is_not_offered(tmp_path: Path) -> None:
    archive = containerd_store([ONE, FOREIGN])
    (index,) = json.loads(archive["index.json"])["manifests"]
    document = json.loads(archive["blobs/" + index["digest"].replace(":", "/")])
    missing = document["manifests"][1]
    archive.remove("blobs/" + missing["digest"].replace(":", "/"))
    with opened(tmp_path, archive) as image:
        assert image.platform == HOST
        assert image.source == "docker-archive"
    with pytest.raises(ImageNotFound, match=r"lists an image for .* but does not hold it"):
        opened(tmp_path, archive, platform=f"linux/{OTHER}")
    with pytest.raises(FormatError, match=r"has none of the manifests that its index lists \(1\)"):
        opened(tmp_path, listing(layout(), missing))


def nested(depth: int) -> Archive:
    archive = layout()
    descriptor: Mapping[str, Any] = add_image(archive, ONE)
    for _ in range(depth):
        descriptor = add_index(archive, [descriptor])
    return listing(archive, descriptor)


def test_the_nesting_of_indexes_is_bounded(tmp_path: Path) -> None:
    with opened(tmp_path, nested(7)) as image:
        assert str(image.config_digest) == ONE.config_digest
    with pytest.raises(LimitExceeded, match="nests indexes deeper than the 8 allowed"):
        opened(tmp_path, nested(8))


def test_many_paths_to_one_index_are_walked_once(tmp_path: Path) -> None:
    """Seven indexes that each list the next one fifty times: 50^7 paths, but only 7 documents."""
    archive = layout()
    descriptor: Mapping[str, Any] = add_image(archive, ONE)
    for _ in range(7):
        descriptor = add_index(archive, [descriptor] * 50)
    with opened(tmp_path, listing(archive, descriptor)) as image:
        assert str(image.config_digest) == ONE.config_digest


def tampered(name: str, data: bytes) -> Archive:
    archive = oci([ONE], "gzip", "index")
    descriptors = {"index": json.loads(archive["index.json"])["manifests"][0]}
    path = "blobs/" + descriptors["index"]["digest"].replace(":", "/")
    descriptors["manifest"] = json.loads(archive[path])["manifests"][0]
    manifest = json.loads(archive["blobs/" + descriptors["manifest"]["digest"].replace(":", "/")])
    descriptors["config"] = manifest["config"]
    descriptors["layer"] = manifest["layers"][0]
    at = "blobs/" + descriptors[name]["digest"].replace(":", "/")
    if not data:
        return archive.remove(at)
    return archive.replace(
        at, data.ljust(len(archive[at])) if data != b"longer" else archive[at] + b" "
    )


@pytest.mark.parametrize("name", ["index", "manifest", "config"])
def test_documents_are_checked_against_their_digests(tmp_path: Path, name: str) -> None:
    with pytest.raises(DigestMismatch, match=r"has the digest sha256:.*, not sha256:"):
        opened(tmp_path, tampered(name, b"{}"))
    with pytest.raises(FormatError, match=r"has [0-9]+ bytes, but its descriptor says [0-9]+"):
        opened(tmp_path, tampered(name, b"longer"))


@pytest.mark.parametrize("name", ["index", "manifest", "config", "layer"])
def test_a_missing_blob_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(
        FormatError, match=r"is missing|has none of the manifests that its index lists"
    ):
        opened(tmp_path, tampered(name, b""))


def test_a_layer_with_the_wrong_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match=r"the layer sha256:.*, but its descriptor says"):
        opened(tmp_path, tampered("layer", b"longer"))


def with_layer(media_type: str, *, stored: bool = True, **fields: Any) -> Archive:
    archive = layout()
    data = b"layer bytes"
    layer = (
        archive.add_blob(data, media_type)
        if stored
        else {"mediaType": media_type, "digest": digest_of(data), "size": 11}
    )
    config = {
        "architecture": HOST.architecture,
        "os": "linux",
        "rootfs": {"diff_ids": [digest_of(data)]},
    }
    manifest = {"config": archive.add_blob(encode(config), CONFIG), "layers": [layer | fields]}
    return listing(archive, archive.add_blob(encode(manifest), MANIFEST))


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
    ],
)
def test_a_foreign_layer_can_be_absent(tmp_path: Path, media_type: str) -> None:
    with opened(tmp_path, with_layer(media_type, stored=False)) as image:
        (layer,) = image.layers
        assert layer.blob is None
        assert layer.size == 11
        assert "layer-not-in-archive" in {note.code for note in image.notes}
    with opened(tmp_path, with_layer(media_type)) as image:
        assert image.layers[0].blob is not None


def test_a_layer_with_urls_is_never_fetched(tmp_path: Path) -> None:
    urls = ["http://127.0.0.1:9/layer"]
    with opened(tmp_path, with_layer(LAYER, stored=False, urls=urls)) as image:
        assert image.layers[0].blob is None
    with pytest.raises(FormatError, match=r"the layer sha256:.* is missing"):
        opened(tmp_path, with_layer(LAYER, stored=False))


@pytest.mark.parametrize(
    ("media_type", "word"),
    [
        ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", "encrypted"),
        ("application/vnd.in-toto+json", "an attestation"),
        ("application/vnd.wasm.content.layer.v1+wasm", "WebAssembly"),
        ("application/x-unheard-of", "of an unknown media type"),
    ],
)
def test_a_layer_that_is_not_a_tar_is_kept_and_gets_a_note(
    tmp_path: Path, media_type: str, word: str
) -> None:
    with opened(tmp_path, with_layer(media_type)) as image:
        (note,) = [note for note in image.notes if note.code == "layer-not-tar"]
        assert word in note.message
        assert note.layer == 0
        assert image.layers[0].size == 11


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        (
            {"config": {"mediaType": "application/vnd.cncf.helm.config.v1+json"}},
            UnsupportedFormat,
            "an artifact",
        ),
        ({"manifests": []}, FormatError, "both `manifests` and `layers`"),
        ({"mediaType": INDEX}, FormatError, "calls itself"),
        ({"fsLayers": []}, UnsupportedFormat, "schema 1"),
        ({"config": None}, FormatError, "config: is missing"),
        ({"layers": {}}, FormatError, "layers: expected a list, found an object"),
        ({"layers": [{"digest": "sha256:../../x", "size": 1}]}, FormatError, "is not a digest"),
    ],
)
def test_a_manifest_that_is_not_an_image_is_refused(
    tmp_path: Path, change: Document, kind: type[LayerscopeError], message: str
) -> None:
    archive = layout()
    descriptor = add_image(archive, ONE)
    manifest = json.loads(archive["blobs/" + str(descriptor["digest"]).replace(":", "/")])
    if isinstance(change.get("config"), dict):
        change = change | {"config": manifest["config"] | change["config"]}
    archive_with = archive.add_blob(encode(manifest | change), MANIFEST)
    with pytest.raises(kind) as caught:
        opened(tmp_path, listing(archive, archive_with))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (b"", "is not JSON"),
        (b"null", "expected an object, found null"),
        (b"[]", "expected an object, found a list"),
        (b"{}", "index.json does not list an image"),
        (b'{"manifests":[]}', "index.json does not list an image"),
        (b'{"manifests":null}', "index.json does not list an image"),
        (
            b'{"manifests":[{"digest":"md5:00","size":1}]}',
            "manifests[0].digest: 'md5:00' is not a digest",
        ),
        (b'{"manifests":[],"layers":[]}', "both `manifests` and `layers`"),
        (b'{"manifests":[],"Manifests":[]}', "differ only in case"),
    ],
)
def test_a_broken_index_is_refused(tmp_path: Path, index: bytes, message: str) -> None:
    with pytest.raises(FormatError) as caught:
        opened(tmp_path, oci([ONE]).replace("index.json", index))
    assert message in str(caught.value)


def test_an_unknown_layout_version_is_refused(tmp_path: Path) -> None:
    archive = oci([ONE])
    with opened(tmp_path, oci([ONE]).remove("oci-layout")) as image:
        assert [note.code for note in image.notes] == ["oci-layout-missing"]
    with pytest.raises(UnsupportedFormat, match=r"layout of version '2.0.0', not 1"):
        opened(tmp_path, archive.replace("oci-layout", b'{"imageLayoutVersion":"2.0.0"}'))


def test_ten_thousand_manifests_are_walked(tmp_path: Path) -> None:
    archive = layout()
    descriptor = add_image(archive, ONE)
    absent = [
        {"mediaType": MANIFEST, "digest": digest_of(str(n).encode()), "size": 1}
        for n in range(10_000)
    ]
    with opened(tmp_path, listing(archive, *absent, descriptor)) as image:
        assert str(image.config_digest) == ONE.config_digest
    with pytest.raises(LimitExceeded, match="bytes, more than the 1000 allowed"):
        open_image(str(tmp_path / "x.tar"), limits=Limits(index_bytes=1000))


def test_an_unreadable_attestation_gets_a_note(tmp_path: Path) -> None:
    archive = oci([ONE], "gzip", "index", attestations=True)
    (index,) = json.loads(archive["index.json"])["manifests"]
    document = json.loads(archive["blobs/" + index["digest"].replace(":", "/")])
    archive.remove("blobs/" + document["manifests"][1]["digest"].replace(":", "/"))
    with opened(tmp_path, archive) as image:
        assert image.attestations == ()
        assert [note.code for note in image.notes] == ["attestation-unreadable"]


# Folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return oci([ONE]).write_folder(tmp_path / "layout")


def layer_file(folder: Path) -> Path:
    digest = digest_of(ONE.layers[0].compressed("gzip"))
    return folder / "blobs" / digest.replace(":", "/")


@pytest.mark.parametrize("what", ["index.json", "oci-layout", "layer", "blobs", "blobs/sha256"])
def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path, folder: Path, what: str) -> None:
    path = layer_file(folder) if what == "layer" else folder / what
    path.rename(tmp_path / "moved")
    path.symlink_to(tmp_path / "moved")
    with pytest.raises(
        FormatError, match="is a link or is not a regular file, and is not followed"
    ):
        open_image(f"oci-dir:{folder}")


@pytest.mark.parametrize("what", ["index.json", "oci-layout", "layer"])
def test_only_regular_files_are_opened(folder: Path, what: str) -> None:
    path = layer_file(folder) if what == "layer" else folder / what
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(FormatError, match="not a regular file"):
        open_image(f"oci-dir:{folder}")
    path.unlink()
    path.mkdir()
    with pytest.raises(FormatError, match="not a regular file"):
        open_image(f"oci-dir:{folder}")


def test_closing_an_image_closes_the_files_of_its_folder(folder: Path) -> None:
    before = os.listdir("/proc/self/fd")
    with open_image(str(folder)) as image:
        assert len(os.listdir("/proc/self/fd")) > len(before)
        assert image.source == "oci-dir"
    assert os.listdir("/proc/self/fd") == before
    (folder / "index.json").write_text("{}")
    with pytest.raises(FormatError):
        open_image(str(folder))
    assert os.listdir("/proc/self/fd") == before


def test_a_link_to_a_folder_is_followed(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "link").symlink_to(folder)
    with open_image(f"oci:{tmp_path}/link:app:1") as image:
        assert image.tags == ("app:1",)


def test_a_folder_that_is_not_a_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedFormat, match=r"a folder without index.json"):
        open_image(f"oci-dir:{tmp_path}")
    with pytest.raises(UnsupportedFormat, match="is a folder, not an archive; write oci-dir:"):
        open_image(f"oci-archive:{tmp_path}")
    with pytest.raises(ImageNotFound, match="no such folder"):
        open_image(f"oci-dir:{tmp_path}/gone")
    (tmp_path / "file").touch()
    with pytest.raises(LayerscopeError):
        open_image(f"oci-dir:{tmp_path}/file")
