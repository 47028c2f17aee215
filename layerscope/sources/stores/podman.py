"""Podman's own store, for root and for users who run it without root."""

from __future__ import annotations

import os
from typing import Final

from layerscope.image.digest import Digest
from layerscope.image.image import Image
from layerscope.sources.engine import Place, locate, saved_name
from layerscope.sources.source import Request
from layerscope.sources.stores import NotReadable, check_readable, from_store, refuse_remote
from layerscope.sources.stores.containers_storage import (
    DRIVER,
    IMAGES,
    LAYERS,
    open_containers_storage,
)
from layerscope.sources.stores.graph_driver import StoredImage

_UPPER: Final = ("diff", DRIVER)


def open_stored_by_api(place: Place, name: str, request: Request, source: str) -> Image | None:
    """The image from the store of a Podman that listens on a socket of this machine; None if it has to be exported."""
    if not place.is_local:
        return from_store(refuse_remote, str(place), request)
    located = locate(place, name, request)

    def open_it() -> Image:
        info = located.info
        return _open(info.root, info.driver, located.image.id, located.tag, name, request, source)

    return from_store(open_it, str(place), request)


def open_stored_by_command(
    name: str,
    request: Request,
    source: str,
    *,
    image_id: str,
    tag: str | None,
    driver: str,
    upper: str,
) -> Image | None:
    """The image from the store that the `podman` command names. `upper` is the folder of the top layer's files."""

    def open_it() -> Image:
        above, last = os.path.split(upper)
        above, _ = os.path.split(above)
        root, folder = os.path.split(above)
        if (last, folder) != _UPPER and driver == DRIVER:
            raise NotReadable("podman doesn't say where the image is", hint="use --via export")
        return _open(root, driver, image_id, tag, name, request, source)

    return from_store(open_it, "podman", request)


def _open(
    root: str,
    driver: str,
    image_id: str,
    tag: str | None,
    name: str,
    request: Request,
    source: str,
) -> Image:
    if driver != DRIVER:
        raise NotReadable(f"its storage driver is {driver}, not {DRIVER}", hint="use --via export")
    for folder in (root, f"{root}/{IMAGES}", f"{root}/{LAYERS}"):
        check_readable(folder)
    text = image_id if ":" in image_id else f"sha256:{image_id}"
    image = StoredImage(id=Digest.parse(text, "the image's ID"), tag=tag, name=saved_name(name))
    return open_containers_storage(root, image, request, source)
