"""OCI image layouts (opencontainers/image-spec image-layout.md), in a folder or in an archive."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from layerscope.errors import FormatError, ImageNotFound, UnsupportedFormat
from layerscope.image import media_type as media_types
from layerscope.image.descriptor import Descriptor
from layerscope.image.digest import Digest
from layerscope.image.image import Attestation, Image, Siblings
from layerscope.image.platform import Platform, naming
from layerscope.notes import Notes
from layerscope.sources.artifacts import not_a_manifest, not_an_image
from layerscope.sources.assemble import Parts, assemble
from layerscope.sources.layout import Found, Layout, LayoutReader, walk
from layerscope.sources.members import INDEX, LAYOUT
from layerscope.sources.names import ambiguous, choose, listing, not_found
from layerscope.sources.source import Request
from layerscope.sources.store import (
    BlobStore,
    ExplainsLoss,
    HasReferrers,
    blob_path,
    check_size,
    read_document,
)
from layerscope.sources.stored import StoredLayer

_COSIGN = "dev.cosignproject.cosign/"
"""How `cosign save` marks the images in a layout, and their signatures."""


def open_layout(
    store: BlobStore,
    request: Request,
    notes: Notes,
    source: str,
    closers: tuple[Callable[[], None], ...],
) -> Image:
    """The image in a layout; raises `AmbiguousImage` if you must choose one, `ImageNotFound`, and `FormatError`."""
    return assemble(index_parts(store, request, notes, source), request, notes, closers)


def index_parts(
    store: BlobStore,
    request: Request,
    notes: Notes,
    source: str,
    *,
    names_of: Callable[[Digest], list[str]] | None = None,
) -> Parts:
    """What the index says about the image. `names_of` returns more names for the image with a given config digest.

    Raises `FormatError` if the index doesn't fit the config.
    """
    _check_version(store, request, notes)
    reader = LayoutReader(store, request)
    layout = walk(store, request, reader)
    if not request.every_platform:
        found = _choose(store, layout, request, reader, names_of, notes)
        return _parts(store, request, notes, source, reader, layout, found, names_of)
    images = _every(store, layout, request, reader, names_of)
    known = tuple(notes)

    def open_one(number: int) -> Image:
        own = Notes()
        own.extend(known)
        with naming(reader.platform(images[number])):
            parts = _parts(store, request, own, source, reader, layout, images[number], names_of)
            return assemble(parts, request, own, ())

    with naming(reader.platform(images[0])):
        parts = _parts(store, request, notes, source, reader, layout, images[0], names_of)
    siblings = Siblings(
        platforms=tuple(map(reader.platform, images)),
        open=open_one,
        absent=tuple(one.platform or Platform("", "") for one in layout.absent),
        index_digest=images[0].index,
    )
    return replace(parts, siblings=siblings)


def _every(
    store: BlobStore,
    layout: Layout,
    request: Request,
    reader: LayoutReader,
    names_of: Callable[[Digest], list[str]] | None,
) -> list[Found]:
    """The images of one name for all platforms. Raises `AmbiguousImage` where there are several names."""
    choices = _choices(store, layout, request, reader, names_of)
    choices = [one for one in choices if not _is_artifact(one)] or choices
    if len({frozenset(one.tags) for one in choices}) > 1:
        described = [one.describe(False) for one in choices]
        raise ambiguous(store.name, described, "--tag (a tag or a digest)")
    return choices


def _parts(
    store: BlobStore,
    request: Request,
    notes: Notes,
    source: str,
    reader: LayoutReader,
    layout: Layout,
    found: Found,
    names_of: Callable[[Digest], list[str]] | None,
) -> Parts:
    """What is known of one of the images that the index lists."""
    manifest = reader.manifest(found.descriptor)
    if not manifest.is_image:
        raise not_an_image(store.name, found.descriptor, manifest)
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
        attestations=_attestations(store, layout, found.descriptor.digest, reader, request, notes),
        is_chosen_by_platform=len(layout.manifests) > 1,
    )
    parts.diff_ids(request.limits)
    return parts


def _check_version(store: BlobStore, request: Request, notes: Notes) -> None:
    found = read_document(store, LAYOUT, request.limits.bound("manifest_bytes"), request.limits)
    if found is None:
        notes.add(
            "oci-layout-missing",
            f"{store.name} has no oci-layout file, which the specification requires",
        )
        return
    version = found[0].text("imageLayoutVersion")
    if version.partition(".")[0] != "1":
        raise UnsupportedFormat(
            f"{store.name} is an OCI image layout of version {version!r}, not 1"
        )


def _choices(
    store: BlobStore,
    layout: Layout,
    request: Request,
    reader: LayoutReader,
    names_of: Callable[[Digest], list[str]] | None,
) -> list[Found]:
    """The images that the layout holds, or those of them that `--tag` names; at least one."""
    choices = layout.manifests
    if not choices:
        if layout.absent:
            raise FormatError(
                f"{store.name} has none of the manifests that its index lists ({len(layout.absent)}):"
                f" {listing(map(str, layout.absent))}"
            )
        if layout.others:
            raise not_a_manifest(store.name, layout.others)
        raise FormatError(f"{store.name}: {INDEX} does not list an image")
    if request.tag is not None:
        choices = _named(store, layout, request.tag, reader, names_of)
    return choices


def _choose(
    store: BlobStore,
    layout: Layout,
    request: Request,
    reader: LayoutReader,
    names_of: Callable[[Digest], list[str]] | None,
    notes: Notes,
) -> Found:
    choices = _choices(store, layout, request, reader, names_of)
    if len(choices) > 1:
        choices = [one for one in choices if not _is_artifact(one)] or choices
    wanted = request.platform
    if wanted is not None:
        choices = _for_platform(wanted, choices, reader) or _fail_platform(
            store, wanted, choices, layout
        )
    elif len(choices) > 1 and len({frozenset(one.tags) for one in choices}) == 1:
        host = Platform.of_host()
        found = _for_platform(host, choices, reader)
        if len(found) == 1:
            offered = listing(str(one.platform) for one in choices)
            notes.add(
                "platform-chosen",
                f"there are images for {offered}; this is the one for {host} (--platform picks another)",
            )
        choices = found or choices
    if len(choices) == 1:
        return choices[0]
    for one in choices:
        reader.platform(one)
    same_name = len({frozenset(one.tags) for one in choices}) == 1
    several_platforms = len({one.platform for one in choices}) > 1
    by_platform = same_name and several_platforms and wanted is None
    option = "--platform" if by_platform else "--tag (a tag or a digest)"
    tags = (
        () if by_platform else (next(iter(one.tags), str(one.descriptor.digest)) for one in choices)
    )
    raise ambiguous(store.name, [one.describe(same_name) for one in choices], option, tags)


def _is_artifact(found: Found) -> bool:
    descriptor = found.descriptor
    cosign = (descriptor.annotation("kind") or "").partition(_COSIGN)[2]
    if cosign and cosign not in ("image", "imageIndex"):
        return True
    return bool(descriptor.artifact_type) or descriptor.platform == Platform("unknown", "unknown")


def _named(
    store: BlobStore,
    layout: Layout,
    tag: str,
    reader: LayoutReader,
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


def _for_platform(wanted: Platform, choices: list[Found], reader: LayoutReader) -> list[Found]:
    """The choices for a platform: an exact match, or else its usual meaning, or any variant if none was given."""
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
            f"{store.name} lists an image for {wanted} but does not hold it, only {offered}",
            hint=f"pull it with --platform {wanted} and save it again",
        )
    raise ImageNotFound(
        f"{store.name} holds no image for {wanted}, only {offered}",
        hint="pick another with --platform",
    )


def _stored_layer(store: BlobStore, descriptor: Descriptor) -> StoredLayer:
    blob = store.find(blob_path(descriptor.digest))
    if blob is None:
        if not (media_types.is_foreign(descriptor.media_type) or descriptor.has_urls):
            if isinstance(store, ExplainsLoss):
                raise store.lost(descriptor.digest)
            raise FormatError(
                f"{store.name}: the layer {descriptor.digest} is missing",
                hint="save the image again",
            )
    else:
        check_size(blob.size, descriptor.size, f"{store.name}: the layer {descriptor.digest}")
    return StoredLayer(
        digest=descriptor.digest,
        media_type=descriptor.media_type,
        size=descriptor.size,
        blob=blob,
        annotations=descriptor.annotations,
    )


def _attestations(
    store: BlobStore,
    layout: Layout,
    digest: Digest,
    reader: LayoutReader,
    request: Request,
    notes: Notes,
) -> tuple[Attestation, ...]:
    """The statements about the chosen manifest. An unreadable one becomes a note, because the image doesn't need it."""
    statements: list[Attestation] = []
    found = list(layout.attestations.get(digest, {}).values())
    try:
        if not found and not request.head and isinstance(store, HasReferrers):
            found = store.referrers(digest)
        for descriptor in found:
            statements += reader.statements(descriptor)
    except FormatError as error:
        notes.add("attestation-unreadable", error.message)
    return tuple(statements)
