"""Docker's graph driver overlay2: image/overlay2/ has the documents, and overlay2/ the unpacked layers.

A layer's tar-split file is kept under its chain ID: the diff_id of the lowest layer, and for every other layer the
SHA-256 of the chain ID below and its own diff_id (opencontainers/image-spec config.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final

from layerscope.errors import DigestMismatch, FormatError, LimitExceeded
from layerscope.image.config import ImageConfig
from layerscope.image.digest import Digest
from layerscope.image.document import parse_document
from layerscope.image.image import LOCAL_ENGINE, Image, Layer
from layerscope.layers.split_blob import SplitBlob
from layerscope.notes import Notes
from layerscope.progress import stop_if
from layerscope.records import dataclass
from layerscope.sources.early import EarlyLayers
from layerscope.sources.members import INDEX, LAYOUT, MANIFEST
from layerscope.sources.names import normal
from layerscope.sources.source import Request
from layerscope.sources.store import FolderStore, blob_path
from layerscope.sources.stores.folder import UnpackedLayer
from layerscope.sources.stores.saved import SavedImage

DRIVER: Final = "overlay2"
_DATABASE: Final = "image/overlay2"
_SMALL: Final = 1024
"""The largest file that names a digest or a folder, in bytes."""
_CACHE_ID: Final = re.compile(r"[0-9a-z]{20,128}", re.ASCII)
_MANIFEST_TYPE: Final = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE: Final = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE: Final = "application/vnd.oci.image.layer.v1.tar"
_INDEX_TYPE: Final = "application/vnd.oci.image.index.v1+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """An image in an engine: its ID, the requested tag, and the name of a save of it in messages."""

    id: Digest
    tag: str | None
    name: str


def open_graph_driver(
    root: str, image: StoredImage, request: Request, source: str, *, as_layout: bool
) -> Image:
    """The image in the folder that the engine calls its root.

    `as_layout` says that the engine saves an OCI layout too, as Docker 25 and later do. The image is put together in
    the form of the save, so that both give the same report. Raises `FormatError` and `SourceUnavailable` for a store
    that isn't as expected.
    """
    folder = FolderStore(root)
    try:
        saved = _saved(folder, image, request, as_layout)
        notes = Notes()
        closers = (saved.close, folder.close)
        if as_layout:
            from layerscope.sources.both import open_both

            return open_both(saved, request, notes, source, source, closers)
        from layerscope.sources.docker_archive import open_docker_archive

        return open_docker_archive(saved, request, notes, source, closers)
    except BaseException:
        folder.close()
        raise


def _saved(
    folder: FolderStore, image: StoredImage, request: Request, as_layout: bool
) -> SavedImage:
    config = _read_config(folder, image, request)
    node = parse_document(
        config,
        f"{folder.name}: the config",
        max_bytes=len(config),
        max_depth=request.limits.json_depth,
    )
    diff_ids = ImageConfig.parse(node, Notes()).diff_ids
    if not diff_ids:
        raise FormatError(f"the image {image.id} has no layers")
    blobs: dict[Digest, SplitBlob] = {}
    chain: Digest | None = None
    for diff_id in diff_ids:
        below, chain = chain, _chain(chain, diff_id)
        blob = _layer(folder, chain, diff_id, below, request)
        blobs.setdefault(diff_id, blob)
    if not request.head:
        _index(blobs, request)
    saved = SavedImage(image.name)
    if not as_layout:
        name = f"{image.id.hex}.json"
        saved.add(name, config)
        paths = {diff_id: f"{diff_id.hex}/layer.tar" for diff_id in blobs}
    else:
        name = blob_path(image.id)
        saved.add(name, config)
        paths = {diff_id: blob_path(diff_id) for diff_id in blobs}
        _add_layout(saved, image, len(config), [(diff_id, blobs[diff_id]) for diff_id in diff_ids])
    for diff_id, blob in blobs.items():
        saved.add_blob(paths[diff_id], blob)
    entry = {
        "Config": name,
        "RepoTags": None if image.tag is None else [image.tag],
        "Layers": [paths[diff_id] for diff_id in diff_ids],
    }
    saved.add(MANIFEST, json.dumps([entry]).encode())
    return saved


def _index(blobs: Mapping[Digest, SplitBlob], request: Request) -> None:
    """Index the layers now, because their sizes take a pass over their headers anyway. The shelf knows those it has.

    What is wrong with a layer is said when it is read.
    """
    shelf = request.shelf
    if shelf is None:
        return
    layers = EarlyLayers(request.limits, all_secrets=request.all_secrets)
    for number, (diff_id, blob) in enumerate(blobs.items()):
        layer = Layer(
            index=number,
            diff_id=diff_id,
            digest=None,
            media_type=_LAYER_TYPE,
            size=0,
            blob=blob,
            instruction=0,
            vouched_by=LOCAL_ENGINE,
        )
        known = shelf.find(
            layer, verify="auto", limits=request.limits, all_secrets=request.all_secrets
        )
        if known is not None:
            blob.known_size = known.stored.tar_size
            continue
        try:
            blob.early = layers.read(blob, None, lambda _: stop_if(request.cancelled))
        except LimitExceeded:
            return


def _read_config(folder: FolderStore, image: StoredImage, request: Request) -> bytes:
    path = f"{_DATABASE}/imagedb/content/{image.id.algorithm}/{image.id.hex}"
    config = folder.read(path, f"{folder.name}/{path}", request.limits.bound("config_bytes"))
    if config is None:
        raise FormatError(f"{folder.name} has no image {image.id}")
    found = Digest.of(config, image.id.algorithm)
    if found != image.id:
        raise DigestMismatch(f"{folder.name}/{path} has the digest {found}")
    return config


def _chain(below: Digest | None, diff_id: Digest) -> Digest:
    return diff_id if below is None else Digest.of(f"{below} {diff_id}".encode())


def _layer(
    folder: FolderStore, chain: Digest, diff_id: Digest, below: Digest | None, request: Request
) -> SplitBlob:
    base = f"{_DATABASE}/layerdb/{chain.algorithm}/{chain.hex}"
    name = f"{folder.name}/{base}"

    def text(file: str) -> str | None:
        data = folder.read(f"{base}/{file}", f"{name}/{file}", _SMALL)
        return None if data is None else data.decode("ascii", "replace")

    if text("diff") != str(diff_id):
        raise FormatError(f"{name} is not the layer {diff_id}")
    if text("parent") != (None if below is None else str(below)):
        raise FormatError(f"{name} has another layer below it")
    if folder.has(f"{base}/descriptor.json"):
        raise FormatError(f"{name} is a layer that is not distributed")
    cache_id = text("cache-id")
    if cache_id is None or not _CACHE_ID.fullmatch(cache_id):
        raise FormatError(f"{name} does not name the folder of the layer")
    stored = folder.find(f"{base}/tar-split.json.gz")
    if stored is None:
        raise FormatError(f"{name} has no tar-split.json.gz")
    path = f"{DRIVER}/{cache_id}/diff"
    contents = UnpackedLayer(folder.folder, path, f"{folder.name}/{path}")
    return SplitBlob(stored.name, stored, contents, request.limits)


def _add_layout(
    saved: SavedImage,
    image: StoredImage,
    config_size: int,
    layers: list[tuple[Digest, SplitBlob]],
) -> None:
    """The documents of an OCI layout, byte for byte as Docker writes them: their digests are in the report."""
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": _MANIFEST_TYPE,
            "config": {"mediaType": _CONFIG_TYPE, "digest": str(image.id), "size": config_size},
            "layers": [
                {"mediaType": _LAYER_TYPE, "digest": str(diff_id), "size": blob.size}
                for diff_id, blob in layers
            ],
        }
    )
    digest = Digest.of(manifest)
    saved.add(blob_path(digest), manifest)
    entry: dict[str, object] = {
        "mediaType": _MANIFEST_TYPE,
        "digest": str(digest),
        "size": len(manifest),
    }
    if image.tag is not None:
        entry["annotations"] = {
            "io.containerd.image.name": normal(image.tag),
            "org.opencontainers.image.ref.name": image.tag.rpartition(":")[2],
        }
    index = {"schemaVersion": 2, "mediaType": _INDEX_TYPE, "manifests": [entry]}
    saved.add(INDEX, _json(index))
    saved.add(LAYOUT, b'{"imageLayoutVersion": "1.0.0"}')


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
