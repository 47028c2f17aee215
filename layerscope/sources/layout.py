"""What an OCI image layout's `index.json` leads to: manifests, missing platforms, and attestations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from typing import Final

from layerscope.errors import FormatError, LimitExceeded, UnsupportedFormat
from layerscope.image import media_type as media_types
from layerscope.image.descriptor import CONTAINERD_NAME, REF_NAME, Descriptor, parse_platform
from layerscope.image.digest import Digest
from layerscope.image.document import Node
from layerscope.image.image import Attestation
from layerscope.image.index import Index, parse_index_or_manifest
from layerscope.image.manifest import Manifest
from layerscope.image.platform import Platform
from layerscope.records import dataclass
from layerscope.sources.members import INDEX
from layerscope.sources.names import familiar
from layerscope.sources.source import Request
from layerscope.sources.store import BlobStore, blob_path, check_size, read_document, read_verified

_VISITS: Final = 200_000
"""How many index entries are visited. An entry counts once for each tag that leads to it."""
_PREDICATE_TYPE: Final = "in-toto.io/predicate-type"


@dataclass(slots=True)
class Found:
    """A manifest somewhere under the index, with the names of the entries that lead to it."""

    descriptor: Descriptor
    platform: Platform | None
    tags: dict[str, None] = field(default_factory=dict)
    index: Digest | None = None
    """The outermost index inside the layout that lists it."""

    def __str__(self) -> str:
        names = ", ".join(map(repr, self.tags)) or str(self.descriptor.digest)
        return f"{names} {self.platform}" if self.platform else names

    def describe(self, with_digest: bool) -> str:
        """The choice for a message, with its digest if the names alone don't tell it apart."""
        if with_digest and self.tags:
            return f"{self} ({self.descriptor.digest})"
        return str(self)


@dataclass(slots=True)
class Layout:
    """Everything that an `index.json` leads to: manifests in the archive, missing ones, and attestations."""

    manifests: list[Found] = field(default_factory=list)
    absent: list[Found] = field(default_factory=list)
    others: list[Descriptor] = field(default_factory=list)
    """The first few blobs that an index lists although they aren't manifests, as in a BuildKit cache."""
    attestations: dict[Digest, dict[Digest, Descriptor]] = field(default_factory=dict)

    def attach(self, descriptor: Descriptor) -> None:
        """Keep an attestation manifest with the image manifest it's about."""
        subject = descriptor.attests
        if subject is not None:
            self.attestations.setdefault(subject, {})[descriptor.digest] = descriptor

    def divide(self, manifests: Iterable[Found], store: BlobStore) -> None:
        """Tell the manifests that the store has from those that it hasn't."""
        for one in manifests:
            here = store.has(blob_path(one.descriptor.digest))
            (self.manifests if here else self.absent).append(one)

    def adopt(self, siblings: Sequence[Descriptor]) -> None:
        """Give an index's attestations about images that it doesn't list to its images without one, in order.

        A tool that compresses the layers again, such as `skopeo copy --all`, changes the digest of each manifest but not
        the attestation's annotation, which still names the old one.
        """
        listed = dict.fromkeys(each.digest for each in siblings if not each.is_attestation)
        subjects = dict.fromkeys(each.attests for each in siblings if each.is_attestation)
        orphans = [each for each in subjects if each is not None and each not in listed]
        bare = [each for each in listed if each not in self.attestations]
        if len(orphans) == len(bare):
            for subject, image in zip(orphans, bare, strict=True):
                self.attestations[image] = self.attestations[subject]


