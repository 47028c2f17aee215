"""containerd's metadata: which images its namespaces have. It is a bbolt database, read without a lock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Final

from layerscope.errors import FormatError, SourceUnavailable
from layerscope.image.blob import Blob
from layerscope.image.digest import Digest
from layerscope.records import dataclass
from layerscope.sources.names import is_same
from layerscope.sources.store import FolderStore
from layerscope.sources.stores.bolt import Bolt, Bucket

DATABASE: Final = "io.containerd.metadata.v1.bolt/meta.db"
_SCHEMA: Final = b"v1"
_TRIES: Final = 5
_SHORTEST_ID: Final = 7


@dataclass(frozen=True, slots=True)
class Named:
    """An image in a namespace: its full name and the digest of its index or manifest."""

    namespace: str
    name: str
    digest: Digest


def has_database(root: str) -> bool:
    """Whether this user can read the metadata below a root."""
    return os.access(f"{root}/{DATABASE}", os.R_OK)


def images_named(root: str, wanted: str, namespace: str | None) -> list[Named]:
    """The images that a name, a digest, or the beginning of one refers to, in one namespace or in all.

    Raises `FormatError` for a database that layerscope can't read, and `SourceUnavailable` for one that can't be opened
    or that keeps changing.
    """
    folder = FolderStore(root)
    try:
        for _ in range(_TRIES):
            blob = folder.find(DATABASE)
            if blob is None:
                raise SourceUnavailable(f"{root} has no {DATABASE}")
            try:
                bolt = Bolt(blob)
                found = list(_matches(bolt, wanted, namespace))
            except FormatError:
                # Pages may have been written over while they were read.
                if not _has_changed(blob):
                    raise
            else:
                if bolt.unchanged():
                    return found
            folder.forget(DATABASE)
        raise SourceUnavailable(f"{root}/{DATABASE} keeps changing", hint="try again")
    finally:
        folder.close()


def _has_changed(blob: Blob) -> bool:
    try:
        blob.check_unchanged()
    except SourceUnavailable:
        return True
    return False


def _matches(bolt: Bolt, wanted: str, namespace: str | None) -> Iterator[Named]:
    schema = bolt.root().bucket(_SCHEMA)
    if schema is None:
        raise bolt.wrong("it has no bucket v1")
    spaces: list[tuple[bytes, Bucket]] = []
    if namespace is None:
        spaces = list(schema.buckets())
    elif (one := schema.bucket(namespace.encode())) is not None:
        spaces = [(namespace.encode(), one)]
    for space, bucket in spaces:
        images = bucket.bucket(b"images")
        if images is None:
            continue
        named = []
        by_digest = []
        for key, image in images.buckets():
            name = key.decode("utf-8", "replace")
            if name == wanted or is_same(wanted, name):
                named.append(_named(bolt, space, name, image))
            elif _may_be_id(wanted):
                one_image = _named(bolt, space, name, image)
                if _is_id(wanted, one_image.digest):
                    by_digest.append(one_image)
        exact = [image for image in named if image.name == wanted]
        yield from exact or named or by_digest[:1]


def _named(bolt: Bolt, space: bytes, name: str, image: Bucket) -> Named:
    target = image.bucket(b"target")
    digest = None if target is None else target.value(b"digest")
    if digest is None:
        raise bolt.wrong(f"the image {name[:80]!r} has no digest")
    text = digest.decode("ascii", "replace")
    return Named(space.decode("utf-8", "replace"), name, Digest.parse(text, name[:80]))


def _may_be_id(wanted: str) -> bool:
    return len(wanted) >= _SHORTEST_ID and "/" not in wanted


def _is_id(wanted: str, digest: Digest) -> bool:
    return wanted == str(digest) or digest.hex.startswith(wanted)
