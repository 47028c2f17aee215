"""A repository in a registry, presented as an OCI image layout whose index names one image."""

from __future__ import annotations

import json
from typing import Final

from layerscope.errors import (
    DigestMismatch,
    FormatError,
    ImageNotFound,
    SourceUnavailable,
    UnsupportedFormat,
)
from layerscope.image import media_type as media_types
from layerscope.image.descriptor import CONTAINERD_NAME, Descriptor
from layerscope.image.digest import Digest
from layerscope.image.document import parse_document
from layerscope.image.index import Index, parse_index_or_manifest
from layerscope.limits import Limits, too_large
from layerscope.sources.members import INDEX, LAYOUT
from layerscope.sources.registry.client import Client
from layerscope.sources.registry.name import RegistryName
from layerscope.sources.registry.remote_blob import RemoteBlob
from layerscope.sources.registry.spools import Spools

_OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
_ATTESTATIONS: Final = (
    "application/vnd.docker.attestation.manifest.v1+json",
    "application/vnd.in-toto+json",
)
_MANIFESTS: Final = (
    _OCI_INDEX,
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws;q=0.1",
)
ACCEPT: Final = ", ".join(_MANIFESTS)


class RegistryStore:
    """Gets the files of a layout from a registry. Each document is requested once."""

    def __init__(self, client: Client, name: RegistryName, limits: Limits) -> None:
        self.name = f"registry:{name.shown}"
        self._client = client
        self._name = name
        self._limits = limits
        self._spools = Spools(limits)
        self._documents: dict[str, bytes] = {}
        self._manifests: set[str] = set()
        self._sizes: dict[str, int] = {}
        self._blobs: dict[str, RemoteBlob] = {}
        self._documents[LAYOUT] = b'{"imageLayoutVersion":"1.0.0"}'
        self._documents[INDEX] = self._resolve()

    def _resolve(self) -> bytes:
        """The index of the layout, with one entry for what the tag or digest currently refers to."""
        name = self._name
        body, kind = self._fetch_manifest(name.reference)
        algorithm = name.digest.algorithm if name.digest is not None else "sha256"
        digest = Digest.of(body, algorithm)
        if name.digest is not None and digest != name.digest:
            raise DigestMismatch(f"{self.name}: the registry sent a manifest with digest {digest}")
        if kind in media_types.SCHEMA_1:
            raise UnsupportedFormat(
                f"{self.name} is a schema 1 image manifest, which registries no longer support",
                hint="pull and push the image with a current engine",
            )
        self.root = digest
        self._keep_document(_path(digest), body)
        self._learn(body, kind, str(digest))
        full = f"{name.registry}/{name.repository}"
        entry: dict[str, object] = {
            "mediaType": kind,
            "digest": str(digest),
            "size": len(body),
        }
        if name.digest is None:
            entry["annotations"] = {CONTAINERD_NAME: f"{full}:{name.reference}"}
        return json.dumps({"schemaVersion": 2, "manifests": [entry]}).encode()

    def _fetch_manifest(self, reference: str) -> tuple[bytes, str]:
        limit = max(self._limits.bound("manifest_bytes"), self._limits.bound("index_bytes"))
        return self._client.get_document(f"manifests/{reference}", {"Accept": ACCEPT}, limit)

    def _keep_document(self, path: str, body: bytes) -> None:
        self._documents[path] = body

    def _learn(self, body: bytes, kind: str, name: str) -> None:
        """Remember the digests in an index or manifest, and whether each is a manifest or a blob."""
        node = parse_document(
            body,
            f"{self.name}: {name}",
            max_bytes=len(body),
            max_depth=self._limits.json_depth,
        )
        found = parse_index_or_manifest(node, kind, max_layers=self._limits.layers)
        if isinstance(found, Index):
            for child in found.manifests:
                self._manifests.add(_path(child.digest))
                self._sizes[_path(child.digest)] = child.size
            return
        for blob in (found.config, *found.layers):
            self._sizes[_path(blob.digest)] = blob.size

    def find(self, path: str) -> RemoteBlob | None:
        """The blob at a path. Nothing is requested until you read it."""
        blob = self._blobs.get(path)
        size = self._sizes.get(path)
        if blob is None and size is not None:
            digest = _digest(path)
            blob = RemoteBlob(self._client, digest, size, f"{self.name}: {digest}", self._spools)
            self._blobs[path] = blob
        return blob

    def has(self, path: str) -> bool:
        """Whether an index or manifest names the path, in which case the registry should have it."""
        return path in self._documents or path in self._sizes

    def read(self, path: str, name: str, max_bytes: int) -> bytes | None:
        """A document, or None if the registry doesn't have it. The caller must verify it."""
        body = self._documents.get(path)
        if body is not None:
            if len(body) > max_bytes:
                raise too_large(name, len(body), max_bytes)
            return body
        size = self._sizes.get(path)
        if size is None:
            return None
        if size > max_bytes:
            raise too_large(name, size, max_bytes)
        digest = _digest(path)
        try:
            if path in self._manifests:
                body, kind = self._client.get_document(
                    f"manifests/{digest}", {"Accept": ACCEPT}, max_bytes
                )
            else:
                body, kind = self._client.get_document(f"blobs/{digest}", {}, max_bytes)
        except ImageNotFound:
            return None
        self._documents[path] = body
        if path in self._manifests and Digest.of(body, digest.algorithm) == digest:
            self._learn(body, kind, str(digest))
        return body

    def referrers(self, digest: Digest) -> list[Descriptor]:
        """Attestations that were pushed separately, from the referrers API or else its fallback tag.

        Raises `FormatError`, and `SourceUnavailable` if the registry stops responding.
        """
        fallback = f"manifests/{digest.algorithm}-{digest.hex}"
        for path in (f"referrers/{digest}", fallback):
            try:
                body, _ = self._client.get_document(
                    path, {"Accept": _OCI_INDEX}, self._limits.bound("index_bytes")
                )
            except ImageNotFound:
                continue
            except SourceUnavailable as error:
                raise FormatError(
                    f"{self.name}: referrers cannot be listed: {error.message}"
                ) from None
            node = parse_document(
                body,
                f"{self.name}: the referrers of {digest}",
                max_bytes=self._limits.bound("index_bytes"),
                max_depth=self._limits.json_depth,
            )
            found = [each for each in Index.parse(node).manifests if _is_attestation(each)]
            for each in found:
                self._manifests.add(_path(each.digest))
                self._sizes[_path(each.digest)] = each.size
            return found
        return []

    def close(self) -> None:
        for blob in self._blobs.values():
            blob.close()
        self._client.transport.close()


def _is_attestation(descriptor: Descriptor) -> bool:
    return descriptor.is_attestation or descriptor.artifact_type in _ATTESTATIONS


def _path(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"


def _digest(path: str) -> Digest:
    _, algorithm, text = path.split("/")
    return Digest(algorithm, text)