class LayoutReader:
    """Reads and verifies the documents in a layout, each index once."""

    def __init__(self, store: BlobStore, request: Request) -> None:
        self._store = store
        self._limits = request.limits
        self._indexes: dict[Digest, Index | None] = {}

    def _document(self, descriptor: Descriptor, what: str, max_bytes: int) -> Node | None:
        name = f"{self._store.name}: {what} {descriptor.digest}"
        return read_verified(
            self._store, descriptor.digest, descriptor.size, name, max_bytes, self._limits
        )

    def _missing(self, descriptor: Descriptor, what: str) -> FormatError:
        return FormatError(
            f"{self._store.name}: {what} {descriptor.digest} is missing",
            hint="save the image again",
        )

    def index(self, descriptor: Descriptor) -> Index | None:
        """The index that a descriptor refers to, or None for a manifest or a missing index."""
        if descriptor.media_type and descriptor.media_type not in media_types.INDEXES:
            return None
        if descriptor.digest not in self._indexes:
            node = self._document(descriptor, "the index", self._limits.bound("index_bytes"))
            found = (
                parse_index_or_manifest(node, descriptor.media_type, max_layers=self._limits.layers)
                if node is not None
                else None
            )
            self._indexes[descriptor.digest] = found if isinstance(found, Index) else None
        return self._indexes[descriptor.digest]

    def manifest(self, descriptor: Descriptor) -> Manifest:
        """The image manifest that a descriptor refers to; raises `FormatError` if it's missing or not a manifest."""
        if descriptor.media_type in media_types.SCHEMA_1:
            raise UnsupportedFormat(
                f"{self._store.name}: {descriptor.digest} is a schema 1 image manifest, which registries no longer support",
                hint="pull and push the image with a current engine",
            )
        node = self._document(descriptor, "the manifest", self._limits.bound("manifest_bytes"))
        if node is None:
            raise self._missing(descriptor, "the manifest")
        manifest = parse_index_or_manifest(
            node, descriptor.media_type, max_layers=self._limits.layers
        )
        if isinstance(manifest, Index):
            node.fail("is an index, but its descriptor says manifest")
        return manifest

    def config(self, descriptor: Descriptor) -> Node:
        """The config that a descriptor refers to; raises `FormatError` if it's missing."""
        node = self._document(descriptor, "the config", self._limits.bound("config_bytes"))
        if node is None:
            raise self._missing(descriptor, "the config")
        return node

    def platform(self, found: Found) -> Platform:
        """The platform in the index, or else the one in the image's config."""
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
            check_size(blob.size, layer.size, name)
            statements.append(
                Attestation(
                    predicate_type=layer.annotation(_PREDICATE_TYPE) or "",
                    digest=layer.digest,
                    blob=blob,
                )
            )
        return statements


def walk(store: BlobStore, request: Request, reader: LayoutReader) -> Layout:
    """Follow nested indexes without recursion, each once per entry that leads to it."""
    limits = request.limits
    found = read_document(store, INDEX, limits.bound("index_bytes"), limits)
    if found is None:
        raise FormatError(f"{store.name} has no {INDEX}")
    layout = Layout()
    manifests: dict[Digest, Found] = {}
    visits = 0
    top_level = Index.parse(found[0]).manifests
    lists: dict[Digest | None, Sequence[Descriptor]] = {None: top_level}
    for top in top_level:
        tags = dict.fromkeys(_tags(top))
        seen: set[Digest] = set()
        waiting = [(top, 1)]
        while waiting:
            descriptor, depth = waiting.pop()
            visits += 1
            if visits > _VISITS:
                raise LimitExceeded(
                    f"{store.name} lists more than {_VISITS} manifests", hint=FormatError.remedy
                )
            if descriptor.is_attestation:
                layout.attach(descriptor)
                continue
            if media_types.is_no_manifest(descriptor.media_type):
                layout.others += [descriptor] if len(layout.others) < limits.layers else []
                continue
            if descriptor.digest in seen:
                continue
            seen.add(descriptor.digest)
            index = reader.index(descriptor)
            if index is not None:
                if depth >= limits.index_depth:
                    raise LimitExceeded(
                        f"{store.name} nests indexes deeper than the {limits.index_depth} allowed",
                        limit="index_depth",
                    )
                lists[descriptor.digest] = index.manifests
                waiting += [(child, depth + 1) for child in reversed(index.manifests)]
                continue
            one = manifests.setdefault(descriptor.digest, Found(descriptor, descriptor.platform))
            one.tags.update(tags)
            if one.index is None and descriptor is not top:
                one.index = top.digest
            one.platform = one.platform or descriptor.platform
    for siblings in lists.values():
        layout.adopt(siblings)
    layout.divide(manifests.values(), store)
    return layout


def _tags(descriptor: Descriptor) -> list[str]:
    """An entry's names: the full name that containerd writes, and the tag or name that everyone else writes."""
    full = descriptor.annotation(CONTAINERD_NAME)
    name = descriptor.annotation(REF_NAME)
    tags = [familiar(full)] if full else []
    if name and not (full and (full.endswith(f":{name}") or full == name)):
        tags.append(familiar(name))
    return tags
