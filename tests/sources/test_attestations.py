"""Attestations find their image, even if a tool changed the manifests' digests but not the references to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from layerscope.sources import open_image
from tests.builder import Archive, BuiltImage, ImageBuilder, encode
from tests.builder.oci import add_attestation, add_image, add_index


def built(architecture: str) -> BuiltImage:
    image = ImageBuilder("app:1", architecture=architecture)
    return image.layer({"a": architecture.encode()}, "RUN a").build()


IMAGES = [built("amd64"), built("arm64"), built("s390x")]
STATEMENTS = [{"predicateType": "x", "number": number} for number in range(len(IMAGES))]


def archive(images: list[int], attested: list[int], *, stale: set[int]) -> Archive:
    """An index of images and of attestations. Those in `stale` name a digest that the index does not have."""
    made = Archive().add_json("oci-layout", {"imageLayoutVersion": "1.0.0"})
    described = {number: add_image(made, IMAGES[number]) for number in range(len(IMAGES))}
    listed: list[dict[str, Any]] = [
        described[number] | {"platform": dict(IMAGES[number].platform)} for number in images
    ]
    for number in attested:
        digest = f"sha256:{number:064}" if number in stale else described[number]["digest"]
        listed.append(add_attestation(made, {"digest": digest}, STATEMENTS[number]))
    index = add_index(made, listed)
    return made.add_json("index.json", {"schemaVersion": 2, "manifests": [index]})


def statements(path: Path, number: int) -> list[bytes]:
    with open_image(
        str(path), platform=f"linux/{IMAGES[number].platform['architecture']}"
    ) as image:
        return [each.blob.read_at(0, each.blob.size) for each in image.attestations]


def test_an_attestation_belongs_to_the_image_that_it_names(tmp_path: Path) -> None:
    path = archive([0, 1, 2], [2, 0, 1], stale=set()).write(tmp_path / "x.tar")
    for number, statement in enumerate(STATEMENTS):
        assert statements(path, number) == [encode(statement)]


def test_attestations_about_old_digests_belong_to_the_images_in_their_order(tmp_path: Path) -> None:
    for stale in ({0, 1, 2}, {1}, {0, 2}):
        path = archive([0, 1, 2], [0, 1, 2], stale=stale).write(tmp_path / "x.tar")
        for number, statement in enumerate(STATEMENTS):
            assert statements(path, number) == [encode(statement)]


def test_an_attestation_that_could_belong_to_several_images_belongs_to_none(tmp_path: Path) -> None:
    path = archive([0, 1, 2], [0, 1], stale={0, 1}).write(tmp_path / "x.tar")
    assert [statements(path, number) for number in range(3)] == [[], [], []]
    path = archive([0, 1], [0, 1, 2], stale={1, 2}).write(tmp_path / "x.tar")
    assert [statements(path, number) for number in range(2)] == [[encode(STATEMENTS[0])], []]
