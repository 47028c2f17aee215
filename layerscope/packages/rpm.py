"""rpm's package database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from layerscope.packages.package import Documents, Installed
from layerscope.packages.rpm_header import read_header
from layerscope.packages.rpm_stores import berkeley_headers, ndb_headers, sqlite_headers

_FOLDERS: Final = (b"var/lib/rpm/", b"usr/lib/sysimage/rpm/", b"usr/share/rpm/")
_SQLITE, _LOG, _NDB, _BERKELEY = b"rpmdb.sqlite", b"rpmdb.sqlite-wal", b"Packages.db", b"Packages"
_KEY: Final = "gpg-pubkey"
"""The package name under which rpm stores the keys it trusts."""
_NAMES: Final = frozenset((_SQLITE, _LOG, _NDB, _BERKELEY))


def unit(path: bytes) -> bytes | None:
    """The database that a path belongs to; None for other paths."""
    folder, slash, name = path.rpartition(b"/")
    return folder if name in _NAMES and folder + slash in _FOLDERS else None


def read(where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
    """The packages of one database, from the newest format that exists. Raises `Unreadable`."""
    log = documents.get(where + b"/" + _LOG, b"")
    forms: tuple[tuple[bytes, Callable[[bytes], Iterator[bytes]]], ...] = (
        (_SQLITE, lambda data: sqlite_headers(data, log)),
        (_NDB, ndb_headers),
        (_BERKELEY, berkeley_headers),
    )
    for name, headers in forms:
        path = where + b"/" + name
        data = documents.get(path)
        if not data:
            continue
        for blob in headers(data):
            package, files = read_header(blob)
            if package.name == _KEY:
                continue
            yield Installed(
                package=replace(package, namespace=distribution), where=path, files=files
            )
        return
