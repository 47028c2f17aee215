"""What `docker save` writes: a tar with a `manifest.json` that names the members that are configs and layers.

The forms that Docker, podman, kaniko, Bazel, and Jib write differ only in how they name the members.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from layerscope.errors import FormatError, LimitExceeded
from layerscope.image.config import ImageConfig, read_diff_ids
from layerscope.image.digest import Digest
from layerscope.image.document import Node
from layerscope.image.image import Image
from layerscope.image.media_type import DOCKER_LAYER, WASM, WASM_MAGIC
from layerscope.layers.compression import sniff
from layerscope.notes import Notes
from layerscope.records import dataclass
from layerscope.sources.assemble import Parts, assemble
from layerscope.sources.members import MANIFEST
from layerscope.sources.names import ambiguous, choose, familiar, not_found
from layerscope.sources.source import Request
from layerscope.sources.store import BlobStore, read_document
from layerscope.sources.stored import StoredLayer

_CONFIG_DIGEST: Final = re.compile(r"(?:.*/)?(?:sha256:)?([0-9a-f]{64})(?:\.json)?", re.ASCII)
_LAYER_DIGEST: Final = re.compile(
    r"(?:blobs/sha256/|sha256:)?([0-9a-f]{64})(?:\.tar(?:\.gz)?)?", re.ASCII
)
_BLOBS: Final = "blobs/"
_SUFFIX: Final = {"none": "", "gzip": ".gzip", "zstd": ".zstd"}


@dataclass(slots=True)
class Entry:
    """One image in a `manifest.json`."""

    config: str
    tags: list[str]
    layers: tuple[str, ...]

    @property
    def claimed_digest(self) -> Digest | None:
        """The digest in the config's name, if there is one."""
        match = _CONFIG_DIGEST.fullmatch(self.config)
        return None if match is None else Digest("sha256", match[1])

    def __str__(self) -> str:
        return ", ".join(map(repr, self.tags)) or repr(self.config)


def read_entries(archive: BlobStore, request: Request) -> list[Entry]:
    """The images that `manifest.json` names. An image named twice appears once, with all its tags."""
    found = read_document(archive, MANIFEST, request.limits.bound("manifest_bytes"), request.limits)
    if found is None:
        raise FormatError(f"{archive.name} has no {MANIFEST}")
    node = found[0]
    if not node.value:
        raise FormatError(f"{node.document} names no image", hint="save the image again")
    entries: dict[tuple[str, tuple[str, ...]], Entry] = {}
    for item in node.items():
        entry = Entry(
            item.text("Config"),
            list(item.optional_texts("RepoTags")),
            item.optional_texts("Layers"),
        )
        known = entries.setdefault((entry.config, entry.layers), entry)
        if known is not entry:
            known.tags += [tag for tag in entry.tags if tag not in known.tags]
    return list(entries.values())


def open_docker_archive(
    archive: BlobStore,
    request: Request,
    notes: Notes,
    source: str,
    closers: tuple[Callable[[], None], ...],
) -> Image:
    """The image in an archive that only has a `manifest.json`; raises `AmbiguousImage` if you must choose one."""
    return assemble(manifest_parts(archive, request, notes, source), request, notes, closers)


def manifest_parts(archive: BlobStore, request: Request, notes: Notes, source: str) -> Parts:
    """What `manifest.json` says about the image; raises `FormatError` if it doesn't fit the config."""
    entry = _choose(archive, read_entries(archive, request), request)
    if len(entry.layers) > request.limits.layers:
        raise LimitExceeded(
            f"{archive.name} names {len(entry.layers)} layers, more than the {request.limits.layers} allowed",
            limit="layers",
        )
    config, digest = _read_config(archive, entry, request)
    if entry.claimed_digest not in (None, digest):
        notes.add(
            "config-name-differs",
            f"the config has the digest {digest}, but its name says {entry.claimed_digest}",
        )
    diff_ids = read_diff_ids(config)
    parts = Parts(
        place=archive.name,
        source=source,
        tags=tuple(map(familiar, entry.tags)),
        config=config,
        config_digest=digest,
        layers=[
            _stored_layer(archive, path, diff_ids, index) for index, path in enumerate(entry.layers)
        ],
    )
    parts.diff_ids(request.limits)
    return parts


def _choose(archive: BlobStore, entries: list[Entry], request: Request) -> Entry:
    tag = request.tag
    if tag is not None and re.fullmatch(r"@[0-9]{1,6}", tag):
        number = int(tag[1:])
        if number < len(entries):
            return entries[number]
        raise not_found(archive.name, tag, [f"@0 to @{len(entries) - 1}"])
    if tag is not None:
        found = choose(
            tag, entries, lambda entry: entry.tags, lambda entry: [str(entry.claimed_digest or "")]
        )
        if not found:
            raise not_found(archive.name, tag, list(map(str, entries)))
        entries = found
    if len(entries) > 1 and request.platform is not None:
        wanted = request.platform
        entries = [
            entry
            for entry in entries
            if wanted.matches(
                ImageConfig.parse(_read_config(archive, entry, request)[0], Notes()).platform
            )
        ] or entries
    if len(entries) > 1:
        raise ambiguous(
            archive.name,
            [f"{entry} (@{n})" for n, entry in enumerate(entries)],
            tags=(entry.tags[0] if entry.tags else f"@{n}" for n, entry in enumerate(entries)),
        )
    return entries[0]


def _read_config(archive: BlobStore, entry: Entry, request: Request) -> tuple[Node, Digest]:
    found = read_document(
        archive, entry.config, request.limits.bound("config_bytes"), request.limits
    )
    if found is None:
        raise FormatError(f"{archive.name}: the config {entry.config!r} is missing")
    node, data = found
    return node, Digest.of(data)


def _stored_layer(
    archive: BlobStore, path: str, diff_ids: Sequence[Digest], index: int
) -> StoredLayer:
    """A layer member. A name that contains the digest of the member's bytes gives the layer's digest."""
    blob = archive.find(path)
    if blob is None:
        raise FormatError(
            f"{archive.name}: the layer {path!r} is missing", hint="save the image again"
        )
    compression = sniff(blob)
    diff_id = diff_ids[index] if index < len(diff_ids) else None
    match = _LAYER_DIGEST.fullmatch(path)
    digest = Digest("sha256", match[1]) if match is not None else None
    if digest == diff_id or (
        compression == "none" and not path.startswith(_BLOBS) and digest not in diff_ids
    ):
        digest = None
    is_wasm = compression == "none" and blob.read_at(0, len(WASM_MAGIC)) == WASM_MAGIC
    return StoredLayer(
        digest=digest,
        media_type=WASM if is_wasm else DOCKER_LAYER + _SUFFIX.get(compression, ""),
        size=blob.size,
        blob=blob,
    )
