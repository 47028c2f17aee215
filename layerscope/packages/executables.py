"""Packages built into executables: Go's build information, and the data that cargo-auditable embeds.

Specifications: https://pkg.go.dev/debug/buildinfo (Go 1.18 and newer), https://github.com/rust-secure-code/cargo-auditable.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from layerscope.packages.elf import ReadAt, sections
from layerscope.packages.json_documents import json_object, objects, string
from layerscope.packages.package import Documents, Installed, Package, Unreadable, text

_GO_MAGIC: Final = b"\xff Go buildinf:"
_GO_HEADER: Final = 32
_GO_INLINE: Final = 2
_GO_GUARD: Final = 16
"""The size in bytes of the marks around the module information."""
_GO_SECTION: Final = b".go.buildinfo"
_AUDIT_SECTION: Final = b".dep-v0"
_MOST_BYTES: Final = 8 * 1024 * 1024
_GO, _RUST = b"go\n", b"rust\n"


def clip(read_at: ReadAt) -> bytes | None:
    """What an executable says about its packages, as a document for `read`; None if it says nothing."""
    for section in sections(read_at, (_GO_SECTION, _AUDIT_SECTION)):
        data = read_at(section.offset, min(section.size, _MOST_BYTES))
        if section.name == _GO_SECTION:
            modules = _go_modules(data)
            return None if modules is None else _GO + modules
        unpacked = _unpacked(data)
        return None if unpacked is None else _RUST + unpacked
    return None


def is_document(data: bytes) -> bool:
    """Whether `clip` wrote this document."""
    return data.startswith((_GO, _RUST))


def read(where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
    """The package of an executable, and those built into it. `documents` come from `clip`. Raises `Unreadable`."""
    del distribution
    document = documents[where]
    if document.startswith(_GO):
        package, inside = _go_packages(document[len(_GO) :])
    elif document.startswith(_RUST):
        package, inside = _rust_packages(document[len(_RUST) :])
    else:
        raise Unreadable("is not the package data of an executable")
    if package is not None:
        yield Installed(package=package, where=where, files=(where,), inside=inside)


def _go_modules(data: bytes) -> bytes | None:
    if not data.startswith(_GO_MAGIC) or len(data) < _GO_HEADER or not data[15] & _GO_INLINE:
        return None
    _, end = _go_string(data, _GO_HEADER)
    modules, _ = _go_string(data, end)
    return modules[_GO_GUARD:-_GO_GUARD] if len(modules) > 2 * _GO_GUARD else b""


def _go_string(data: bytes, start: int) -> tuple[bytes, int]:
    """A string after its length, which is an unsigned varint, and the offset of its end."""
    length = shift = 0
    for position in range(start, min(start + 10, len(data))):
        byte = data[position]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            begin = position + 1
            if length > min(_MOST_BYTES, len(data) - begin):
                break
            return data[begin : begin + length], begin + length
    return b"", len(data)


def _go_packages(modules: bytes) -> tuple[Package | None, tuple[Package, ...]]:
    """The main module and those in the program; a program that was built outside of a module is its own path."""
    main: Package | None = None
    inside: list[Package] = []
    for line in modules.split(b"\n"):
        kind, *fields = line.split(b"\t")
        if kind == b"path" and fields and main is None:
            main = _go_package(text(fields[0]), "")
        if len(fields) < 2:
            continue
        package = _go_package(text(fields[0]), text(fields[1]))
        if kind == b"mod":
            main = package
        elif kind == b"dep":
            inside.append(package)
        elif kind == b"=>" and inside:
            # The line before names the module that this one replaces.
            inside[-1] = package
    return main, tuple(inside) if main is not None else ()


def _go_package(path: str, version: str) -> Package:
    namespace, _, name = path.rpartition("/")
    return Package("golang", name, version, namespace)


def _rust_packages(document: bytes) -> tuple[Package | None, tuple[Package, ...]]:
    main: Package | None = None
    inside: list[Package] = []
    for row in objects(json_object(document).get("packages")):
        name, version = string(row.get("name")), string(row.get("version"))
        if not name or row.get("kind") == "build":
            continue
        package = Package("cargo", name, version)
        if row.get("root") is True:
            main = package
        else:
            inside.append(package)
    return main, tuple(inside)


def _unpacked(data: bytes) -> bytes | None:
    decompressor = zlib.decompressobj()
    try:
        unpacked = decompressor.decompress(data, _MOST_BYTES)
    except zlib.error:
        return None
    return unpacked if decompressor.eof else None
