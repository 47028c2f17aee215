"""What to scan: a registry's catalog, a repository's tags, a file of references, or a folder of archives and layouts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from layerscope.errors import (
    BadReference,
    FormatError,
    ImageNotFound,
    LimitExceeded,
    SourceError,
    SourceUnavailable,
)
from layerscope.fleet.heads import SCHEMES
from layerscope.fleet.values import Failed, Reading, Wanted
from layerscope.limits import MIB
from layerscope.progress import CancelledCallback
from layerscope.report.paths import clean_text
from layerscope.sources.local import is_image_folder
from layerscope.sources.registry.catalog import is_host, is_tag, repositories, tags
from layerscope.sources.registry.name import RegistryName, is_repository

MOST_REFERENCES: Final = 5_000_000
"""The most images that one target may name."""
_FILE_BYTES: Final = 512 * MIB
_ARCHIVES: Final = (".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz", ".tar.bz2", ".oci")
_DEEPEST: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Choosing:
    """Which images of a target to take: tags that match one of the patterns, or all tags."""

    tags: tuple[str, ...] = ()

    def takes(self, tag: str) -> bool:
        return not self.tags or any(fnmatchcase(tag, pattern) for pattern in self.tags)


def images_of(
    target: str,
    reading: Reading,
    choosing: Choosing,
    *,
    cancelled: CancelledCallback | None = None,
) -> Iterator[Wanted | Failed]:
    """The images that a target names, as references that `open_image` takes, each once.

    A repository whose tags can't be listed is a failure. Raises `LayerscopeError` if the target itself can't be read.
    """
    seen: set[str] = set()
    for found in _found(target, reading, choosing, cancelled):
        if isinstance(found, Failed):
            yield found
            continue
        if found in seen:
            continue
        seen.add(found)
        if len(seen) > MOST_REFERENCES:
            raise LimitExceeded(
                f"{target[:200]} names more than {MOST_REFERENCES} images",
                hint="scan its parts one by one",
            )
        yield Wanted(found, target)


def _found(
    target: str, reading: Reading, choosing: Choosing, cancelled: CancelledCallback | None
) -> Iterator[str | Failed]:
    scheme, _, rest = target.partition(":")
    if scheme == "registry":
        name = rest.removeprefix("//").rstrip("/")
        if is_host(name) and "/" not in name:
            yield from _catalog(name, target, reading, choosing, cancelled)
        elif _names_one(name):
            yield f"registry:{name}"
        else:
            yield from _tagged(name, target, reading, choosing, cancelled)
    elif scheme in SCHEMES:
        yield target
    elif os.path.isdir(target):
        if is_image_folder(target):
            yield os.path.abspath(target)
        else:
            yield from _folder(os.path.abspath(target))
    elif os.path.exists(target):
        if target.endswith(_ARCHIVES):
            yield os.path.abspath(target)
        else:
            yield from _listed(target)
    else:
        raise ImageNotFound(
            f"{target[:200]!r} is not a registry, a file, or a folder",
            hint="write registry:HOST for a registry's catalog, or registry:HOST/REPOSITORY for its tags",
        )


def _names_one(name: str) -> bool:
    """Whether a name in a registry has a tag or a digest."""
    return "@" in name or ":" in name.rpartition("/")[2]


def _catalog(
    host: str,
    target: str,
    reading: Reading,
    choosing: Choosing,
    cancelled: CancelledCallback | None,
) -> Iterator[str | Failed]:
    listing = repositories(
        host,
        insecure=reading.insecure,
        token_servers=reading.token_servers,
        cancelled=cancelled,
    )
    for repository in listing:
        name = f"{host}/{repository}"
        if not is_repository(repository):
            yield _no_name(repository, "the name of a repository", target)
            continue
        try:
            yield from _tagged(name, target, reading, choosing, cancelled)
        except (SourceError, FormatError) as error:
            yield Failed.of(error, Wanted(f"registry:{name}", target), "tags")


def _no_name(text: str, what: str, target: str) -> Failed:
    """The failure that a name of a listing is, which could mean anything."""
    shown = clean_text(text[:200])
    return Failed.of(FormatError(f"{shown!r} is not {what}"), Wanted(shown, target), "tags")


def _tagged(
    name: str,
    target: str,
    reading: Reading,
    choosing: Choosing,
    cancelled: CancelledCallback | None,
) -> Iterator[str | Failed]:
    parsed = RegistryName.parse(name, name)
    for tag in tags(
        name, insecure=reading.insecure, token_servers=reading.token_servers, cancelled=cancelled
    ):
        if not is_tag(tag):
            yield _no_name(f"{name}:{tag}", "a name with a tag", target)
        elif choosing.takes(tag):
            yield f"registry:{parsed.registry}/{parsed.repository}:{tag}"


def _folder(path: str) -> Iterator[str]:
    """The archives and layouts in a folder and the folders below it, in the order of their names."""
    waiting = [(path, 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                rows = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise SourceUnavailable(f"{folder} cannot be listed: {error.strerror}") from None
        below = []
        for entry in rows:
            if entry.is_dir(follow_symlinks=False):
                if is_image_folder(entry.path):
                    yield entry.path
                elif depth < _DEEPEST:
                    below.append((entry.path, depth + 1))
            elif entry.name.endswith(_ARCHIVES) and entry.is_file(follow_symlinks=False):
                yield entry.path
        waiting += reversed(below)


def _listed(path: str) -> Iterator[str | Failed]:
    """The references in a file, one per line. An empty line and one that begins with `#` mean nothing."""
    try:
        with open(path, "rb") as file:
            data = file.read(_FILE_BYTES + 1)
    except OSError as error:
        raise SourceUnavailable(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > _FILE_BYTES:
        raise LimitExceeded(
            f"{path} has more than the {_FILE_BYTES} bytes allowed",
            hint="split the list into several files",
        )
    if b"\0" in data[:4096]:
        raise FormatError(
            f"{path} is not a list of references",
            hint="name archives .tar, or put one reference on each line",
        )
    for line in data.splitlines():
        text = clean_text(line.decode("utf-8", "surrogateescape")).strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("/") or text.partition(":")[0] in SCHEMES[1:]:
            yield text
            continue
        name = text.removeprefix("registry:").removeprefix("//")
        try:
            parsed = RegistryName.parse(name, text)
        except (BadReference, FormatError) as error:
            yield Failed.of(error, Wanted(text[:1000], path), "image")
            continue
        sign = "@" if parsed.digest is not None else ":"
        yield f"registry:{parsed.registry}/{parsed.repository}{sign}{parsed.reference}"
