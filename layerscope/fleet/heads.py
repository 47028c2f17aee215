"""Reading the manifests and configs of images, on a worker: everything about an image except its layers."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from layerscope.errors import AmbiguousImage, LayerscopeError, SourceUnavailable, UsageError
from layerscope.fleet.index_store import layer_key
from layerscope.fleet.values import (
    Failed,
    HeadFound,
    HeadJob,
    LayerPlace,
    Reading,
    Several,
    Unchanged,
    Wanted,
)
from layerscope.image.image import Image, Layer
from layerscope.image.media_type import is_tar_layer
from layerscope.image.platform import Platform
from layerscope.layers.compression import zstd
from layerscope.sources import open_image
from layerscope.sources.registry.lent import lending
from layerscope.sources.source import Request

SCHEMES: Final = ("registry", "docker-archive", "oci-archive", "oci-dir", "dir")
"""Where the images of a fleet can live: in places that any machine reads without an engine."""

Head = HeadFound | Unchanged | Several | Failed


@dataclass(frozen=True, slots=True)
class AbsentBlob:
    """A blob that is known by its size alone. Its layer's index is read from elsewhere."""

    name: str
    size: int
    number: int

    @property
    def key(self) -> tuple[int, int, int]:
        return -1, self.number, self.size

    @property
    def closed(self) -> bool:
        return False

    def check_unchanged(self) -> None:
        """Nothing is read, so nothing changes."""

    def read_at(self, position: int, count: int) -> bytes:
        raise SourceUnavailable(f"{self.name} is not available", hint="scan the image again")


def read_heads(job: HeadJob) -> list[Head]:
    """Read the manifest of each image. An image that can't be read is a failure, not an error."""
    with lending(job.lent):
        return [_read(wanted, job.reading) for wanted in job.wanted]


def _read(wanted: Wanted, reading: Reading) -> Head:
    try:
        root, image = opened(wanted, reading)
        if image is None:
            return Unchanged(wanted)
        with image:
            return _head(wanted, root, image)
    except AmbiguousImage as error:
        return _several(wanted, reading, error)
    except (LayerscopeError, OSError, MemoryError, RecursionError) as error:
        return Failed.of(error, wanted, "image")
    except Exception as error:  # noqa: BLE001 - a bug in one image must not end the scan
        return Failed.of(error, wanted, "image")


def _several(wanted: Wanted, reading: Reading, error: AmbiguousImage) -> Several | Failed:
    """A reference for each image in a file."""
    path = wanted.reference
    if not error.tags or not path.startswith("/"):
        return Failed.of(error, wanted, "image")
    try:
        with open_image(
            path, platform=reading.platform, tag=error.tags[0], limits=reading.limits
        ) as first:
            source = first.source
    except (LayerscopeError, OSError) as worse:
        return Failed.of(worse, wanted, "image")
    return Several(wanted, tuple(f"{source}:{path}:{tag}" for tag in error.tags))


def opened(wanted: Wanted, reading: Reading) -> tuple[str, Image | None]:
    """What the name refers to, and the image; None instead of the image if it's what it was. Raises `LayerscopeError`."""
    scheme, _, target = wanted.reference.partition(":")
    if wanted.reference.startswith("/"):
        scheme, target = "", wanted.reference
    elif scheme not in SCHEMES:
        raise UsageError(
            f"{wanted.reference[:200]!r} is not in a registry, an archive, or a layout",
            hint=f"begin it with one of {', '.join(f'{each}:' for each in SCHEMES)}",
        )
    chosen = reading.platform or ""
    if scheme == "registry":
        from layerscope.sources.registry import open_changed

        known = wanted.root.partition(" ") if wanted.root else ("", "", "")
        digest, image = open_changed(
            target, request_of(wanted, reading), known[0] if known[2] == chosen else None
        )
        return f"{digest} {chosen}", image
    root = f"{_stamp(target)} {chosen}"
    if root == wanted.root:
        return root, None
    return root, open_local(wanted, reading)


def open_local(wanted: Wanted, reading: Reading) -> Image:
    """The image in a file or a folder. Raises `LayerscopeError`."""
    return open_image(
        wanted.reference, platform=reading.platform, limits=reading.limits, shelf=None
    )


def request_of(wanted: Wanted, reading: Reading) -> Request:
    """The request to a registry."""
    return Request(
        reference=wanted.reference,
        platform=None if reading.platform is None else Platform.parse(reading.platform),
        insecure=reading.insecure,
        token_servers=reading.token_servers,
        limits=reading.limits,
    )


def _stamp(target: str) -> str:
    """A text that changes when a file or a layout does."""
    from layerscope.sources.files import split_tag

    path, _ = split_tag(target)
    rows = []
    for name in ("", "index.json", "manifest.json"):
        try:
            status = os.stat(os.path.join(path, name) if name else path)
        except OSError:
            continue
        rows.append(f"{name}{status.st_size},{status.st_mtime_ns},{status.st_ino}")
    return ";".join(rows)


def _head(wanted: Wanted, root: str, image: Image) -> HeadFound:
    places = tuple(_places(image))
    bare = replace(
        image,
        layers=tuple(_without_blob(layer) for layer in image.layers),
        attestations=(),
        siblings=None,
        closers=(),
    )
    return HeadFound(
        wanted=wanted,
        root=root,
        image=_name(image),
        created=image.config.created,
        packed=bytes(zstd().compress(pickle.dumps(bare))),
        layers=places,
    )


def unpacked_image(packed: bytes) -> Image:
    """The image that `HeadFound.packed` is. It only ever comes from this scan's own workers."""
    image = pickle.loads(zstd().decompress(packed))  # noqa: S301
    assert isinstance(image, Image)
    return image


def _places(image: Image) -> Iterator[LayerPlace]:
    for layer in image.layers:
        digest = None if layer.digest is None else str(layer.digest)
        diff_id = None if layer.diff_id is None else str(layer.diff_id)
        readable = layer.blob is not None and is_tar_layer(layer.media_type)
        size = layer.size if layer.blob is None else layer.blob.size
        yield LayerPlace(layer_key(digest, diff_id), digest, diff_id, size, readable)


def _without_blob(layer: Layer) -> Layer:
    if layer.blob is None:
        return layer
    digest = None if layer.digest is None else str(layer.digest)
    key = layer_key(digest, None if layer.diff_id is None else str(layer.diff_id))
    # A layer that an image lists twice has one blob.
    return replace(layer, blob=AbsentBlob(layer.blob.name, layer.blob.size, int(key[:15], 16)))


def _name(image: Image) -> str:
    """What tells an image from all others: its manifest's digest, or its config's for a plain archive.

    An archive without a manifest whose layers are compressed gets a name from all of them, since the config alone doesn't
    say how they are stored.
    """
    if image.manifest_digest is not None:
        return str(image.manifest_digest)
    if all(layer.digest in (None, layer.diff_id) for layer in image.layers):
        return str(image.config_digest)
    names = [str(image.config_digest), *(str(layer.digest) for layer in image.layers)]
    return "sha256:" + hashlib.sha256(" ".join(names).encode()).hexdigest()
