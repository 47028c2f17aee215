"""What an engine answers, read strictly: the same for the `docker` SDK and for a plain connection."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Final

from layerscope.errors import FormatError
from layerscope.image.document import parse_document
from layerscope.limits import KIB, MIB
from layerscope.records import dataclass

ANSWER_SECONDS: Final = 60
ANSWER_BYTES: Final = 16 * MIB
"""The largest response that is read. Inspecting an image with 1,000 layers takes about 100 kB."""
_DEPTH: Final = 100
_VERSION: Final = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")
_CHUNK: Final = 64 * KIB
_DECIDING: Final = ("Id", "Os", "Architecture", "Variant", "Size", "RootFS")


class OddAnswer(ValueError):
    """A response that no engine gives. The message continues the sentence "the engine ..."."""


@dataclass(frozen=True, slots=True)
class EngineVersion:
    """An engine's version and the API that it speaks, as text."""

    engine: str
    api: str

    @property
    def numbers(self) -> tuple[int, int]:
        """The API version as numbers."""
        major, _, minor = self.api.partition(".")
        return int(major), int(minor)


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


def version_of(answer: object) -> EngineVersion:
    """The engine's version, from its answer to `/version`."""
    version = answer.get("ApiVersion") if isinstance(answer, dict) else None
    if (
        not isinstance(answer, dict)
        or not isinstance(version, str)
        or not _VERSION.fullmatch(version)
    ):
        raise OddAnswer("does not say which API version it speaks")
    return EngineVersion(str(answer.get("Version")), version)


def image_of(answer: object, engine: str) -> EngineImage:
    """An image, from the answer to `/images/NAME/json` of an engine with this version."""
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
        json.dumps([engine, *map(answer.get, _DECIDING)], sort_keys=True),
    )


def info_of(answer: object, version: EngineVersion) -> EngineInfo:
    """Where the engine keeps its images, from its answer to `/info`."""
    if not isinstance(answer, dict):
        raise OddAnswer("described itself with something other than an object")
    root, driver = answer.get("DockerRootDir"), answer.get("Driver")
    status = answer.get("DriverStatus") or []
    if not isinstance(root, str) or not isinstance(driver, str) or not isinstance(status, list):
        raise OddAnswer("does not say where it keeps its images")
    return EngineInfo(
        root=root,
        driver=driver,
        snapshots=["driver-type", "io.containerd.snapshotter.v1"] in status,
        api=version.numbers,
    )


def bounded(read: Callable[[int], bytes]) -> bytes:
    """The body of a response; raises `OddAnswer` if it's too long or never ends."""
    deadline = time.monotonic() + ANSWER_SECONDS
    pieces: list[bytes] = []
    size = 0
    while piece := read(_CHUNK):
        size += len(piece)
        if size > ANSWER_BYTES:
            raise OddAnswer(f"sent more than {ANSWER_BYTES} bytes")
        if time.monotonic() > deadline:
            raise OddAnswer(f"did not finish its response within {ANSWER_SECONDS} seconds")
        pieces.append(piece)
    return b"".join(pieces)


def parsed(data: bytes, most: int = ANSWER_BYTES) -> object:
    """One JSON value of at most `most` bytes; raises `OddAnswer`."""
    try:
        return parse_document(data, "it", max_bytes=most, max_depth=_DEPTH).value
    except FormatError as error:
        raise OddAnswer(f"sent a response that {error.message.removeprefix('it ')}") from None
