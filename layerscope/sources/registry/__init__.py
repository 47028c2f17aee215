"""Images in a registry, read over the network without an engine (OCI distribution specification)."""

from __future__ import annotations

from typing import Final

from layerscope.errors import ImageNotFound, SourceError
from layerscope.image.image import Image
from layerscope.notes import Notes
from layerscope.sources.oci import open_layout
from layerscope.sources.registry.client import Client, Endpoint
from layerscope.sources.registry.mirrors import endpoints
from layerscope.sources.registry.name import RegistryName
from layerscope.sources.registry.store import RegistryStore
from layerscope.sources.registry.transport import Transport
from layerscope.sources.source import Request

NAME: Final = "registry"


def open_target(target: str, request: Request) -> Image:
    """The image in a registry or one of its mirrors. Its layers are fetched when they're read.

    Raises `ImageNotFound`, `SourceUnavailable`, `ConfigError`, and `FormatError`.
    """
    name = RegistryName.parse(target, request.reference)
    notes = Notes()
    store = _open_first(name, endpoints(name), request)
    try:
        return open_layout(store, request, notes, NAME, (store.close,))
    except BaseException:
        store.close()
        raise


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
