"""Python distributions: `*.dist-info`, `*.egg-info`, and eggs.

Specification: https://packaging.python.org/en/latest/specifications/recording-installed-packages/
"""

from __future__ import annotations

import csv
import posixpath
import re
from collections.abc import Iterator
from typing import Final

from layerscope.packages.package import Documents, Installed, Package, Unreadable, text
from layerscope.packages.stanzas import headers

_UNIT: Final = re.compile(
    rb"(?P<unit>(?:.*/)?[^/]+\.(?:dist-info|egg-info|egg/EGG-INFO))"
    rb"(?:/(?:METADATA|RECORD|INSTALLER|PKG-INFO|installed-files\.txt|top_level\.txt))?"
)
_FIELDS: Final = frozenset((b"name", b"version"))


def unit(path: bytes) -> bytes | None:
    """The folder (or single file) of the distribution that a path describes; None for other paths."""
    match = _UNIT.fullmatch(path)
    return match["unit"] if match else None


def read(where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
    """The distribution in one folder. Raises `Unreadable`."""
    del distribution
    metadata = next(
        (
            documents[path]
            for path in (where + b"/METADATA", where + b"/PKG-INFO", where)
            if path in documents
        ),
        None,
    )
    if metadata is None:
        return
    fields = headers(metadata, _FIELDS)
    name, version = fields.get(b"name"), fields.get(b"version")
    if not name or not version:
        raise Unreadable("doesn't name a package and version")
    installer = text(documents.get(where + b"/INSTALLER", b"").strip()) or None
    yield Installed(
        package=Package("pypi", name, version, installer=installer),
        where=where,
        files=tuple(_files(where, documents)),
        trees=tuple(_trees(where, documents)),
    )


def _files(where: bytes, documents: Documents) -> Iterator[bytes]:
    """The files in RECORD, or in setuptools' list for an old installation."""
    record = documents.get(where + b"/RECORD")
    if record is not None:
        lines = record.decode("utf-8", "surrogateescape").splitlines()
        try:
            rows = [row[0] for row in csv.reader(lines) if row]
        except csv.Error as error:
            raise Unreadable(f"has a RECORD that is not CSV: {error}") from None
        folder = posixpath.dirname(where)
        for path in rows:
            yield _joined(folder, path.encode("utf-8", "surrogateescape"))
        return
    for line in documents.get(where + b"/installed-files.txt", b"").splitlines():
        yield _joined(where, line)
    if where in documents:
        yield where


def _trees(where: bytes, documents: Documents) -> Iterator[bytes]:
    """Directories that belong to a distribution without a list of its files."""
    if where + b"/RECORD" in documents or where + b"/installed-files.txt" in documents:
        return
    if where.endswith(b"/EGG-INFO"):
        yield posixpath.dirname(where)
        return
    if where.endswith(b".dist-info"):
        return
    if where not in documents:
        yield where
    for line in documents.get(where + b"/top_level.txt", b"").splitlines():
        if line.strip() and b"/" not in line:
            yield _joined(posixpath.dirname(where), line.strip())


def _joined(folder: bytes, path: bytes) -> bytes:
    """A listed path, from the root. As in the kernel, `..` at the root stays at the root."""
    return posixpath.normpath(b"/" + posixpath.join(folder, path)).lstrip(b"/")
