"""The names of the images in this machine's engines, for shell completion."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from layerscope.errors import LayerscopeError
from layerscope.system.unix_sockets import connect

SECONDS: Final = 2
"""How long an engine may take. Somebody just pressed Tab and is waiting."""
LONGEST_ANSWER: Final = 16 * 1024 * 1024
MOST: Final = 5000
"""The most names from one engine."""


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = connect(self._path, SECONDS)


def engine_images(engine: str) -> list[str]:
    """The tags in `docker` or `podman`, sorted; empty if the engine doesn't respond right away."""
    host = _host(engine)
    return [] if host is None else sorted(set(_tags(_answer(host))))[:MOST]


def _host(engine: str) -> str | None:
    from layerscope.sources import docker, podman

    try:
        found = docker.place() if engine == "docker" else podman.place()
    except LayerscopeError:
        return None
    return None if found is None else found.host


def _answer(host: str) -> Any:
    """What the engine says about its images; None if it's slow to ask (SSH, TLS) or doesn't respond."""
    scheme, _, rest = host.partition("://")
    try:
        if scheme == "unix":
            connection: http.client.HTTPConnection = _Connection(rest)
        elif scheme in ("tcp", "http"):
            place = urlsplit(f"//{rest}")
            connection = http.client.HTTPConnection(
                place.hostname or "localhost", place.port or 2375, timeout=SECONDS
            )
        else:
            return None
        try:
            connection.request("GET", "/images/json")
            answer = connection.getresponse()
            if answer.status != http.HTTPStatus.OK:
                return None
            data = answer.read(LONGEST_ANSWER + 1)
        finally:
            connection.close()
        return json.loads(data) if len(data) <= LONGEST_ANSWER else None
    except (OSError, ValueError, RecursionError, http.client.HTTPException):
        return None


def _tags(answer: Any) -> Iterator[str]:
    for image in answer if isinstance(answer, list) else ():
        tags = image.get("RepoTags") if isinstance(image, dict) else None
        for tag in tags if isinstance(tags, list) else ():
            if isinstance(tag, str) and tag.isprintable() and not tag.startswith("<none>"):
                yield tag
