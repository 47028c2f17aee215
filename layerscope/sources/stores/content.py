"""containerd's content store: every blob under its digest, as in an OCI layout, and no index."""

from __future__ import annotations

import json
import os
from typing import Final

from layerscope.errors import DigestMismatch, FormatError, ImageNotFound
from layerscope.image.blob import StoredBlob
from layerscope.image.descriptor import CONTAINERD_NAME, REF_NAME
from layerscope.image.digest import Digest
from layerscope.image.document import parse_document
from layerscope.image.image import Image
from layerscope.image.index import Index, parse_index_or_manifest
from layerscope.image.manifest import Manifest
from layerscope.image.platform import Platform
from layerscope.notes import Notes
from layerscope.records import dataclass
from layerscope.sources.both import open_both
from layerscope.sources.members import INDEX, LAYOUT, MANIFEST
from layerscope.sources.names import familiar
from layerscope.sources.oci import open_layout
from layerscope.sources.source import Request
from layerscope.sources.store import BlobStore, FolderStore, blob_path

CONTENT: Final = "io.containerd.content.v1.content"
"""The folder of the store's first version, below containerd's root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An image in the store: the digest of its index or manifest, its full name, and what a save is called in messages."""

    digest: Digest
    full_name: str | None
    name: str


DISCARDED: Final = "read the image as registry:NAME, or set discard_unpacked_layers = false in containerd's configuration and pull it again"


class ContentStore:
    """The store as an OCI layout whose index lists one image, like the tarball that containerd exports."""

    def __init__(self, blobs: BlobStore, target: Target, request: Request) -> None:
        self.name = target.name
        self._request = request
        self._folder = blobs
        try:
            self._made = self._make(target)
        except BaseException:
            self._folder.close()
            raise

    def __contains__(self, path: str) -> bool:
        return path in self._made or self._folder.has(path)

    def _make(self, target: Target) -> dict[str, bytes]:
        found, size = self._read(target.digest)
        media_type = _type_of(found)
        entry: dict[str, object] = {
            "mediaType": media_type,
            "digest": str(target.digest),
            "size": size,
        }
        if target.full_name is not None:
            tag = target.full_name.rpartition("/")[2].partition(":")[2] or target.full_name
            entry["annotations"] = {CONTAINERD_NAME: target.full_name, REF_NAME: tag}
        index = {"schemaVersion": 2, "manifests": [entry]}
        made = {
            INDEX: json.dumps(index).encode(),
            LAYOUT: b'{"imageLayoutVersion":"1.0.0"}',
        }
        manifest = found if isinstance(found, Manifest) else self._preferred(found)
        if manifest is not None:
            tags = None if target.full_name is None else [familiar(target.full_name)]
            made[MANIFEST] = json.dumps(
                [
                    {
                        "Config": blob_path(manifest.config.digest),
                        "RepoTags": tags,
                        "Layers": [blob_path(layer.digest) for layer in manifest.layers],
                    }
                ]
            ).encode()
        return made

    def _read(self, digest: Digest) -> tuple[Index | Manifest, int]:
        limits = self._request.limits
        name = f"{self.name}: {digest}"
        path = blob_path(digest)
        data = self._folder.read(
            path, name, max(limits.bound("manifest_bytes"), limits.bound("index_bytes"))
        )
        if data is None:
            raise FormatError(f"{name} is not in {self._folder.name}")
        if Digest.of(data, digest.algorithm) != digest:
            raise DigestMismatch(f"{self._folder.name}/{path} has another digest")
        node = parse_document(data, name, max_bytes=len(data), max_depth=limits.json_depth)
        return parse_index_or_manifest(node, "", max_layers=limits.layers), len(data)

    def _preferred(self, index: Index) -> Manifest | None:
        """The manifest that an export names in its `manifest.json`: for this machine, or else the first."""
        images = [one for one in index.manifests if not one.is_attestation]
        host = Platform.of_host()
        fitting = [one for one in images if one.platform and host.covers(one.platform)]
        for one in fitting or images:
            if self._folder.has(blob_path(one.digest)):
                found, _ = self._read(one.digest)
                return found if isinstance(found, Manifest) and found.is_image else None
        return None

    def find(self, path: str) -> StoredBlob | None:
        return None if path in self._made else self._folder.find(path)

    def has(self, path: str) -> bool:
        return path in self

    def read(self, path: str, name: str, max_bytes: int) -> bytes | None:
        made = self._made.get(path)
        return self._folder.read(path, name, max_bytes) if made is None else made

    def lost(self, digest: Digest) -> ImageNotFound:
        """The error for a layer that is gone from the store. An export would lack it too."""
        return ImageNotFound(
            f"{self.name}: containerd no longer has the layer {digest}", hint=DISCARDED
        )

    def close(self) -> None:
        self._folder.close()


def open_content(root: str, target: Target, request: Request, source: str) -> Image:
    """The image in the content store below containerd's root. Raises `FormatError` and `SourceUnavailable`."""
    return open_blobs(FolderStore(f"{root}/{CONTENT}"), target, request, source)


def open_blobs(blobs: BlobStore, target: Target, request: Request, source: str) -> Image:
    """The image whose blobs are in a store of containerd's, which is closed along with it. Raises what `open_content` raises."""
    store = ContentStore(blobs, target, request)
    try:
        closers = (store.close,)
        if MANIFEST in store:
            return open_both(store, request, Notes(), source, source, closers)
        return open_layout(store, request, Notes(), source, closers)
    except BaseException:
        store.close()
        raise


def holds(root: str, digest: Digest) -> bool:
    """Whether the store below a root has a blob, as far as this user can see."""
    return os.path.isfile(f"{root}/{CONTENT}/{blob_path(digest)}")


def _type_of(found: Index | Manifest) -> str:
    if isinstance(found, Index):
        return found.media_type or "application/vnd.oci.image.index.v1+json"
    return found.media_type or "application/vnd.oci.image.manifest.v1+json"
