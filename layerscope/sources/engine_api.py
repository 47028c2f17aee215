"""A client for an engine's API: the `docker` SDK's, with strict parsing and a bound on every response."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final
from urllib.parse import quote

import requests
from docker import APIClient

from layerscope.limits import KIB, MIB
from layerscope.sources.engine_answers import (
    EngineImage,
    EngineInfo,
    OddAnswer,
    bounded,
    image_of,
    info_of,
    parsed,
    version_of,
)

EVENT_BYTES: Final = MIB
"""The longest line in a pull's progress."""
_CHUNK: Final = 64 * KIB


class EngineApi(APIClient):
    """Stops reading a response at `ANSWER_BYTES` or `ANSWER_SECONDS`, and only accepts JSON with the right types.

    Methods raise what the SDK raises, and `OddAnswer`.
    """

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        wants_stream = kwargs.pop("stream", False)
        response = super().send(request, stream=True, **kwargs)
        if not wants_stream or not response.ok:
            try:
                response._content = bounded(partial(response.raw.read1, decode_content=True))
            finally:
                response.raw.close()
            response._content_consumed = True  # type: ignore[attr-defined]
        return response

    def _result(self, response: requests.Response, json: bool = False, binary: bool = False) -> Any:
        if not json:
            return super()._result(response, json=json, binary=binary)  # type: ignore[misc]
        self._raise_for_status(response)
        return parsed(response.content)

    def _stream_helper(self, response: requests.Response, decode: bool = False) -> Iterator[Any]:
        """The events of a pull, one JSON object per line."""
        line = bytearray()
        while piece := response.raw.read1(_CHUNK, decode_content=True):
            first, *others = piece.split(b"\n")
            line += first
            for other in others:
                if line.strip():
                    yield _event(bytes(line))
                line = bytearray(other)
            if len(line) > EVENT_BYTES:
                raise OddAnswer(f"sent a line of more than {EVENT_BYTES} bytes")
        if line.strip():
            yield _event(bytes(line))

    def _raise_for_status(self, response: requests.Response) -> None:
        try:
            super()._raise_for_status(response)  # type: ignore[misc]
        except (AttributeError, LookupError, TypeError):
            raise OddAnswer(f"refused with status {response.status_code} and no reason") from None

    def _retrieve_server_version(self) -> str:
        answer: object = self.version(api_version=False)
        self._spoken = version_of(answer)
        self.is_podman = isinstance(answer, dict) and "Podman Engine" in str(
            answer.get("Components")
        )
        return self._spoken.api

    def image(self, name: str) -> EngineImage:
        """Look up an image. Raises `docker.errors.NotFound` if there is none."""
        answer: object = self.inspect_image(name)  # type: ignore[no-untyped-call]
        return image_of(answer, self._spoken.engine)

    def described(self, name: str) -> tuple[dict[str, Any], list[Any]]:
        """All that the engine says about an image, and its history. Raises `docker.errors.NotFound` if there is none.

        Podman is asked in its own words, which tell the config's history as it is.
        """
        own = f"{self.base_url}/v4.0.0/libpod/images/{quote(name, safe='')}/json"
        response = self.get(own) if self.is_podman else None
        if response is not None and response.ok:
            answer: object = parsed(response.content)
            history: object = answer.get("History") if isinstance(answer, dict) else None
        else:
            answer = self.inspect_image(name)  # type: ignore[no-untyped-call]
            history = self.history(name)  # type: ignore[no-untyped-call]
        if not isinstance(answer, dict) or not isinstance(history, list | None):
            raise OddAnswer("described an image with something other than an object")
        return answer, history or []

    def engine_info(self) -> EngineInfo:
        """Where the engine keeps its images."""
        return info_of(self.info(), self._spoken)


def _event(line: bytes) -> dict[str, Any]:
    event = parsed(line, EVENT_BYTES)
    if not isinstance(event, dict):
        raise OddAnswer("sent an event that is not an object")
    return event
