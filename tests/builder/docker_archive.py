"""Archives with a `manifest.json`, as `docker save` and tools like it write them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from tests.builder.archive import Archive
from tests.builder.image import BuiltImage, encode
from tests.builder.nodes import Symlink
from tests.builder.oci import layer_media_type, oci


def docker_legacy(images: Sequence[BuiltImage]) -> Archive:
    """`docker save` before 25: `<id>/layer.tar`, with a symlink to the first copy of a repeated layer."""
    archive = Archive()
    manifest: list[dict[str, Any]] = []
    first: dict[str, str] = {}
    for image in images:
        parent = ""
        names = []
        for layer in image.layers:
            chain = hashlib.sha256(f"{parent} {layer.diff_id}".encode()).hexdigest()
            name = f"{chain}/layer.tar"
            names.append(name)
            if f"{chain}/" not in archive:
                document = {"id": chain, "created": "1970-01-01T00:00:00Z"}
                if parent:
                    document["parent"] = parent
                archive.add_folder(f"{chain}/")
                archive.add(f"{chain}/VERSION", b"1.0")
                archive.add_json(f"{chain}/json", document)
                if layer.diff_id in first:
                    archive.add(name, Symlink("../" + first[layer.diff_id]))
                else:
                    first[layer.diff_id] = name
                    archive.add(name, layer.tar)
            parent = chain
        config = image.config_digest.removeprefix("sha256:") + ".json"
        if config not in archive:
            archive.add(config, image.config)
        tags = list(image.tags) or None
        manifest.append({"Config": config, "RepoTags": tags, "Layers": names})
    archive.add_json("manifest.json", manifest)
    if tagged := repositories(images):
        archive.add_json("repositories", tagged)
    return archive


def docker_oci(images: Sequence[BuiltImage]) -> Archive:
    """`docker save` of 25 and later, graph driver: also contains an OCI layout of plain tars."""
    archive = oci(images, "none", docker=True)
    for folder in ("blobs/", "blobs/sha256/"):
        archive.add_folder(folder)
    archive.add_json("manifest.json", [entry(image, "none") for image in images])
    if tagged := repositories(images):
        archive.add_json("repositories", tagged)
    return archive.sort()


def containerd_store(
    images: Sequence[BuiltImage],
    compression: str = "gzip",
    preferred: int = 0,
    attestations: bool = True,
) -> Archive:
    """`docker save` with the containerd store: the whole index, with blobs as pulled.

    `manifest.json` names only the preferred platform.
    """
    archive = oci(images, compression, layout="index", attestations=attestations)
    for folder in ("blobs/", "blobs/sha256/"):
        archive.add_folder(folder)
    archive.add_json("manifest.json", [entry(images[preferred], compression)])
    return archive.sort()


def podman(images: Sequence[BuiltImage]) -> Archive:
    """`podman save`: `<diff_id>.tar`, and v1 folders whose layer.tar is a symlink to it."""
    archive = Archive()
    manifest: list[dict[str, Any]] = []
    for image in images:
        names = []
        parent = ""
        for layer in image.layers:
            name = layer.diff_id.removeprefix("sha256:") + ".tar"
            names.append(name)
            if name not in archive:
                archive.add(name, layer.tar)
            chain = hashlib.sha256(f"{parent} {layer.diff_id}".encode()).hexdigest()
            if f"{chain}/VERSION" not in archive:
                archive.add(f"{chain}/VERSION", b"1.0")
                archive.add(f"{chain}/layer.tar", Symlink("../" + name))
                archive.add_json(f"{chain}/json", {"id": chain})
            parent = chain
        config = image.config_digest.removeprefix("sha256:") + ".json"
        if config not in archive:
            archive.add(config, image.config)
        manifest.append({"Config": config, "RepoTags": list(image.tags), "Layers": names})
    if tagged := repositories(images):
        archive.add_json("repositories", tagged)
    return archive.add_json("manifest.json", manifest)


def kaniko_archive(images: Sequence[BuiltImage], compression: str = "gzip") -> Archive:
    """kaniko's `--tar-path`: a config named `sha256:…`, layers `<digest>.tar.gz`."""
    archive = Archive()
    manifest: list[dict[str, Any]] = []
    for image in images:
        if image.config_digest not in archive:
            archive.add(image.config_digest, image.config)
        names = []
        for layer in image.layers:
            blob = layer.compressed(compression)
            name = hashlib.sha256(blob).hexdigest() + ".tar.gz"
            names.append(name)
            if name not in archive:
                archive.add(name, blob)
        manifest.append(
            {"Config": image.config_digest, "RepoTags": list(image.tags), "Layers": names}
        )
    return archive.add_json("manifest.json", manifest)


def entry(image: BuiltImage, compression: str) -> dict[str, Any]:
    """A `manifest.json` entry that points into `blobs/`."""

    def blob(data: bytes) -> str:
        return "blobs/sha256/" + hashlib.sha256(data).hexdigest()

    blobs = [layer.compressed(compression) for layer in image.layers]
    return {
        "Config": blob(image.config),
        "RepoTags": list(image.tags) or None,
        "Layers": [blob(data) for data in blobs],
        "LayerSources": {
            layer.diff_id: {
                "mediaType": layer_media_type(layer, compression),
                "size": len(data),
                "digest": "sha256:" + hashlib.sha256(data).hexdigest(),
            }
            for layer, data in zip(image.layers, blobs, strict=True)
        },
    }


def repositories(images: Sequence[BuiltImage]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for image in images:
        for tag in image.tags:
            name, _, version = tag.rpartition(":")
            top = hashlib.sha256(encode([layer.diff_id for layer in image.layers])).hexdigest()
            found.setdefault(name, {})[version] = top
    return found
