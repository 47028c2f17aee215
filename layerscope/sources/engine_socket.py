"""Asks an engine on a Unix socket about an image, without the `docker` SDK.

Importing the SDK takes longer than reading an image of 60,000 files from the engine's store. What is asked here are
three short questions. Whenever an answer isn't the usual one, the SDK asks again, and says what is wrong.
"""

from __future__ import annotations

import http.client
from contextlib import closing
from typing import Final
from urllib.parse import quote

from layerscope.sources.engine_answers import (
    ANSWER_SECONDS,
    EngineImage,
    EngineInfo,
    OddAnswer,
    bounded,
    image_of,
    info_of,
    parsed,
    version_of,
)
from layerscope.system.unix_sockets import connect

_OLDEST_API: Final = (1, 24)
"""The oldest API that the SDK speaks."""


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = connect(self._path, ANSWER_SECONDS)


def ask(path: str, name: str) -> tuple[EngineImage, EngineInfo] | None:
    """An image and where the engine keeps it; None if the engine doesn't answer as usual or doesn't have the image.

    Raises `TimeoutError` if the engine doesn't answer at all.
    """
    try:
        with closing(_SocketConnection(path)) as connection:
            version = version_of(_get(connection, "/version"))
            if version.numbers < _OLDEST_API:
                return None
            place = f"/v{version.api}"
            image = image_of(
                _get(connection, f"{place}/images/{quote(name, safe='/:')}/json"), version.engine
            )
            return image, info_of(_get(connection, f"{place}/info"), version)
    except TimeoutError:
        raise
    except (OSError, http.client.HTTPException, ValueError):
        return None


def _get(connection: _SocketConnection, url: str) -> object:
    connection.request("GET", url, headers={"User-Agent": "layerscope"})
    with closing(connection.getresponse()) as response:
        if response.status != http.client.OK:
            raise OddAnswer(f"refused with status {response.status}")
        return parsed(bounded(response.read1))
