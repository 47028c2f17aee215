"""Docker's own stores: its graph driver, or the containerd that it runs."""

from __future__ import annotations

from typing import Final

from layerscope.image.digest import Digest
from layerscope.image.image import Image
from layerscope.sources.engine import Located, Place, locate, saved_name
from layerscope.sources.names import normal
from layerscope.sources.source import Request
from layerscope.sources.stores import NotReadable, check_readable, from_store, refuse_remote
from layerscope.sources.stores.content import CONTENT, Target, holds, open_content
from layerscope.sources.stores.graph_driver import DRIVER, StoredImage, open_graph_driver

_FIRST_LAYOUT: Final = (1, 44)
"""The API of Docker 25, the first one whose saves are OCI layouts."""


_SYSTEM_CONTAINERD: Final = "/var/lib/containerd"


def open_stored(place: Place, name: str, request: Request, source: str) -> Image | None:
    """The image from the store of a Docker engine on this machine; None if it has to be exported."""
    if not place.is_local:
        return from_store(refuse_remote, str(place), request)
    located = locate(place, name, request)
    return from_store(lambda: _open(located, name, request, source), str(place), request)


def _open(located: Located, name: str, request: Request, source: str) -> Image:
    info = located.info
    if info.snapshots:
        return _open_content(located, name, request, source)
    if info.driver != DRIVER:
        raise NotReadable(
            f"its storage driver is {info.driver}, not {DRIVER}", hint="use --via export"
        )
    check_readable(info.root)
    check_readable(f"{info.root}/image/{DRIVER}")
    image_id = Digest.parse(located.image.id, "the image's ID")
    image = StoredImage(id=image_id, tag=located.tag, name=saved_name(name))
    return open_graph_driver(info.root, image, request, source, as_layout=info.api >= _FIRST_LAYOUT)


def _open_content(located: Located, name: str, request: Request, source: str) -> Image:
    """The image in the containerd that Docker runs, or in that of the machine."""
    digest = Digest.parse(located.image.id, "the image's ID")
    own = f"{located.info.root}/containerd/daemon"
    root = next((root for root in (own, _SYSTEM_CONTAINERD) if holds(root, digest)), own)
    check_readable(f"{root}/{CONTENT}")
    tag = located.tag
    target = Target(
        digest=digest, full_name=None if tag is None else normal(tag), name=saved_name(name)
    )
    return open_content(root, target, request, source)
