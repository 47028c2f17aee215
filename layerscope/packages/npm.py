"""Packages of npm, pnpm, and Yarn below `node_modules`.

Specification: https://docs.npmjs.com/cli/configuring-npm/package-json
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from layerscope.packages.json_documents import json_object, string
from layerscope.packages.package import Documents, Installed, Package, text

_UNIT: Final = re.compile(
    rb"(?P<unit>(?:.*/)?node_modules/(?P<name>(?:@[^/]+/)?[^/@.][^/]*))/package\.json"
)
_PNPM: Final = b"/node_modules/.pnpm/"


def unit(path: bytes) -> bytes | None:
    """The directory of the package that a path describes; None for other paths."""
    match = _UNIT.fullmatch(path)
    return match["unit"] if match else None


def read(where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
    """The package in one directory. It owns everything below, except nested packages. Raises `Unreadable`."""
    del distribution
    path = where + b"/package.json"
    data = json_object(documents[path])
    match = _UNIT.fullmatch(path)
    assert match is not None
    name = string(data.get("name")) or text(match["name"])
    scope, _, bare = name.rpartition("/")
    yield Installed(
        package=Package(
            "npm",
            bare,
            string(data.get("version")),
            scope,
            installer="pnpm" if _PNPM in b"/" + where else None,
        ),
        where=path,
        trees=(where,),
    )
