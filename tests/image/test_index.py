"""Image indexes, and documents that readers would interpret differently."""

from __future__ import annotations

import json
from typing import Any

import pytest

from layerscope.errors import FormatError
from layerscope.image.digest import Digest
from layerscope.image.document import Node, parse_document
from layerscope.image.index import Index, parse_index_or_manifest
from layerscope.image.manifest import Manifest
from layerscope.image.media_type import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST

ENTRY: dict[str, Any] = {"mediaType": "x", "digest": str(Digest.of(b"")), "size": 0}
INDEX = {"schemaVersion": 2, "manifests": [ENTRY]}
MANIFEST = {"schemaVersion": 2, "config": ENTRY, "layers": [ENTRY]}


def node(document: object) -> Node:
    data = json.dumps(document).encode()
    return parse_document(data, "doc", max_bytes=1 << 20, max_depth=50)


@pytest.mark.parametrize("expected", ["", OCI_INDEX, DOCKER_INDEX])
def test_an_index_is_read(expected: str) -> None:
    found = parse_index_or_manifest(node(INDEX), expected, max_layers=9)
    assert isinstance(found, Index)
    assert [str(entry.digest) for entry in found.manifests] == [ENTRY["digest"]]


@pytest.mark.parametrize("expected", ["", OCI_MANIFEST, DOCKER_MANIFEST])
def test_a_manifest_is_read(expected: str) -> None:
    assert isinstance(parse_index_or_manifest(node(MANIFEST), expected, max_layers=9), Manifest)


def test_docker_and_oci_media_types_are_equivalent() -> None:
    document = MANIFEST | {"mediaType": DOCKER_MANIFEST}
    assert isinstance(parse_index_or_manifest(node(document), OCI_MANIFEST, max_layers=9), Manifest)


@pytest.mark.parametrize(
    ("document", "expected", "message"),
    [
        (INDEX | MANIFEST, "", "both `manifests` and `layers`"),
        (INDEX | {"fsLayers": []}, OCI_INDEX, "both `manifests` and `layers`"),
        (INDEX | {"Layers": []}, "", "both `manifests` and `layers`"),
        (INDEX | {"mediaType": OCI_MANIFEST}, "", "is called a manifest"),
        (INDEX, OCI_MANIFEST, "is called a manifest"),
        (MANIFEST | {"mediaType": OCI_INDEX}, "", "is called an index"),
        (MANIFEST, DOCKER_INDEX, "is called an index"),
        (MANIFEST | {"mediaType": OCI_MANIFEST}, OCI_INDEX, "calls itself"),
        ({"schemaVersion": 2}, "", "config: is missing"),
        ([], "", "expected an object, found a list"),
        (None, "", "expected an object, found null"),
        ({"manifests": {}}, "", "manifests: expected a list, found an object"),
        ({"manifests": [1]}, "", "manifests[0]: expected an object, found a number"),
    ],
)
def test_an_ambiguous_or_broken_document_is_refused(
    document: object, expected: str, message: str
) -> None:
    with pytest.raises(FormatError) as caught:
        parse_index_or_manifest(node(document), expected, max_layers=9)
    assert message in str(caught.value)


def test_an_index_document_with_layers_is_refused() -> None:
    with pytest.raises(FormatError, match="both `manifests` and `layers`"):
        Index.parse(node(INDEX | MANIFEST))
