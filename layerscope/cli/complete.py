"""Completes images on a command line: paths, and the names of the engines' images."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

ENGINES: Final = ("docker", "podman")
_OF_PATHS: Final = (
    "docker-archive:",
    "oci-archive:",
    "oci-dir:",
    "dir:",
    "report:",
)
_MOST_PATHS: Final = 5000


def complete_image(
    _ctx: click.Context | None, _param: click.Parameter | None, incomplete: str
) -> list[CompletionItem]:
    """The paths and images that start with `incomplete`."""
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in _names(incomplete)]


def _names(incomplete: str) -> Iterator[str]:
    for prefix in _OF_PATHS:
        if incomplete.startswith(prefix):
            for path in _paths(incomplete.removeprefix(prefix)):
                yield prefix + path
            return
    for engine in ENGINES:
        if incomplete.startswith(f"{engine}:"):
            yield from (
                name for name in _images(engine, f"{engine}:") if name.startswith(incomplete)
            )
            return
    yield from _paths(incomplete)
    if incomplete.startswith((".", "/", "~", "-")):
        return
    seen: set[str] = set()
    for engine in ENGINES:
        for name in _images(engine, ""):
            if name.startswith(incomplete) and name not in seen:
                seen.add(name)
                yield name


def _images(engine: str, prefix: str) -> Iterator[str]:
    from layerscope.sources.listing import engine_images

    return (prefix + name for name in engine_images(engine))


def _paths(incomplete: str) -> Iterator[str]:
    """The matching entries of the folder, with a `/` after a folder's name; hidden ones only after a dot."""
    head, begin = os.path.split(incomplete)
    folder = os.path.expanduser(head) or os.curdir
    try:
        with os.scandir(folder) as entries:
            found = [
                os.path.join(head, entry.name) + ("/" if entry.is_dir() else "")
                for entry in entries
                if entry.name.startswith(begin)
                and (begin.startswith(".") or not entry.name.startswith("."))
                and entry.name.isprintable()
            ]
    except (OSError, ValueError):
        return
    yield from sorted(found)[:_MOST_PATHS]
