"""What each kind of source needs, in one table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from layerscope.errors import LayerscopeError
from layerscope.sandbox.places import network_files
from layerscope.sandbox.rights import Programs, Rights

_STORES: Final = Rights(reads=("/",), sockets=True)
"""Engines may keep images and settings anywhere, and answer on a Unix socket."""


def _file(_: bool) -> Rights:
    return Rights()


def _docker(pull: bool) -> Rights:
    from layerscope.sources.docker import place

    host = place().host
    if host.startswith("ssh:"):
        return Rights(unconfined="the engine is reached through ssh")
    if pull and _has_helpers():
        return Rights(unconfined=_HELPER)
    return _STORES | Rights(connects=not host.startswith("unix:"))


def _podman(pull: bool) -> Rights:
    from layerscope.sources.podman import place

    engine = place()
    if engine is None:
        return Rights(unconfined="Podman has no socket, and its command needs more rights than it")
    if engine.host.startswith("ssh:"):
        return Rights(unconfined="the engine is reached through ssh")
    if pull and _has_helpers():
        return Rights(unconfined=_HELPER)
    return _STORES | Rights(connects=not engine.host.startswith("unix:"))


def _containerd(_: bool) -> Rights:
    return _STORES | Rights(programs=Programs.ANY)  # `ctr` exports what can't be read


def _registry(_: bool) -> Rights:
    if _has_helpers():
        return Rights(unconfined=_HELPER)
    return Rights(reads=tuple(network_files()), connects=True, sockets=True)


_HELPER: Final = "a credential helper may need more rights"

TABLE: Final[Mapping[str, Callable[[bool], Rights]]] = {
    "docker-archive": _file,
    "oci-archive": _file,
    "oci-dir": _file,
    "dir": _file,
    "report": _file,
    "docker": _docker,
    "podman": _podman,
    "containerd": _containerd,
    "registry": _registry,
}
"""By the name of a source: what it needs besides the files that a reference names. Whether it may pull decides, too."""


def needs(reference: str | None, *, pull: bool = False) -> Rights:
    """What reading an image or a saved report needs. A bare name needs what each source needs that it may be in."""
    found = Rights(reads=tuple(_paths(reference or "")))
    for name in _sources(reference):
        try:
            found |= TABLE[name](pull)
        except LayerscopeError:  # reading will say what is wrong with this source
            found |= _STORES
    return found


def _sources(reference: str | None) -> Iterator[str]:
    """The names of the sources in which a reference may be."""
    from layerscope.report.saved.reference import report_path
    from layerscope.sources import SOURCES, is_local
    from layerscope.sources.reference import parse_reference

    if not reference or report_path(reference) is not None:
        return
    try:
        source = parse_reference(reference, SOURCES).source
    except LayerscopeError:
        return
    if source is not None:
        yield source.name
    elif not is_local(reference):
        for each in SOURCES:
            if each.holds_names is not None and each.holds_names():
                yield each.name


def _paths(reference: str) -> Iterator[str]:
    """The files and folders that a reference can mean, with or without its scheme and tag."""
    if "\0" in reference:
        return
    for path in (reference, reference.partition(":")[2].removeprefix("//")):
        while path:
            if path != "-" and os.path.lexists(path):
                yield path
                break
            path = path.rpartition(":")[0]


def _has_helpers() -> bool:
    """Whether a program looks up credentials."""
    from layerscope.sources.registry.credentials import names_helper

    return names_helper()
