"""What all sources of images have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol, cast

from layerscope.cache.shelf import Shelf
from layerscope.errors import SourceUnavailable
from layerscope.image.image import Image
from layerscope.image.platform import Platform
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.options import Via
from layerscope.progress import CancelledCallback, ProgressCallback, RemarkCallback
from layerscope.records import dataclass


class BrokenOff(SourceUnavailable):
    """The source has the image but failed while sending it. No other source is tried for that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to get from a source.

    `reference` is the text that the user gave, for messages and the report. `platform` and `tag` (a name, a tag, or a
    digest) choose one image when there are several. `pull` lets an engine fetch an image it doesn't have. `dockerfile` is
    the name and text of the Dockerfile that built the image, if the user has it; its line numbers go with the
    instructions. `head` means that no layer will be read, so only the image's own documents are requested.
    `every_platform` opens the first image of an index, with the others as its `siblings`. `shelf` has the layers that
    need not be fetched. Without `contents`, nobody will read a file later, so an engine's export isn't kept. `all_secrets`
    searches all text files of layers that are read early. `remark` takes one line about how the image is read.
    `meanwhile` is called while an engine prepares an export. `via` says whether to read an engine's store or an export;
    None takes the store where it can be read.
    """

    reference: str
    platform: Platform | None = None
    tag: str | None = None
    pull: bool = False
    insecure: bool = False
    token_servers: tuple[str, ...] = ()
    dockerfile: tuple[str, str] | None = None
    head: bool = False
    every_platform: bool = False
    contents: bool = True
    all_secrets: bool = False
    limits: Limits = DEFAULT_LIMITS
    shelf: Shelf | None = None
    progress: ProgressCallback | None = None
    cancelled: CancelledCallback | None = None
    remark: RemarkCallback | None = None
    meanwhile: Callable[[], None] | None = None
    via: Via | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A place where images live.

    `schemes` are the words before the colon of a reference. `open` reads the image that a target names. `stream` yields
    the bytes of its tarball, for sources that can export. `holds_names` says whether to look up a bare name here; it must
    be fast and must not fail.
    """

    name: str
    schemes: tuple[str, ...]
    open: Callable[[str, Request], Image]
    stream: Callable[[str, Request], AbstractContextManager[Iterator[bytes]]] | None = None
    holds_names: Callable[[], bool] | None = None


class Module(Protocol):
    """The functions in the module of a source that is only loaded when it's used."""

    def open_target(self, target: str, request: Request) -> Image: ...
    def holds_names(self) -> bool: ...
    def stream(self, target: str, request: Request) -> AbstractContextManager[Iterator[bytes]]: ...


def loaded_when_used(name: str, schemes: tuple[str, ...], *, streams: bool = True) -> Source:
    """The source in the module of the same name, which isn't loaded until an image is looked up there."""

    def load() -> Module:
        return cast(Module, import_module(f"layerscope.sources.{name}"))

    return Source(
        name=name,
        schemes=schemes,
        open=lambda target, request: load().open_target(target, request),
        stream=(lambda target, request: load().stream(target, request)) if streams else None,
        holds_names=lambda: load().holds_names(),
    )
