"""Images in a registry, read over the network without an engine (OCI distribution specification)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from layerscope.errors import ImageNotFound, SourceError
from layerscope.image.blob import StoredBlob
from layerscope.image.digest import Digest
from layerscope.image.image import Image
from layerscope.notes import Notes
from layerscope.sources.oci import open_layout
from layerscope.sources.registry.client import Client, Endpoint
from layerscope.sources.registry.mirrors import endpoints
from layerscope.sources.registry.name import RegistryName
from layerscope.sources.registry.remote_blob import RemoteBlob
from layerscope.sources.registry.spools import Spools
from layerscope.sources.registry.store import RegistryStore
from layerscope.sources.registry.transport import Transport
from layerscope.sources.source import Request

NAME: Final = "registry"


def open_target(target: str, request: Request) -> Image:
    """The image in a registry or one of its mirrors. Its layers are fetched when they're read.

    Raises `ImageNotFound`, `SourceUnavailable`, `ConfigError`, and `FormatError`.
    """
    image = open_changed(target, request, None)[1]
    assert image is not None
    return image


def open_changed(target: str, request: Request, known: str | None) -> tuple[str, Image | None]:
    """The digest of what the name refers to, and the image, or None if the digest is the `known` one.

    One request tells whether it changed. Raises what `open_target` raises.
    """
    name = RegistryName.parse(target, request.reference)
    store = _open_first(name, endpoints(name), request)
    try:
        if str(store.root) == known:
            store.close()
            return str(store.root), None
        image = open_layout(store, request, Notes(), NAME, (store.close,))
    except BaseException:
        store.close()
        raise
    return str(store.root), image


@contextmanager
def opened_blob(target: str, digest: Digest, size: int, request: Request) -> Iterator[StoredBlob]:
    """A blob of the repository that `target` names, from the registry or one of its mirrors, whose manifest isn't asked for.

    Raises `SourceError`, here or when the blob is read.
    """
    name = RegistryName.parse(target, request.reference)
    places = endpoints(name)
    for number, place in enumerate(places):
        transport = Transport(insecure=request.insecure or place.insecure)
        client = Client(place, transport, realms=request.token_servers, cancelled=request.cancelled)
        spools = Spools(request.limits)
        blob = RemoteBlob(client, digest, size, f"registry:{name.shown}: {digest}", spools)
        try:
            if number < len(places) - 1:
                try:
                    blob.head(1)
                except SourceError:
                    continue
            yield blob
        finally:
            blob.close()
            transport.close()
        return


def _open_first(name: RegistryName, places: list[Endpoint], request: Request) -> RegistryStore:
    """The first place that has the image. The error says what each place responded."""
    problems: list[SourceError] = []
    for place in places:
        transport = Transport(insecure=request.insecure or place.insecure)
        client = Client(place, transport, realms=request.token_servers, cancelled=request.cancelled)
        try:
            return RegistryStore(client, name, request.limits)
        except SourceError as error:
            transport.close()
            problems.append(error)
        except BaseException:
            transport.close()
            raise
    last = problems[-1]
    if len(problems) == 1:
        raise last
    kind = type(last) if isinstance(last, ImageNotFound) else SourceError
    raise kind("; ".join(error.message for error in problems), hint=last.hint)


def holds_names() -> bool:
    """Always true: any bare name can be an image in a registry."""
    return True
