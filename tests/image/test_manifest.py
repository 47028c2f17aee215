"""Image manifests and their descriptors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from layerscope.errors import FormatError, LimitExceeded, UnsupportedFormat
from layerscope.image import media_type
from layerscope.image.descriptor import Descriptor
from layerscope.image.digest import Digest
from layerscope.image.document import Node, parse_document
from layerscope.image.manifest import Manifest
from layerscope.image.platform import Platform

DIGEST = str(Digest.of(b""))


def node(document: object) -> Node:
    data = json.dumps(document).encode()
    return parse_document(data, "m", max_bytes=1 << 20, max_depth=50)


def descriptor(**fields: Any) -> dict[str, Any]:
    return {"mediaType": media_type.OCI_CONFIG, "digest": DIGEST, "size": 3} | fields


def test_a_manifest_is_read() -> None:
    manifest = Manifest.parse(
        node(
            {
                "schemaVersion": 2,
                "mediaType": media_type.OCI_MANIFEST,
                "config": descriptor(),
                "layers": [descriptor(mediaType="a"), descriptor(mediaType="b", size=9)],
                "annotations": {"k": "v"},
            }
        ),
        max_layers=5,
    )
    assert [layer.media_type for layer in manifest.layers] == ["a", "b"]
    assert [layer.size for layer in manifest.layers] == [3, 9]
    assert manifest.annotations == (("k", "v"),)
    assert manifest.is_image


def test_a_descriptor_is_read() -> None:
    found = Descriptor.parse(
        node(
            descriptor(
                platform={"os": "linux", "architecture": "arm", "variant": "v7"},
                annotations={
                    "vnd.docker.reference.type": "attestation-manifest",
                    "vnd.docker.reference.digest": DIGEST,
                },
                urls=["https://example.com/layer"],
            )
        )
    )
    assert found.platform == Platform("linux", "arm", "v7")
    assert found.is_attestation
    assert str(found.attests) == DIGEST
    assert found.has_urls


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"digest": "sha256:../../x"}, "m: digest: 'sha256:../../x' is not a digest"),
        ({"digest": None}, "m: digest: is missing"),
        ({"size": -1}, "m: size: -1 is out of range"),
        ({"size": 2**63}, "m: size: 9223372036854775808 is out of range"),
        ({"size": 1.5}, "m: size: expected a whole number, found a number"),
        ({"mediaType": 1}, "m: mediaType: expected text, found a number"),
        ({"platform": "linux/amd64"}, "m: platform: expected an object, found text"),
        ({"annotations": []}, "m: annotations: expected an object, found a list"),
    ],
)
def test_broken_descriptors_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(FormatError) as caught:
        Descriptor.parse(node(descriptor(**fields)))
    assert message in str(caught.value)


def test_a_schema_1_manifest_is_refused_by_name() -> None:
    with pytest.raises(UnsupportedFormat, match="schema 1"):
        Manifest.parse(node({"schemaVersion": 1, "fsLayers": [], "history": []}), max_layers=5)


def test_the_number_of_layers_is_limited() -> None:
    document = {"config": descriptor(), "layers": [descriptor()] * 6}
    with pytest.raises(LimitExceeded, match="names 6 layers, more than the 5 allowed"):
        Manifest.parse(node(document), max_layers=5)


def test_an_artifact_is_not_an_image() -> None:
    helm = {"config": descriptor(mediaType="application/vnd.cncf.helm.config.v1+json")}
    assert not Manifest.parse(node(helm), max_layers=5).is_image


@pytest.mark.parametrize(
    ("name", "is_tar", "words"),
    [
        ("application/vnd.oci.image.layer.v1.tar", True, ""),
        ("application/vnd.oci.image.layer.v1.tar+gzip", True, ""),
        ("application/vnd.oci.image.layer.v1.tar+zstd", True, ""),
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", True, ""),
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", True, ""),
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", True, ""),
        ("application/vnd.docker.image.rootfs.diff.tar", True, ""),
        ("", True, ""),
        ("application/vnd.oci.image.layer.v1.tar+gzip+encrypted", False, "encrypted"),
        ("application/vnd.in-toto+json", False, "an attestation"),
        ("application/vnd.cncf.helm.chart.content.v1.tar+gzip", False, "a Helm chart"),
        ("application/vnd.wasm.content.layer.v1+wasm", False, "WebAssembly"),
        ("application/x-thing", False, "of an unknown media type"),
    ],
)
def test_the_media_type_says_whether_a_layer_is_a_tar(name: str, is_tar: bool, words: str) -> None:
    assert media_type.is_tar_layer(name) is is_tar
    if not is_tar:
        assert media_type.describe(name) == words
