"""OCI image layouts (opencontainers/image-spec image-layout.md), in a folder or in an archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from layerscope.errors import FormatError, ImageNotFound, LimitExceeded, UnsupportedFormat
from layerscope.image import media_type as media_types
from layerscope.image.descriptor import CONTAINERD_NAME, REF_NAME, Descriptor, parse_platform
from layerscope.image.digest import Digest
from layerscope.image.document import Node
from layerscope.image.image import Attestation, Image
from layerscope.image.index import Index, parse_index_or_manifest
from layerscope.image.manifest import Manifest
from layerscope.image.platform import Platform
from layerscope.notes import Notes
from layerscope.sources.assemble import Parts, StoredLayer, assemble
from layerscope.sources.names import ambiguous, choose, familiar, listing, not_found
from layerscope.sources.source import Request
from layerscope.sources.store import BlobStore, blob_path, check_size, read_document, read_verified

INDEX: Final = "index.json"
LAYOUT: Final = "oci-layout"
_PREDICATE_TYPE: Final = "in-toto.io/predicate-type"


@dataclass(slots=True)
class Found:
    """A manifest somewhere below the index, under the names of the entries that lead to it."""

    descriptor: Descriptor
    platform: Platform | None
    tags: dict[str, None] = field(default_factory=dict)

    def __str__(self) -> str:
        names = ", ".join(map(repr, self.tags)) or str(self.descriptor.digest)
        return f"{names} {self.platform}" if self.platform else names

    def describe(self, with_digest: bool) -> str:
        """The choice for a message, with its digest where the names alone do not tell it apart."""
        if with_digest and self.tags:
            return f"{self} ({self.descriptor.digest})"
        return str(self)


@dataclass(slots=True)
class Layout:
    """All that an `index.json` leads to: manifests in the archive, platforms that are not, and attestations."""

    manifests: list[Found] = field(default_factory=list)
    absent: list[Found] = field(default_factory=list)
    attestations: dict[Digest, list[Descriptor]] = field(default_factory=dict)


def open_layout(
    store: BlobStore,
    request: Request,
    notes: Notes,
    source: str,
    closers: tuple[Callable[[], None], ...],
    *,
    names_of: Callable[[Digest], list[str]] | None = None,
) -> Image:
    """The image of a layout; `names_of` gives further names of the image that has a config digest.

    Raises `AmbiguousImage` when it has to be chosen, `ImageNotFound`, and `FormatError`.
    """
    _check_version(store, request, notes)
    layout = _walk(store, request)
    reader = _Reader(store, request)
    found = _choose(store, layout, request, reader, names_of)
    manifest = reader.manifest(found.descriptor)
    if not manifest.is_image:
        raise UnsupportedFormat(
            f"{store.name}: {found.descriptor.digest} is an artifact with the config"
            f" {manifest.config.media_type!r}, not a container image"
        )
    config = manifest.config
    tags = dict.fromkeys(found.tags)
    if names_of is not None:
        tags.update(dict.fromkeys(names_of(config.digest)))
    parts = Parts(
        place=store.name,
        source=source,
        tags=tuple(tags),
        config=reader.config(config),
        config_digest=config.digest,
        layers=[_stored_layer(store, layer) for layer in manifest.layers],
        platform=found.descriptor.platform,
        manifest_digest=found.descriptor.digest,
        annotations=manifest.annotations,
        attestations=_attestations(layout, found.descriptor.digest, reader, notes),
    )
    return assemble(parts, request, notes, closers)


def _check_version(store: BlobStore, request: Request, notes: Notes) -> None:
    blob = store.find(LAYOUT)
    if blob is None:
        notes.add(
            "oci-layout-missing",
            f"{store.name} has no oci-layout file, which the specification demands",
        )
        return
    limits = request.limits
    node, _ = read_document(blob, f"{store.name}: {LAYOUT}", limits.manifest_bytes, limits)
    version = node.text("imageLayoutVersion")
    if version.partition(".")[0] != "1":
        raise UnsupportedFormat(
            f"{store.name} is an OCI image layout of version {version!r}, not 1"
        )


def _walk(store: BlobStore, request: Request) -> Layout:
    """Follow indexes within indexes, each digest once, without recursion."""
    limits = request.limits
    blob = store.find(INDEX)
    if blob is None:
        raise FormatError(f"{store.name} has no {INDEX}")
    node, _ = read_document(blob, f"{store.name}: {INDEX}", limits.index_bytes, limits)
    layout = Layout()
    manifests: dict[Digest, Found] = {}
    absent: dict[Digest, Found] = {}
    for top in Index.parse(node).manifests:
        tags = _tags(top)
        seen: set[Digest] = set()
        waiting = [(top, 1)]
        while waiting:
            descriptor, depth = waiting.pop()
            if descriptor.digest in seen:
                continue
            seen.add(descriptor.digest)
            if descriptor.is_attestation:
                if (subject := descriptor.attests) is not None:
                    attached = layout.attestations.setdefault(subject, [])
                    if descriptor not in attached:
                        attached.append(descriptor)
                continue
            place = store.find(blob_path(descriptor.digest))
            if place is not None and _may_be_index(descriptor):
                name = f"{store.name}: {descriptor.digest}"
                document = read_verified(
                    place, descriptor.digest, descriptor.size, name, limits.index_bytes, limits
                )
                inner = parse_index_or_manifest(
                    document, descriptor.media_type, max_layers=limits.layers
                )
                if isinstance(inner, Index):
                    if depth >= limits.index_depth:
                        raise LimitExceeded(
                            f"{store.name} nests indexes deeper than the {limits.index_depth} allowed"
                        )
                    waiting += [(child, depth + 1) for child in reversed(inner.manifests)]
                    continue
            known = manifests if place is not None else absent
            found = known.setdefault(descriptor.digest, Found(descriptor, descriptor.platform))
            found.tags.update(dict.fromkeys(tags))
            found.platform = found.platform or descriptor.platform
    layout.manifests = list(manifests.values())
    layout.absent = list(absent.values())
    return layout


def _may_be_index(descriptor: Descriptor) -> bool:
    return descriptor.media_type in media_types.INDEXES or not descriptor.media_type


def _tags(descriptor: Descriptor) -> list[str]:
    """The names of an entry: containerd's full one, and the tag or name that everyone else writes."""
    full = descriptor.annotation(CONTAINERD_NAME)
    name = descriptor.annotation(REF_NAME)
    tags = [familiar(full)] if full else []
    if name and not (full and (full.endswith(f":{name}") or full == name)):
        tags.append(familiar(name))
    return tags


