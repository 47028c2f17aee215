"""OCI image layouts: flat, with an image index, with an index in an index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from tests.builder.archive import Archive
from tests.builder.compression import SUFFIX
from tests.builder.image import BuiltImage, BuiltLayer, encode

OCI = "application/vnd.oci.image"
DOCKER = "application/vnd.docker"
INDEX = f"{OCI}.index.v1+json"
MANIFEST = f"{OCI}.manifest.v1+json"
CONFIG = f"{OCI}.config.v1+json"
LAYER = f"{OCI}.layer.v1.tar"
DOCKER_LIST = f"{DOCKER}.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = f"{DOCKER}.distribution.manifest.v2+json"
DOCKER_CONFIG = f"{DOCKER}.container.image.v1+json"
DOCKER_LAYER = f"{DOCKER}.image.rootfs.diff.tar"
IN_TOTO = "application/vnd.in-toto+json"
REF_NAME = "org.opencontainers.image.ref.name"
Layout = Literal["flat", "index", "nested"]


def oci(
    images: Sequence[BuiltImage],
    compression: str = "gzip",
    layout: Layout = "flat",
    attestations: bool = False,
    provenance: Mapping[int, object] | None = None,
    docker: bool = False,
) -> Archive:
    """An OCI image layout.

    flat: `index.json` lists each image once per tag. index: it lists one image index with all
    images (platforms of one), once per tag of the first. nested: that index is inside another one.
    `provenance` returns the in-toto statement for the image at an index; by default it is a small
    one. `docker` writes Docker's media types.
    """
    archive = Archive()
    archive.add_json("oci-layout", {"imageLayoutVersion": "1.0.0"})
    described = [add_image(archive, image, compression, docker) for image in images]
    listed: list[dict[str, Any]] = []
    if layout == "flat":
        for image, descriptor in zip(images, described, strict=True):
            listed += tagged(descriptor, image.tags)
    else:
        manifests = [
            descriptor | {"platform": dict(image.platform)}
            for image, descriptor in zip(images, described, strict=True)
        ]
        if attestations:
            manifests += [
                add_attestation(archive, descriptor, (provenance or {}).get(at))
                for at, descriptor in enumerate(described)
            ]
        index = add_index(archive, manifests, docker)
        if layout == "nested":
            index = add_index(archive, [index], docker)
        listed = tagged(index, images[0].tags)
    archive.add_json("index.json", {"schemaVersion": 2, "mediaType": INDEX, "manifests": listed})
    return archive


def add_image(
    archive: Archive, image: BuiltImage, compression: str = "gzip", docker: bool = False
) -> dict[str, Any]:
    """Add the blobs of one image; returns its manifest's descriptor."""
    layers = []
    for layer in image.layers:
        media_type = layer_media_type(layer, compression, docker)
        descriptor = archive.add_blob(layer.compressed(compression), media_type)
        if layer.annotations:
            descriptor["annotations"] = dict(layer.annotations)
        layers.append(descriptor)
    kind = DOCKER_MANIFEST if docker else MANIFEST
    manifest: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": archive.add_blob(image.config, DOCKER_CONFIG if docker else CONFIG),
        "layers": layers,
    }
    if image.annotations:
        manifest["annotations"] = dict(image.annotations)
    return archive.add_blob(encode(manifest), kind)


def add_index(
    archive: Archive, manifests: Sequence[Mapping[str, Any]], docker: bool = False
) -> dict[str, Any]:
    kind = DOCKER_LIST if docker else INDEX
    document = {"schemaVersion": 2, "mediaType": kind, "manifests": list(manifests)}
    return archive.add_blob(encode(document), kind)


def add_attestation(
    archive: Archive, subject: Mapping[str, Any], statement: object = None
) -> dict[str, Any]:
    """Add BuildKit's attestation manifest for one image manifest, in the old style."""
    predicate = "https://slsa.dev/provenance/v0.2"
    if statement is None:
        statement = {
            "_type": "https://in-toto.io/Statement/v0.1",
            "predicateType": predicate,
            "predicate": {"buildType": "https://mobyproject.org/buildkit@v1"},
        }
    layer = archive.add_blob(encode(statement), IN_TOTO)
    layer["annotations"] = {"in-toto.io/predicate-type": predicate}
    rootfs = {"type": "layers", "diff_ids": [layer["digest"]]}
    config = encode({"architecture": "unknown", "os": "unknown", "config": {}, "rootfs": rootfs})
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": archive.add_blob(config, CONFIG),
        "layers": [layer],
    }
    return archive.add_blob(encode(manifest), MANIFEST) | {
        "platform": {"architecture": "unknown", "os": "unknown"},
        "annotations": {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": subject["digest"],
        },
    }


def tagged(descriptor: Mapping[str, Any], tags: Sequence[str]) -> list[dict[str, Any]]:
    """The descriptor, once per tag, with Docker's annotations."""
    if not tags:
        return [dict(descriptor)]
    out = []
    for tag in tags:
        names = {"io.containerd.image.name": tag, REF_NAME: tag.rpartition(":")[2]}
        out.append(dict(descriptor) | {"annotations": names})
    return out


def layer_media_type(layer: BuiltLayer, compression: str, docker: bool = False) -> str:
    suffix = SUFFIX[layer.compression or compression]
    if docker:
        return DOCKER_LAYER + suffix.replace("+", ".")
    return LAYER + suffix
