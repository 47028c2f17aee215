"""Asks an engine on a Unix socket about an image, and has it saved, without the `docker` SDK.

Importing the SDK takes longer than reading an image of 60,000 files from the engine's store. What is asked here are
a few short questions. Whenever an answer isn't the usual one, the SDK asks again, and says what is wrong.
"""

from __future__ import annotations

import http.client
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Final
from urllib.parse import quote

from layerscope.sources.engine_answers import (
    ANSWER_SECONDS,
    EngineImage,
    EngineInfo,
    EngineVersion,
    OddAnswer,
    bounded,
    image_of,
    info_of,
    parsed,
    version_of,
)
from layerscope.sources.engine_body import LargeResponse, pieces
from layerscope.system.unix_sockets import connect

_OLDEST_API: Final = (1, 24)
"""The oldest API that the SDK speaks."""


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    response_class = LargeResponse

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWER_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = connect(self._path, ANSWER_SECONDS)

    def wait(self, seconds: float) -> None:
        """Let the engine be silent for so long."""
        self.timeout = seconds
        if self.sock is not None:  # None after a response that ended the connection
            self.sock.settimeout(seconds)


def ask(path: str, name: str) -> tuple[EngineImage, EngineInfo] | None:
    """An image and where the engine keeps it; None if the engine doesn't answer as usual or doesn't have the image.

    Raises `TimeoutError` if the engine doesn't answer at all.
    """
    try:
        with closing(_SocketConnection(path)) as connection:
            version = _version(connection)
            image = _image(connection, version, name)
            return image, info_of(_get(connection, f"/v{version.api}/info"), version)
    except TimeoutError:
        raise
    except (OSError, http.client.HTTPException, ValueError):
        return None


@contextmanager
def saving(
    path: str,
    name: str,
    chosen: Callable[[EngineImage], str],
    seconds: float,
    meanwhile: Callable[[], None] | None = None,
) -> Iterator[Iterator[bytes] | None]:
    """The tarball of an image as it arrives; None if the engine doesn't answer as usual or doesn't have the image.

    `chosen` says by which name to save it. The engine may be silent for so many `seconds`; `meanwhile` is called once it
    was asked. Raises `TimeoutError`; reading raises `OSError` and `OddAnswer`.
    """
    with closing(_SocketConnection(path)) as connection:
        chunks = None
        try:
            version = _version(connection)
            saved = quote(chosen(_image(connection, version, name)), safe="/:")
            connection.wait(seconds)
            connection.request(
                "GET", f"/v{version.api}/images/{saved}/get", headers={"User-Agent": "layerscope"}
            )
            if meanwhile is not None:
                meanwhile()
            response = connection.getresponse()
            if response.status == http.client.OK:
                chunks = pieces(response)
        except TimeoutError:
            raise
        except (OSError, http.client.HTTPException, ValueError):
            chunks = None
        yield chunks


def _version(connection: _SocketConnection) -> EngineVersion:
    version = version_of(_get(connection, "/version"))
    if version.numbers < _OLDEST_API:
        raise OddAnswer("speaks an API that is too old")
    return version


def _image(connection: _SocketConnection, version: EngineVersion, name: str) -> EngineImage:
    url = f"/v{version.api}/images/{quote(name, safe='/:')}/json"
    return image_of(_get(connection, url), version.engine)


def _get(connection: _SocketConnection, url: str) -> object:
    connection.request("GET", url, headers={"User-Agent": "layerscope"})
    with closing(connection.getresponse()) as response:
        if response.status != http.client.OK:
            raise OddAnswer(f"refused with status {response.status}")
        return parsed(bounded(response.read1))