class _Reader:
    """Reads and verifies the documents of a layout, each once."""

    def __init__(self, store: BlobStore, request: Request) -> None:
        self._store = store
        self._limits = request.limits
        self._manifests: dict[Digest, Manifest] = {}
        self._configs: dict[Digest, Node] = {}

    def _document(self, descriptor: Descriptor, what: str, max_bytes: int) -> Node:
        name = f"{self._store.name}: {what} {descriptor.digest}"
        blob = self._store.find(blob_path(descriptor.digest))
        if blob is None:
            raise FormatError(f"{name} is missing", hint="save the image again")
        return read_verified(
            blob, descriptor.digest, descriptor.size, name, max_bytes, self._limits
        )

    def manifest(self, descriptor: Descriptor) -> Manifest:
        known = self._manifests.get(descriptor.digest)
        if known is not None:
            return known
        if descriptor.media_type in media_types.SCHEMA_1:
            raise UnsupportedFormat(
                f"{self._store.name}: {descriptor.digest} is an image manifest of schema 1, which registries gave up",
                hint="pull and push the image with a current engine",
            )
        node = self._document(descriptor, "the manifest", self._limits.manifest_bytes)
        manifest = parse_index_or_manifest(
            node, descriptor.media_type, max_layers=self._limits.layers
        )
        if isinstance(manifest, Index):
            node.fail("is an index where a manifest was announced")
        self._manifests[descriptor.digest] = manifest
        return manifest

    def config(self, descriptor: Descriptor) -> Node:
        node = self._configs.get(descriptor.digest)
        if node is None:
            node = self._document(descriptor, "the config", self._limits.config_bytes)
            self._configs[descriptor.digest] = node
        return node

    def platform(self, found: Found) -> Platform:
        """The platform the index gives, else the one of the image's config."""
        if found.platform is None:
            manifest = self.manifest(found.descriptor)
            found.platform = (
                parse_platform(self.config(manifest.config))
                if manifest.is_image
                else Platform("", "")
            )
        return found.platform

    def statements(self, descriptor: Descriptor) -> list[Attestation]:
        """The in-toto statements of an attestation manifest, unread."""
        statements = []
        for layer in self.manifest(descriptor).layers:
            blob = self._store.find(blob_path(layer.digest))
            name = f"{self._store.name}: the attestation {layer.digest}"
            if blob is None:
                raise FormatError(f"{name} is missing")
            check_size(blob, layer.size, name)
            statements.append(
                Attestation(
                    predicate_type=layer.annotation(_PREDICATE_TYPE) or "",
                    digest=layer.digest,
                    blob=blob,
                )
            )
        return statements


