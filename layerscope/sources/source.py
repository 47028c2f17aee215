"""What every source of images has in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from layerscope.errors import SourceUnavailable
from layerscope.image.image import Image
from layerscope.image.platform import Platform
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.progress import CancelledCallback, ProgressCallback


class BrokenOff(SourceUnavailable):
    """A source that has the image failed while it gave it, so that no other place is asked for one of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is wanted of a source; `reference` is the text the user gave, for messages and the report; `dockerfile` the name and text of the one
    it was built from, where the user has it.
    """

    reference: str
    platform: Platform | None = None
    tag: str | None = None
    pull: bool = False
    insecure: bool = False
    token_servers: tuple[str, ...] = ()
    dockerfile: tuple[str, str] | None = None
    limits: Limits = DEFAULT_LIMITS
    progress: ProgressCallback | None = None
    cancelled: CancelledCallback | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place where images live.

    `schemes` are the words that stand before the colon of a reference. `open` reads the image that a target names;
    `stream` gives the bytes of a tarball of it, for sources that can export. `holds_names` tells whether a bare name is
    looked up here, which must be quick and quiet.
    """

    name: str
    schemes: tuple[str, ...]
    open: Callable[[str, Request], Image]
    stream: Callable[[str, Request], AbstractContextManager[Iterator[bytes]]] | None = None
    holds_names: Callable[[], bool] | None = None


class Module(Protocol):
    """What a module of a source has that is loaded only when the source is asked for."""

    def open_target(self, target: str, request: Request) -> Image: ...
    def holds_names(self) -> bool: ...
    def stream(self, target: str, request: Request) -> AbstractContextManager[Iterator[bytes]]: ...


def loaded_when_used(name: str, schemes: tuple[str, ...], *, streams: bool = True) -> Source:
    """The source in the module of its name, which costs nothing until an image is looked for there."""

    def load() -> Module:
        return cast(Module, import_module(f"layerscope.sources.{name}"))

    return Source(
        name=name,
        schemes=schemes,
        open=lambda target, request: load().open_target(target, request),
        stream=(lambda target, request: load().stream(target, request)) if streams else None,
        holds_names=lambda: load().holds_names(),
    )
