"""The stores in which engines keep their images, read in place: no export, no lock, nothing written."""

from __future__ import annotations

import os
from collections.abc import Callable

from layerscope.errors import (
    AmbiguousImage,
    FormatError,
    ImageNotFound,
    SourceError,
    SourceUnavailable,
)
from layerscope.image.image import Image
from layerscope.sources.source import Request


class NotReadable(SourceUnavailable):
    """The store can't be used for an ordinary reason, such as permissions, which is not worth a message."""


def from_store(open_store: Callable[[], Image], engine: str, request: Request) -> Image | None:
    """The image from its engine's store; None if the engine has to save it.

    The remark says why, unless that is ordinary. With `via` "store", raises `SourceUnavailable` instead.
    """
    try:
        return open_store()
    except (AmbiguousImage, ImageNotFound):
        raise
    except (SourceError, FormatError) as error:
        if request.via == "store":
            raise not_from_store(engine, error) from None
        if not isinstance(error, NotReadable):
            tell_fallback(engine, error, request)
        return None


def refuse_remote() -> Image:
    """Raise `NotReadable` for an engine on another machine."""
    raise NotReadable(
        "the engine is on another machine", hint="run layerscope there, or use --via export"
    )


def check_readable(path: str) -> None:
    """Raise `NotReadable` if this user can't read a folder, or if it isn't there."""
    if not os.path.isdir(path):
        raise NotReadable(
            f"there is no folder {path} here, or it cannot be seen",
            hint="run layerscope as root on the engine's machine, or use --via export",
        )
    if not os.access(path, os.R_OK | os.X_OK):
        raise NotReadable(
            f"permission denied for {path}", hint="run layerscope as root, or use --via export"
        )


def not_from_store(engine: str, error: SourceError | FormatError) -> SourceUnavailable:
    """The error for `--via store`."""
    hint = error.hint if isinstance(error, NotReadable) and error.hint else None
    return SourceUnavailable(
        f"the store of {engine} cannot be read: {error.message}",
        hint=hint or "use --via export",
    )


def tell_fallback(engine: str, error: SourceError | FormatError, request: Request) -> None:
    """Say in one line why the store isn't used."""
    if request.remark is not None:
        request.remark(f"reading an export, not the store of {engine}: {error.message}")