def _choose(
    store: BlobStore,
    layout: Layout,
    request: Request,
    reader: _Reader,
    names_of: Callable[[Digest], list[str]] | None,
) -> Found:
    choices = layout.manifests
    if not choices:
        if layout.absent:
            raise FormatError(
                f"{store.name}: no manifest is there of the {len(layout.absent)} that its index names:"
                f" {listing(map(str, layout.absent))}"
            )
        raise FormatError(f"{store.name}: {INDEX} names no image")
    if request.tag is not None:
        choices = _named(store, layout, request.tag, reader, names_of)
    if len(choices) > 1:
        choices = [one for one in choices if not _is_artifact(one)] or choices
    wanted = request.platform
    if wanted is not None:
        choices = _for_platform(wanted, choices, reader) or _fail_platform(
            store, wanted, choices, layout
        )
    elif len(choices) > 1 and len({frozenset(one.tags) for one in choices}) == 1:
        choices = _for_platform(Platform.of_host(), choices, reader) or choices
    if len(choices) == 1:
        return choices[0]
    for one in choices:
        reader.platform(one)
    same_name = len({frozenset(one.tags) for one in choices}) == 1
    several_platforms = len({one.platform for one in choices}) > 1
    by_platform = same_name and several_platforms and wanted is None
    option = "--platform" if by_platform else "--tag (a tag or a digest)"
    raise ambiguous(store.name, [one.describe(same_name) for one in choices], option)


def _is_artifact(found: Found) -> bool:
    descriptor = found.descriptor
    return bool(descriptor.artifact_type) or descriptor.platform == Platform("unknown", "unknown")


def _named(
    store: BlobStore,
    layout: Layout,
    tag: str,
    reader: _Reader,
    names_of: Callable[[Digest], list[str]] | None,
) -> list[Found]:
    def digests(found: Found) -> list[str]:
        return [str(found.descriptor.digest)]

    chosen = choose(tag, layout.manifests, lambda found: found.tags, digests)
    if not chosen:

        def more_names(found: Found) -> list[str]:
            digest = reader.manifest(found.descriptor).config.digest
            return names_of(digest) if names_of is not None else []

        def more_digests(found: Found) -> list[str]:
            return [str(reader.manifest(found.descriptor).config.digest)]

        chosen = choose(tag, layout.manifests, more_names, more_digests)
    if not chosen:
        raise not_found(store.name, tag, list(map(str, layout.manifests)))
    return chosen


def _for_platform(wanted: Platform, choices: list[Found], reader: _Reader) -> list[Found]:
    """The choices for a platform: exactly it, else what it usually means, else any variant when none was asked for."""
    for fits in (wanted.matches, wanted.covers):
        found = [one for one in choices if fits(reader.platform(one))]
        if found:
            exact = [one for one in found if one.platform == wanted]
            return exact or found
    return []


def _fail_platform(
    store: BlobStore, wanted: Platform, choices: list[Found], layout: Layout
) -> list[Found]:
    offered = listing(str(one.platform) for one in choices)
    if any(one.platform is not None and wanted.matches(one.platform) for one in layout.absent):
        raise ImageNotFound(
            f"{store.name} names an image for {wanted} and does not hold it, only {offered}",
            hint=f"pull it with --platform {wanted} and save again",
        )
    raise ImageNotFound(f"{store.name} holds no image for {wanted}, only {offered}")


def _stored_layer(store: BlobStore, descriptor: Descriptor) -> StoredLayer:
    blob = store.find(blob_path(descriptor.digest))
    if blob is None:
        if not (media_types.is_foreign(descriptor.media_type) or descriptor.has_urls):
            raise FormatError(
                f"{store.name}: the layer {descriptor.digest} is missing",
                hint="save the image again",
            )
    else:
        check_size(blob, descriptor.size, f"{store.name}: the layer {descriptor.digest}")
    return StoredLayer(
        digest=descriptor.digest,
        media_type=descriptor.media_type,
        size=descriptor.size,
        blob=blob,
    )


def _attestations(
    layout: Layout, digest: Digest, reader: _Reader, notes: Notes
) -> tuple[Attestation, ...]:
    """The statements about the chosen manifest; one that cannot be read is noted, since it is beside the image."""
    statements: list[Attestation] = []
    for descriptor in layout.attestations.get(digest, ()):
        try:
            statements += reader.statements(descriptor)
        except FormatError as error:
            notes.add("attestation-unreadable", error.message)
    return tuple(statements)
