"""A client for an engine's API: the `docker` SDK's, with strict parsing and a bound on every response."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

import requests
from docker import APIClient

from layerscope.errors import FormatError
from layerscope.image.document import parse_document
from layerscope.limits import KIB, MIB
from layerscope.records import dataclass

ANSWER_SECONDS: Final = 60
ANSWER_BYTES: Final = 16 * MIB
"""The largest response that is read. Inspecting an image with 1,000 layers takes about 100 kB."""
EVENT_BYTES: Final = MIB
"""The longest line in a pull's progress."""
_DEPTH: Final = 100
_VERSION: Final = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
_CHUNK: Final = 64 * KIB
_DECIDING: Final = ("Id", "Os", "Architecture", "Variant", "Size", "RootFS")


class OddAnswer(ValueError):
    """A response that no engine gives. The message continues the sentence "the engine ..."."""


@dataclass(frozen=True, slots=True)
class EngineImage:
    """What an engine knows about an image: its ID, its tags, and all that decides what an export of it would be."""

    id: str
    tags: tuple[str, ...]
    identity: str


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """Where an engine keeps its images and by which driver, and the API that it speaks."""

    root: str
    driver: str
    snapshots: bool
    """Whether containerd keeps the images."""
    api: tuple[int, int]


class EngineApi(APIClient):
    """Stops reading a response at `ANSWER_BYTES` or `ANSWER_SECONDS`, and only accepts JSON with the right types.

    Methods raise what the SDK raises, and `OddAnswer`.
    """

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        wants_stream = kwargs.pop("stream", False)
        response = super().send(request, stream=True, **kwargs)
        if not wants_stream or not response.ok:
            response._content = _bounded(response)
            response._content_consumed = True  # type: ignore[attr-defined]
        return response

    def _result(self, response: requests.Response, json: bool = False, binary: bool = False) -> Any:
        if not json:
            return super()._result(response, json=json, binary=binary)  # type: ignore[misc]
        self._raise_for_status(response)
        return _parsed(response.content, ANSWER_BYTES)

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
        version = answer.get("ApiVersion") if isinstance(answer, dict) else None
        self._engine = str(answer.get("Version")) if isinstance(answer, dict) else ""
        self.is_podman = isinstance(answer, dict) and "Podman Engine" in str(
            answer.get("Components")
        )
        if not isinstance(version, str) or not _VERSION.fullmatch(version):
            raise OddAnswer("does not say which API version it speaks")
        return version

    def image(self, name: str) -> EngineImage:
        """Look up an image. Raises `docker.errors.NotFound` if there is none."""
        answer: object = self.inspect_image(name)  # type: ignore[no-untyped-call]
        if not isinstance(answer, dict):
            raise OddAnswer("described an image with something other than an object")
        found, tags = answer.get("Id"), answer.get("RepoTags") or []
        if not isinstance(found, str) or not found:
            raise OddAnswer("described an image without an ID")
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise OddAnswer("sent tags that are not text")
        return EngineImage(
            found,
            tuple(tag for tag in tags if tag != "<none>:<none>"),
            json.dumps([self._engine, *map(answer.get, _DECIDING)], sort_keys=True),
        )

    def described(self, name: str) -> tuple[dict[str, Any], list[Any]]:
        """All that the engine says about an image, and its history. Raises `docker.errors.NotFound` if there is none.

        Podman is asked in its own words, which tell the config's history as it is.
        """
        own = f"{self.base_url}/v4.0.0/libpod/images/{quote(name, safe='')}/json"
        response = self.get(own) if self.is_podman else None
        if response is not None and response.ok:
            answer: object = _parsed(response.content, ANSWER_BYTES)
            history: object = answer.get("History") if isinstance(answer, dict) else None
        else:
            answer = self.inspect_image(name)  # type: ignore[no-untyped-call]
            history = self.history(name)  # type: ignore[no-untyped-call]
        if not isinstance(answer, dict) or not isinstance(history, list | None):
            raise OddAnswer("described an image with something other than an object")
        return answer, history or []

    def engine_info(self) -> EngineInfo:
        """Where the engine keeps its images."""
        answer: object = self.info()
        if not isinstance(answer, dict):
            raise OddAnswer("described itself with something other than an object")
        root, driver = answer.get("DockerRootDir"), answer.get("Driver")
        status = answer.get("DriverStatus") or []
        if not isinstance(root, str) or not isinstance(driver, str) or not isinstance(status, list):
            raise OddAnswer("does not say where it keeps its images")
        major, _, minor = self._retrieve_server_version().partition(".")
        return EngineInfo(
            root=root,
            driver=driver,
            snapshots=["driver-type", "io.containerd.snapshotter.v1"] in status,
            api=(int(major), int(minor)),
        )


def _bounded(response: requests.Response) -> bytes:
    """The body of a response; raises `OddAnswer` if it's too long or never ends."""
    deadline = time.monotonic() + ANSWER_SECONDS
    pieces: list[bytes] = []
    size = 0
    try:
        while piece := response.raw.read1(_CHUNK, decode_content=True):
            size += len(piece)
            if size > ANSWER_BYTES:
                raise OddAnswer(f"sent more than {ANSWER_BYTES} bytes")
            if time.monotonic() > deadline:
                raise OddAnswer(f"did not finish its response within {ANSWER_SECONDS} seconds")
            pieces.append(piece)
    finally:
        response.raw.close()
    return b"".join(pieces)


def _parsed(data: bytes, most: int) -> object:
    try:
        return parse_document(data, "it", max_bytes=most, max_depth=_DEPTH).value
    except FormatError as error:
        raise OddAnswer(f"sent a response that {error.message.removeprefix('it ')}") from None


def _event(line: bytes) -> dict[str, Any]:
    event = _parsed(line, EVENT_BYTES)
    if not isinstance(event, dict):
        raise OddAnswer("sent an event that is not an object")
    return event
