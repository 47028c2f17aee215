"""Composer's packages for PHP.

Specification: https://getcomposer.org/doc/07-runtime.md (`vendor/composer/installed.json`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Final

from layerscope.packages.json_documents import json_value, objects, string
from layerscope.packages.package import Documents, Installed, Package, Unreadable

_ENDING: Final = b"vendor/composer/installed.json"


def unit(path: bytes) -> bytes | None:
    """The list of packages at a path; None for other paths."""
    return path if path == _ENDING or path.endswith(b"/" + _ENDING) else None


def read(where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
    """The packages of one list: an object since Composer 2, a bare list before. Raises `Unreadable`."""
    del distribution
    data = json_value(documents[where])
    if isinstance(data, dict):
        data = data.get("packages")
    if not isinstance(data, list):
        raise Unreadable("has no list of packages")
    folder = posixpath.dirname(where)
    for row in objects(data):
        full = string(row.get("name"))
        vendor, _, name = full.rpartition("/")
        version = string(row.get("version"))
        if not name or not version:
            continue
        path = string(row.get("install-path")) or f"../{full}"
        tree = posixpath.normpath(b"/" + posixpath.join(folder, path.encode("utf-8", "replace")))
        yield Installed(
            package=Package("composer", name, version, vendor),
            where=where,
            trees=(tree.lstrip(b"/"),) if tree != b"/" else (),
        )
