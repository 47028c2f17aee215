"""Media types of manifests and layers, and which of them hold a filesystem."""

from __future__ import annotations

import re
from typing import Final

from layerscope.patterns import pattern

OCI_INDEX: Final = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST: Final = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG: Final = "application/vnd.oci.image.config.v1+json"
OCI_ARTIFACT_MANIFEST: Final = "application/vnd.oci.artifact.manifest.v1+json"
OCI_EMPTY: Final = "application/vnd.oci.empty.v1+json"
DOCKER_INDEX: Final = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST: Final = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG: Final = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER: Final = "application/vnd.docker.image.rootfs.diff.tar"
BUILDKIT_CACHE: Final = "application/vnd.buildkit.cacheconfig.v0"
WASM: Final = "application/wasm"
WASM_MAGIC: Final = b"\0asm"
IN_TOTO: Final = "application/vnd.in-toto+json"

INDEXES: Final = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFESTS: Final = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
SCHEMA_1: Final = frozenset(
    {
        "application/vnd.docker.distribution.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v1+prettyjws",
    }
)

_ARTIFACTS: Final = (
    ("in-toto", "an attestation"),
    ("buildkit.cacheconfig", "a BuildKit cache"),
    ("helm", "a Helm chart"),
    ("wasm", "WebAssembly"),
    ("cosign", "a cosign signature"),
    ("sigstore", "a Sigstore bundle"),
    ("notary", "a Notary signature"),
    ("spdx", "an SBOM"),
    ("cyclonedx", "an SBOM"),
    ("vnd.cncf.flux", "a Flux artifact"),
    ("docker.plugin", "a Docker plugin"),
    ("ollama", "an Ollama model"),
    ("cncf.model", "a model"),
    ("vnd.oras", "an ORAS artifact"),
)

_TAR_LAYER: Final = pattern(
    r"application/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1|docker\.image\.rootfs\.(?:foreign\.)?diff)"
    r"\.tar(?:[+.][a-z0-9]+)?|application/(?:x-)?(?:tar|gzip|zstd)(?:\+[a-z0-9]+)?|application/octet-stream|",
    re.ASCII,
)
_COMPRESSIONS: Final = {
    "gzip": ("+gzip", ".gzip", "/gzip", "/x-gzip"),
    "zstd": ("+zstd", ".zstd", "/zstd"),
    "xz": ("+xz", ".xz"),
    "bzip2": ("+bzip2", ".bzip2"),
}


def is_tar_layer(media_type: str) -> bool:
    """Whether a layer of this type is a tar, compressed or not. An artifact's layer or an encrypted one isn't.

    The compression comes from its first bytes, not from its type.
    """
    return _TAR_LAYER.fullmatch(media_type) is not None


def compression_of(media_type: str) -> str:
    """The compression that a layer's media type claims: `none` for a plain tar, and `unknown` where it claims nothing."""
    for name, endings in _COMPRESSIONS.items():
        if media_type.endswith(endings):
            return name
    return "none" if media_type.endswith((".tar", "/tar", "/x-tar")) else "unknown"


def is_no_manifest(media_type: str) -> bool:
    """Whether this type, listed in an index, is neither a manifest nor an index."""
    if media_type in ("", "application/octet-stream"):
        return False
    return media_type in (BUILDKIT_CACHE, OCI_ARTIFACT_MANIFEST) or is_tar_layer(media_type)


def is_foreign(media_type: str) -> bool:
    """Whether a layer of this type may be left out of archives (non-distributable, `foreign`)."""
    return ".nondistributable." in media_type or ".foreign." in media_type


def describe(media_type: str) -> str:
    """What a layer that isn't a tar is, in a word or two."""
    if media_type.endswith("+encrypted"):
        return "encrypted"
    return what_is(media_type) or "of an unknown media type"


def what_is(media_type: str) -> str | None:
    """The kind of artifact that uses a media type, if known."""
    for part, words in _ARTIFACTS:
        if part in media_type:
            return words
    return None
