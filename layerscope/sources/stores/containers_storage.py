"""containers/storage with its overlay driver: the store of Podman, Buildah, and CRI-O.

`overlay-images/images.json` names each image's top layer, `overlay-layers/layers.json` each layer's parent and digests.
An image's documents are files named by the base64 of their keys. The tar-split files are beside `layers.json`.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import Final

from layerscope.errors import DigestMismatch, FormatError
from layerscope.image.config import ImageConfig
from layerscope.image.digest import Digest
from layerscope.image.document import Node, parse_document
from layerscope.image.image import Image
from layerscope.layers.split_blob import SplitBlob
from layerscope.limits import MIB
from layerscope.notes import Notes
from layerscope.sources.docker_archive import open_docker_archive
from layerscope.sources.members import MANIFEST
from layerscope.sources.source import Request
from layerscope.sources.store import FolderStore
from layerscope.sources.stores.folder import UnpackedLayer
from layerscope.sources.stores.graph_driver import StoredImage
from layerscope.sources.stores.saved import SavedImage

DRIVER: Final = "overlay"
IMAGES: Final = "overlay-images"
LAYERS: Final = "overlay-layers"
_INDEX_BYTES: Final = 256 * MIB
"""The largest images.json or layers.json: a layer takes about 500 bytes, and a build cache may have many."""
_ID: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_PLAIN: Final = frozenset(("manifest",))


def open_containers_storage(root: str, image: StoredImage, request: Request, source: str) -> Image:
    """The image in the folder that is the store's graph root.

    It is put together in the form of a save, so that both give the same report. Raises `FormatError` and
    `SourceUnavailable` for a store that isn't as expected.
    """
    folder = FolderStore(root)
    try:
        saved = _saved(folder, image, request)
        return open_docker_archive(saved, request, Notes(), source, (saved.close, folder.close))
    except BaseException:
        folder.close()
        raise


def _saved(folder: FolderStore, image: StoredImage, request: Request) -> SavedImage:
    top = _top_layer(folder, image, request)
    config = _read_documents(folder, image, request)
    node = _parse(config, f"{folder.name}: the config", request)
    diff_ids = ImageConfig.parse(node, Notes()).diff_ids
    if not diff_ids:
        raise FormatError(f"the image {image.id} has no layers")
    layers = _stack(folder, top, diff_ids, request)
    saved = SavedImage(image.name)
    name = f"{image.id.hex}.json"
    saved.add(name, config)
    for diff_id, layer in zip(diff_ids, layers, strict=True):
        if not saved.has(f"{diff_id.hex}.tar"):
            saved.add_blob(f"{diff_id.hex}.tar", _blob(folder, layer, request))
    entry = {
        "Config": name,
        "RepoTags": None if image.tag is None else [image.tag],
        "Layers": [f"{diff_id.hex}.tar" for diff_id in diff_ids],
    }
    saved.add(MANIFEST, json.dumps([entry]).encode())
    return saved


def _parse(data: bytes, name: str, request: Request) -> Node:
    return parse_document(data, name, max_bytes=len(data), max_depth=request.limits.json_depth)


def _list(folder: FolderStore, path: str, request: Request) -> list[Node]:
    name = f"{folder.name}/{path}"
    data = folder.read(path, name, _INDEX_BYTES)
    if data is None:
        raise FormatError(f"{name} is missing")
    return list(_parse(data, name, request).items())


def _top_layer(folder: FolderStore, image: StoredImage, request: Request) -> str:
    for node in _list(folder, f"{IMAGES}/images.json", request):
        if node.text("id") == image.id.hex:
            return node.text("layer")
    raise FormatError(f"{folder.name} has no image {image.id}")


def _read_documents(folder: FolderStore, image: StoredImage, request: Request) -> bytes:
    """The config, which has the image's ID as its digest and which the manifest names too."""
    limits = request.limits
    manifest = _document(folder, image, "manifest", limits.bound("manifest_bytes"))
    node = _parse(manifest, f"{folder.name}: the manifest", request)
    named = node.object("config").text("digest")
    if named != str(image.id):
        raise FormatError(f"the manifest of {image.id} names the config {named[:80]!r}")
    config = _document(folder, image, str(image.id), limits.bound("config_bytes"))
    found = Digest.of(config, image.id.algorithm)
    if found != image.id:
        raise DigestMismatch(f"{folder.name}: the config of {image.id} has the digest {found}")
    return config


def _document(folder: FolderStore, image: StoredImage, key: str, max_bytes: int) -> bytes:
    file = key if key in _PLAIN else "=" + b64encode(key.encode()).decode()
    path = f"{IMAGES}/{image.id.hex}/{file}"
    data = folder.read(path, f"{folder.name}/{path}", max_bytes)
    if data is None:
        raise FormatError(f"{folder.name} has no {key} of the image {image.id}")
    return data


def _stack(
    folder: FolderStore, top: str, diff_ids: tuple[Digest, ...], request: Request
) -> list[tuple[str, int]]:
    """The ID of each layer and the size of its tar, from the bottom."""
    wanted = {node.text("id"): node for node in _list(folder, f"{LAYERS}/layers.json", request)}
    layers: list[tuple[str, int]] = []
    current: str | None = top
    for diff_id in reversed(diff_ids):
        node = wanted.get(current or "")
        if node is None or current is None or not _ID.fullmatch(current):
            raise FormatError(f"{folder.name} has no layer for {diff_id}")
        if node.text("diff-digest") != str(diff_id):
            raise FormatError(f"{folder.name}: the layer {current} is not {diff_id}")
        layers.append((current, node.integer("diff-size")))
        current = node.optional_text("parent")
    if current:
        raise FormatError(f"{folder.name} has more layers than the config of the image")
    return layers[::-1]


def _blob(folder: FolderStore, layer: tuple[str, int], request: Request) -> SplitBlob:
    name, size = layer
    stored = folder.find(f"{LAYERS}/{name}.tar-split.gz")
    if stored is None:
        raise FormatError(f"{folder.name} has no tar-split file of the layer {name}")
    path = f"{DRIVER}/{name}/diff"
    contents = UnpackedLayer(folder.folder, path, f"{folder.name}/{path}")
    return SplitBlob(stored.name, stored, contents, request.limits, size=size)
