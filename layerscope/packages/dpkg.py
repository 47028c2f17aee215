"""Debian's package database: /var/lib/dpkg, and the `status.d` folder of distroless images.

Specification: dpkg(1), deb-control(5); https://github.com/GoogleContainerTools/distroless for `status.d`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from layerscope.packages.package import Documents, Installed, Package, Unreadable, qualifiers, text
from layerscope.packages.stanzas import headers, stanzas
from layerscope.patterns import pattern

FOLDER: Final = b"var/lib/dpkg"
STATUS: Final = b"var/lib/dpkg/status"
_LISTS: Final = b"var/lib/dpkg/info/"
_DIVERSIONS: Final = b"var/lib/dpkg/diversions"
AUTOMATIC: Final = b"var/lib/apt/extended_states"
"""Where apt marks the packages that nobody asked for by name."""
_SINGLE: Final = b"var/lib/dpkg/status.d/"
_SUMS: Final = b".md5sums"
_FIELDS: Final = frozenset((b"package", b"status", b"version", b"architecture"))
_UNPACKED: Final = frozenset(
    ("installed", "unpacked", "half-configured", "triggers-awaited", "triggers-pending")
)
"""States in which a package's files are on disk."""
_SUM_LINE: Final = pattern(rb"^[0-9a-f]{32}  (.+)$", re.MULTILINE)


def unit(path: bytes) -> bytes | None:
    """The database that a path belongs to; None for other paths."""
    if path == AUTOMATIC:
        return FOLDER
    if not path.startswith(FOLDER):
        return None
    if path in {STATUS, _DIVERSIONS} or (path.startswith(_LISTS) and path.endswith(b".list")):
        return FOLDER
    if path.startswith(_SINGLE) and b"/" not in path[len(_SINGLE) :]:
        return path.removesuffix(_SUMS)
    return None


def read(where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
    """The packages of one database. Raises `Unreadable`."""
    if where != FOLDER:
        yield from _read_single(where, documents, distribution)
        return
    status = documents.get(STATUS)
    if status is None:
        raise Unreadable("lists files of packages that its status file does not name")
    diverted = _diversions(documents.get(_DIVERSIONS, b""))
    for stanza in stanzas(status, _FIELDS):
        name, version = stanza.get(b"package"), stanza.get(b"version")
        if not name or not version or not is_unpacked(stanza.get(b"status", "")):
            continue
        architecture = stanza.get(b"architecture", "")
        files = _paths(_list_of(documents, name, architecture) or b"")
        if not diverted.keys().isdisjoint(files):
            files = tuple(_led(path, name, diverted) for path in files)
        yield Installed(
            package=_package(name, version, architecture, distribution), where=STATUS, files=files
        )


def _read_single(where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
    stanza = headers(documents.get(where, b""), _FIELDS)
    name, version = stanza.get(b"package"), stanza.get(b"version")
    if not name or not version:
        raise Unreadable("doesn't name a package and version")
    sums = documents.get(where + _SUMS, b"")
    yield Installed(
        package=_package(name, version, stanza.get(b"architecture", ""), distribution),
        where=where,
        files=tuple(_cleaned(match[1]) for match in _SUM_LINE.finditer(sums)),
    )


def _package(name: str, version: str, architecture: str, distribution: str) -> Package:
    return Package("deb", name, version, distribution, qualifiers(arch=architecture))


def is_unpacked(status: str) -> bool:
    """Whether a `want flag state` line says that the files are on disk."""
    return status.rpartition(" ")[2] in _UNPACKED


def _list_of(documents: Documents, name: str, architecture: str) -> bytes | None:
    """The list that `dpkg -L` prints: `NAME.list`, or `NAME:ARCH.list` for a package with several architectures."""
    stem = _LISTS + name.encode()
    listed = documents.get(stem + b".list")
    if listed is None:
        listed = documents.get(stem + b":" + architecture.encode() + b".list")
    return listed


def _paths(listed: bytes) -> tuple[bytes, ...]:
    """The paths in a list, one per line. The first line is the root, `/.`."""
    return tuple(listed.replace(b"\n/", b"\n").removeprefix(b"/").strip(b"\n").split(b"\n"))


def _diversions(data: bytes) -> dict[bytes, tuple[bytes, str]]:
    """Diverted paths: where the files of other packages go, and the package that keeps the path (dpkg-divert(1))."""
    lines = data.split(b"\n")
    return {
        source[1:]: (target[1:], text(keeper))
        for source, target, keeper in zip(lines[::3], lines[1::3], lines[2::3], strict=False)
    }


def _led(path: bytes, name: str, diverted: dict[bytes, tuple[bytes, str]]) -> bytes:
    target, keeper = diverted.get(path, (path, name))
    return path if keeper == name else target


def _cleaned(path: bytes) -> bytes:
    return path.removeprefix(b"./").lstrip(b"/")
