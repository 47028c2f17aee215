"""Images that an engine doesn't have to export, because everything that is read from them is known.

The first export stores the archive's skeleton in the cache, keyed by what the engine says about the image. As long as the
engine says the same and all layers are known, the image is opened from the skeleton. The export runs only when content
is read.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import field, replace
from typing import Final

from layerscope.errors import FormatError, LayerscopeError, SourceUnavailable
from layerscope.image.blob import Blob, DeferredBlob, OpenFile
from layerscope.image.image import Image, Layer
from layerscope.image.media_type import is_tar_layer
from layerscope.layers.compression import sniff
from layerscope.records import dataclass
from layerscope.sources.local import open_archive
from layerscope.sources.skeleton import HEAD, Skeleton
from layerscope.sources.source import Request
from layerscope.sources.temporary import NotSieved

Export = Callable[[bool], OpenFile]
"""Makes the engine save the image, and keeps the archive in a file: with its layers if the argument is True.

Without them, raises `NotSieved` if it needs them to understand the archive.
"""
_IMAGE: Final = "image-"


def open_exported(
    name: str,
    request: Request,
    source: str,
    *,
    export: Export,
    identity: Callable[[], str],
    vouched_by: str,
) -> Image:
    """The image that an engine exports, or the same image without an export.

    `identity` determines what an export would contain. `vouched_by` is the engine, for `Layer.vouched_by`.
    """
    folder = None if request.shelf is None else request.shelf.folder
    key = None
    if folder is not None and not request.every_platform:
        key = _key(identity(), name, request, source)
        value = folder.read(key)
        if value is not None:
            image = _open_known(value, name, request, source, export, vouched_by)
            if image is not None:
                return image
    file, image = exported(export, request, source)
    image = vouched(image, vouched_by)
    if folder is None or key is None:
        return image
    try:
        skeleton = _skeleton(file, image, name, request, source)
        if skeleton is not None:
            folder.write(key, skeleton.to_bytes())
    except BaseException:
        image.close()
        raise
    return image


def exported(export: Export, request: Request, source: str) -> tuple[OpenFile, Image]:
    """The archive and the image in it. If its contents aren't wanted, reading them exports it again."""
    sieves = request.head or (not request.contents and request.shelf is not None)
    if sieves and not request.every_platform:
        try:
            file = export(False)
            image = open_archive(file, request, source)
        except (NotSieved, FormatError):
            pass  # the whole archive is easier to read, or says what is wrong
        else:
            return file, _with_contents_later(image, export, request, source)
    file = export(True)
    return file, open_archive(file, request, source)


def _with_contents_later(image: Image, export: Export, request: Request, source: str) -> Image:
    later = _Later(export, request, source)
    layers = tuple(
        _deferred(layer, later) if isinstance(layer.blob, DeferredBlob) else layer
        for layer in image.layers
    )
    return replace(image, layers=layers, closers=(*image.closers, later.close))


def _key(identity: str, name: str, request: Request, source: str) -> str:
    words = [
        source,
        identity,
        name,
        str(request.platform),
        str(request.tag),
    ]
    return _IMAGE + hashlib.sha256("\0".join(words).encode()).hexdigest()


def vouched(image: Image, engine: str) -> Image:
    """The image, with plain layers vouched for by the engine that made them. It doesn't vouch for blobs it only stores."""

    def of(layer: Layer) -> Layer:
        if (
            layer.blob is None
            or layer.digest not in (None, layer.diff_id)
            or sniff(layer.blob) != "none"
        ):
            return layer
        return replace(layer, vouched_by=engine)

    return replace(image, layers=tuple(map(of, image.layers)))


def _skeleton(
    file: OpenFile, image: Image, name: str, request: Request, source: str
) -> Skeleton | None:
    """The skeleton of the archive, if it gives the same image."""
    blobs = [layer.blob for layer in image.layers if isinstance(layer.blob, Blob | DeferredBlob)]
    skeleton = Skeleton.of(file, [blob.key[1:] for blob in blobs])
    if skeleton is None:
        return None
    try:
        with open_archive(skeleton.open(name), request, source) as again:
            same = _told(again) == _told(image)
    except LayerscopeError:
        return None
    return skeleton if same else None


def _told(image: Image) -> Image:
    """Everything an image says about itself, without the files it is read from."""
    return replace(
        image,
        layers=tuple(replace(layer, blob=None, vouched_by=None) for layer in image.layers),
        attestations=(),
        closers=(),
    )


def _open_known(
    value: bytes, name: str, request: Request, source: str, export: Export, vouched_by: str
) -> Image | None:
    """The image from its skeleton; None if one of its layers is unknown."""
    try:
        file = Skeleton.from_bytes(value).open(f"the save of {name!r}")
        image = vouched(open_archive(file, request, source), vouched_by)
    except FormatError:
        return None
    later = _Later(export, request, source)
    layers = tuple(_deferred(layer, later) for layer in image.layers)
    image = replace(image, layers=layers, closers=(*image.closers, later.close))
    shelf = request.shelf
    assert shelf is not None
    if not request.head and any(
        layer.blob is not None
        and is_tar_layer(layer.media_type)
        and shelf.find(layer, verify="auto", limits=request.limits) is None
        for layer in layers
    ):
        image.close()
        return None
    return image


def _deferred(layer: Layer, later: _Later) -> Layer:
    blob = layer.blob
    if not isinstance(blob, Blob | DeferredBlob):
        return layer
    index = layer.index
    deferred = DeferredBlob(
        blob.name,
        blob.size,
        blob.read_at(0, HEAD),
        blob.key,
        lambda: later.blob(index, layer),
        blob.early if isinstance(blob, DeferredBlob) else None,
    )
    return replace(layer, blob=deferred)


@dataclass(slots=True)
class _Later:
    """The export to read contents from, which runs on first use."""

    export: Export
    request: Request
    source: str
    _image: Image | None = None
    _closed: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def blob(self, index: int, layer: Layer) -> Blob:
        """The stored bytes of a layer. Raises what the export raises, and `SourceUnavailable` if the image changed."""
        with self._lock:
            if self._closed:
                raise SourceUnavailable(f"{self.request.reference} is closed")
            if self._image is None:
                self._image = open_archive(self.export(True), self.request, self.source)
            layers = self._image.layers
        found = layers[index] if index < len(layers) else None
        if (
            found is None
            or found.diff_id != layer.diff_id
            or found.size != layer.size
            or not isinstance(found.blob, Blob)
        ):
            raise SourceUnavailable(
                f"{self.request.reference} changed since it was read", hint="read it again"
            )
        return found.blob

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._image is not None:
                self._image.close()
                self._image = None
