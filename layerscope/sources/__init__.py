"""Where images live. Each source is a file in this folder and a line in `SOURCES`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Final, TypeVar

from layerscope.cache.shelf import Shelf
from layerscope.errors import ImageNotFound, SourceError, SourceUnavailable, UsageError
from layerscope.image.image import Image
from layerscope.image.platform import Platform
from layerscope.limits import DEFAULT_LIMITS, Limits
from layerscope.options import Via
from layerscope.progress import CancelledCallback, ProgressCallback, RemarkCallback
from layerscope.sources import local
from layerscope.sources.directory import DIRECTORY
from layerscope.sources.files import exists
from layerscope.sources.reference import looks_like_path, parse_reference
from layerscope.sources.source import BrokenOff, Request, Source, loaded_when_used

SOURCES: Final[tuple[Source, ...]] = (
    local.DOCKER_ARCHIVE,
    local.OCI_ARCHIVE,
    local.OCI_DIR,
    DIRECTORY,
    loaded_when_used("docker", ("docker", "docker-daemon")),
    loaded_when_used("podman", ("podman",)),
    loaded_when_used("containerd", ("containerd",)),
    loaded_when_used("registry", ("registry",), streams=False),
)
"""In the order that a bare name is looked up in them."""

_Found = TypeVar("_Found")


def open_image(
    reference: str,
    *,
    platform: str | None = None,
    tag: str | None = None,
    pull: bool = False,
    insecure: bool = False,
    token_servers: tuple[str, ...] = (),
    dockerfile: str | None = None,
    head: bool = False,
    every_platform: bool = False,
    contents: bool = True,
    all_secrets: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    shelf: Shelf | None = None,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
    remark: RemarkCallback | None = None,
    meanwhile: Callable[[], None] | None = None,
    via: Via | None = None,
) -> Image:
    """The image that a reference names, wherever it lives. Close it after use.

    The arguments are the fields of `Request`, except that `platform` is a text (`os/arch[/variant]`), and `dockerfile` the
    path of the Dockerfile. Raises `UsageError`, `SourceError`, and `FormatError`.
    """
    request = Request(
        reference=reference,
        platform=None if platform is None else Platform.parse(platform),
        tag=tag,
        pull=pull,
        insecure=insecure,
        token_servers=token_servers,
        dockerfile=None if dockerfile is None else _read_dockerfile(dockerfile),
        head=head,
        every_platform=every_platform,
        contents=contents,
        all_secrets=all_secrets,
        limits=limits,
        shelf=shelf,
        progress=progress,
        cancelled=cancelled,
        remark=remark,
        meanwhile=meanwhile,
        via=via,
    )
    return _open(request)


def _open(request: Request) -> Image:
    reference = request.reference
    found = parse_reference(reference, SOURCES)
    if found.source is not None:
        return found.source.open(found.target, request)
    if is_local(reference):
        return local.open_path(reference, request)
    return look_up(reference, lambda source: source.open(reference, request))


def _read_dockerfile(path: str) -> tuple[str, str]:
    from layerscope.image.dockerfile import read_dockerfile

    return read_dockerfile(path)


def export(
    reference: str,
    destination: str,
    *,
    platform: str | None = None,
    pull: bool = False,
    force: bool = False,
    limits: Limits = DEFAULT_LIMITS,
    progress: ProgressCallback | None = None,
    cancelled: CancelledCallback | None = None,
) -> int:
    """Save an engine's image as a tarball at the path `destination`, and return its size in bytes.

    `-` is standard output. The file appears whole or not at all, and replaces an existing file only with `force`. Raises
    `OutputError`, `SourceError`, and, for an image that is already in a file, `UsageError`.
    """
    from layerscope.sources.target import STDOUT, opened_target, write_file, write_stdout

    request = Request(
        reference=reference,
        platform=None if platform is None else Platform.parse(platform),
        pull=pull,
        limits=limits,
        progress=progress,
        cancelled=cancelled,
    )
    found = parse_reference(reference, SOURCES)
    if found.source is None and is_local(reference):
        raise _already_local(reference)
    with ExitStack() as stack:
        target = None
        if destination != STDOUT:
            target = stack.enter_context(opened_target(destination, force))

        def begin(source: Source) -> Iterator[bytes]:
            if source.stream is None:
                if source.holds_names is None:
                    raise _already_local(reference)
                raise SourceUnavailable(
                    f"layerscope cannot save images from the {source.name}",
                    hint=f"skopeo copy docker://{found.target} docker-archive:FILE",
                )
            return stack.enter_context(source.stream(found.target, request))

        chunks = begin(found.source) if found.source else look_up(found.target, begin)
        return (
            write_stdout(chunks, request) if target is None else write_file(chunks, target, request)
        )


def _already_local(reference: str) -> UsageError:
    return UsageError(
        f"{reference!r} is already in a file, and export only saves images from engines",
        hint="convert it with `skopeo copy`",
    )


def is_local(reference: str) -> bool:
    """Whether a bare reference is a file, a folder, or standard input.

    A folder that isn't an image doesn't hide an image with the same name: with a folder `./python`, `python` still
    means the image.
    """
    if reference == "-" or looks_like_path(reference):
        return True
    if os.path.isdir(reference) and "/" not in reference and os.sep not in reference:
        return local.is_image_folder(reference)
    return exists(reference)


def look_up(name: str, use: Callable[[Source], _Found]) -> _Found:
    """Try each source that holds named images in turn; the error names them all."""
    tried = ["the folder with this name is not an image" if os.path.isdir(name) else "no such file"]
    hints: list[str | None] = []
    for source in SOURCES:
        if source.holds_names is None or not source.holds_names():
            continue
        try:
            return use(source)
        except BrokenOff:
            raise
        except SourceError as error:
            tried.append(error.message)
            hints.insert(0 if isinstance(error, ImageNotFound) else len(hints), error.hint)
    raise ImageNotFound(f"no image {name!r} was found ({'; '.join(tried)})", hint=hints[0])
