"""Packages that Yarn keeps as zip archives, for Plug'n'Play.

An archive is named after its package: `lodash-npm-4.17.21-6382451519-eb835a2e51.zip`. The name doesn't say where a scope
ends (`@types-node-npm-…`), but the paths in the archive do (`node_modules/@types/node/`).
Specification: https://yarnpkg.com/advanced/lexicon and `slugifyLocator` of @yarnpkg/core.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from layerscope.packages.package import Documents, Installed, Package, text

if TYPE_CHECKING:
    from layerscope.packages.elf import ReadAt

_ARCHIVE: Final = re.compile(
    rb"(?:.*/)?\.yarn/(?:berry/)?cache/"
    rb"(?P<name>@?[^/]+?)-(?:npm-(?P<version>[0-9][^/]*?)|(?:patch|https|git|file))-[0-9a-f]{10}"
    rb"(?:-[0-9A-Za-z]+)?\.zip"
)
_HEAD: Final = 4096
"""The bytes at the start of an archive that are looked at: its first entries are the folders above the package."""
_SIZES: Final = struct.Struct("<IIHH")
"""In a local file header (APPNOTE.TXT 4.3.7): the stored and the unpacked size, the lengths of the name and of what follows."""
_FOLDER: Final = re.compile(rb"node_modules/(?P<scope>@[^/]+)/(?P<name>[^/]+)/")


def unit(path: bytes) -> bytes | None:
    """The archive itself, if the path is one that Yarn keeps; None for other paths."""
    return path if _ARCHIVE.fullmatch(path) else None


def clip(path: bytes, read_at: ReadAt, size: int) -> bytes:
    """The scope and name of the package in an archive, as its folder says; empty for a package without a scope."""
    match = _ARCHIVE.fullmatch(path)
    if match is None or not match["name"].startswith(b"@"):
        return b""
    data = read_at(0, min(size, _HEAD))
    at = 0
    while at + 30 <= len(data) and data[at : at + 4] == b"PK\x03\x04":
        stored, _, name_size, more = _SIZES.unpack_from(data, at + 18)
        name = data[at + 30 : at + 30 + name_size]
        found = _FOLDER.match(name)
        if found is not None:
            return found["scope"] + b"/" + found["name"]
        at += 30 + name_size + more + stored
    return b""


def read(where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
    """The package in an archive, which owns the archive."""
    del distribution
    match = _ARCHIVE.fullmatch(where)
    if match is None:
        return
    scope, _, name = text(documents[where]).rpartition("/")
    if not name:
        name = text(match["name"])
        if name.startswith("@"):
            scope, _, name = name.partition("-")
    yield Installed(
        package=Package("npm", name, text(match["version"] or b""), scope, installer="yarn"),
        where=where,
        files=(where,),
    )
