"""What each kind of source needs, in one table."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from layerscope.errors import LayerscopeError
from layerscope.records import dataclass
from layerscope.sandbox.places import network_files
from layerscope.sandbox.rights import Programs, Rights

_STORES: Final = Rights(reads=("/",), sockets=True)
"""Engines may keep images and settings anywhere, and answer on a Unix socket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What decides what a source needs, besides its settings."""

    name: str | None = None
    """The image's name, where a reference names its source. None if the image may not be there."""
    pull: bool = False
    """Whether an engine may pull it."""
    ahead: bool = True
    """Whether programs can do their part before the image is read. Not for a process that reads many, or starts others."""


def _file(_: Wanted) -> Rights:
    return Rights()


def _docker(wanted: Wanted) -> Rights:
    from layerscope.sources.docker import place

    return _engine(place().host, wanted)


def _podman(wanted: Wanted) -> Rights:
    from layerscope.sources.podman import place

    engine = place()
    if engine is None:
        return Rights(unconfined="Podman has no socket, and its command needs more rights than it")
    return _engine(engine.host, wanted)


def _engine(host: str, wanted: Wanted) -> Rights:
    if wanted.pull and _has_helpers():
        return Rights(unconfined=_HELPER)
    if not host.startswith("ssh:"):
        return _STORES | Rights(connects=not host.startswith("unix:"))
    if not wanted.ahead or wanted.name is None:
        return Rights(unconfined="the engine is reached through ssh")
    from layerscope.sources.ssh_door import open_door

    return Rights(reads=tuple(network_files()), sockets=True, first=(partial(open_door, host),))


def _containerd(_: Wanted) -> Rights:
    return _STORES | Rights(programs=Programs.ANY)  # `ctr` exports what can't be read


def _registry(wanted: Wanted) -> Rights:
    rights = Rights(reads=tuple(network_files()), connects=True, sockets=True)
    if not _has_helpers():
        return rights
    if not wanted.ahead or wanted.name is None:
        return Rights(unconfined=_HELPER)
    return rights | Rights(first=(partial(_ask_helpers, wanted.name),))


def _ask_helpers(name: str) -> None:
    """Ask for the credentials of all places that an image may be pulled from."""
    from layerscope.sources.registry.credentials import ask_ahead
    from layerscope.sources.registry.mirrors import endpoints
    from layerscope.sources.registry.name import RegistryName

    try:
        places = endpoints(RegistryName.parse(name, name))
    except LayerscopeError:
        return  # reading will say what is wrong
    for place in places:
        ask_ahead(place.registry, place.repository)


_HELPER: Final = "a credential helper may need more rights"

TABLE: Final[Mapping[str, Callable[[Wanted], Rights]]] = {
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
"""By the name of a source: what it needs besides the files that a reference names."""


def needs(reference: str | None, *, pull: bool = False, ahead: bool = True) -> Rights:
    """What reading an image or a saved report needs. A bare name needs what each source needs that it may be in."""
    found = Rights(reads=tuple(_paths(reference or "")))
    for source, name in _sources(reference):
        try:
            found |= TABLE[source](Wanted(name=name, pull=pull, ahead=ahead))
        except LayerscopeError:  # reading will say what is wrong with this source
            found |= _STORES
    return found


def _sources(reference: str | None) -> Iterator[tuple[str, str | None]]:
    """The names of the sources in which a reference may be, and the image's name if the reference says which one."""
    from layerscope.report.saved.reference import report_path
    from layerscope.sources import SOURCES, is_local
    from layerscope.sources.reference import parse_reference

    if not reference or report_path(reference) is not None:
        return
    try:
        parsed = parse_reference(reference, SOURCES)
    except LayerscopeError:
        return
    if parsed.source is not None:
        yield parsed.source.name, parsed.target
    elif not is_local(reference):
        for each in SOURCES:
            if each.holds_names is not None and each.holds_names():
                yield each.name, None


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
