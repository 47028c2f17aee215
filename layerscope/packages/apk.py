"""Alpine's package database, one text file.

Specification: https://wiki.alpinelinux.org/wiki/Apk_spec (installed database V2).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from layerscope.packages.package import Documents, Installed, Package, qualifiers, text

PLACES: Final = frozenset((b"lib/apk/db/installed", b"usr/lib/apk/db/installed"))


def unit(path: bytes) -> bytes | None:
    """The database that a path belongs to; None for other paths."""
    return path if path in PLACES else None


def read(where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
    """The packages of one database. `F:` opens a directory, `R:` names a file in it."""
    for stanza in documents[where].split(b"\n\n"):
        name = version = architecture = ""
        folder = b""
        files: list[bytes] = []
        for line in stanza.split(b"\n"):
            key, value = line[:2], line[2:]
            if key == b"R:":
                files.append(folder + value)
            elif key == b"F:":
                folder = value + b"/" if value else b""
            elif key == b"P:":
                name = text(value)
            elif key == b"V:":
                version = text(value)
            elif key == b"A:":
                architecture = text(value)
        if name and version:
            yield Installed(
                package=Package("apk", name, version, distribution, qualifiers(arch=architecture)),
                where=where,
                files=tuple(files),
            )
