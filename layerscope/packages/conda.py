"""Packages of conda, mamba, and pixi: one JSON document each in `conda-meta`.

Specification: https://docs.conda.io/projects/conda/en/stable/dev-guide/specs/
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Final

from layerscope.packages.json_documents import json_object, string
from layerscope.packages.package import Documents, Installed, Package, Unreadable, qualifiers

_UNIT: Final = re.compile(rb"(?:.*/)?conda-meta/[^/]+\.json")


def unit(path: bytes) -> bytes | None:
    """The record at a path; None for other paths."""
    return path if _UNIT.fullmatch(path) else None


def read(where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
    """The package of one record. Raises `Unreadable`."""
    del distribution
    data = json_object(documents[where])
    name, version = string(data.get("name")), string(data.get("version"))
    if not name or not version:
        raise Unreadable("doesn't name a package and version")
    prefix = posixpath.dirname(posixpath.dirname(where))
    listed = data.get("files")
    files = [where]
    for path in listed if isinstance(listed, list) else ():
        if isinstance(path, str):
            joined = posixpath.join(prefix, path.encode("utf-8", "surrogatepass"))
            files.append(posixpath.normpath(b"/" + joined).lstrip(b"/"))
    yield Installed(
        package=Package(
            "conda",
            name,
            version,
            "",
            qualifiers(build=string(data.get("build")), subdir=string(data.get("subdir"))),
            "conda",
        ),
        where=where,
        files=tuple(files),
    )
