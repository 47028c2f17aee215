"""Java archives: the Maven coordinates in them and in the archives nested in them.

Specification: https://maven.apache.org/shared/maven-archiver/ (`META-INF/maven/GROUP/ARTIFACT/pom.properties`).
"""

from __future__ import annotations

import io
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Final

from layerscope.packages.elf import ReadAt
from layerscope.packages.json_documents import json_value
from layerscope.packages.package import Documents, Installed, Package, Unreadable, text

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_NESTED: Final = re.compile(r".*\.(?:jar|war)", re.IGNORECASE)
_POM: Final = re.compile(
    r"(?:BOOT-INF/classes/|WEB-INF/classes/)?META-INF/maven/[^/]+/[^/]+/pom\.properties"
)
_FILE: Final = re.compile(
    r"(?P<name>.+?)-(?P<version>\d[^/]*)\.(?:jar|war|ear|hpi|jpi)", re.IGNORECASE
)
_MOST_LEVELS: Final = 3
_MOST_POM_BYTES: Final = 64 * 1024
_MOST_NESTED_BYTES: Final = 256 * 1024 * 1024
"""The most uncompressed bytes of nested archives to read for one archive."""
_MOST_FILES: Final = 200_000

_BROKEN: Final = (
    zipfile.BadZipFile,
    zlib.error,
    NotImplementedError,
    RuntimeError,
    OSError,
    ValueError,
    EOFError,
    struct.error,
)
"""The exceptions that `zipfile` raises for archives that are damaged, encrypted, or use an unknown compression."""

Coordinates = tuple[str, str, str]
"""Group, artifact, and version."""


class _Ranges(io.RawIOBase):
    """A file that is read by ranges."""

    def __init__(self, read_at: ReadAt, size: int) -> None:
        self._read_at = read_at
        self._size = size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer)
        data = self._read_at(self._position, min(len(view), max(0, self._size - self._position)))
        view[: len(data)] = data
        self._position += len(data)
        return len(data)


def clip(path: bytes, read_at: ReadAt, size: int) -> bytes | None:
    """The coordinates in an archive, its own first, as a document for `read`; None if it has none."""
    left = [_MOST_NESTED_BYTES]
    name = text(path.rpartition(b"/")[2])
    try:
        with io.BufferedReader(_Ranges(read_at, size)) as file:
            found = list(_coordinates(name, file, 0, left))
    except _BROKEN:
        return None
    return json.dumps(found).encode() if found else None


def read(where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
    """The package of an archive, and those nested in it. `documents` come from `clip`. Raises `Unreadable`."""
    del distribution
    rows = json_value(documents[where])
    if not isinstance(rows, list):
        raise Unreadable("is not the package data of an archive")
    packages = [
        Package("maven", str(name), str(version), str(group)) for group, name, version in rows
    ]
    if packages:
        yield Installed(
            package=packages[0], where=where, files=(where,), inside=tuple(packages[1:])
        )


def _coordinates(name: str, file: IO[bytes], level: int, left: list[int]) -> Iterator[Coordinates]:
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
        if len(members) > _MOST_FILES:
            return
        poms = [member for member in members if _POM.fullmatch(member.filename)]
        named = [found for member in poms if (found := _pom(archive, member)) is not None]
        stem = name.rpartition("/")[2]
        named.sort(key=lambda each: not stem.startswith(f"{each[1]}-") and stem != f"{each[1]}.jar")
        guess = _FILE.fullmatch(stem)
        own = named and (len(named) == 1 or stem.startswith(named[0][1]))
        if not own and guess:
            yield ("", guess["name"], guess["version"])
        yield from named
        if level >= _MOST_LEVELS:
            return
        for member in members:
            if not _NESTED.fullmatch(member.filename) or member.file_size > left[0]:
                continue
            left[0] -= member.file_size
            try:
                nested = io.BytesIO(archive.read(member))
                yield from _coordinates(member.filename, nested, level + 1, left)
            except _BROKEN:
                continue


def _pom(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Coordinates | None:
    if member.file_size > _MOST_POM_BYTES:
        return None
    values: dict[str, str] = {}
    for line in text(archive.read(member)).splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            values[key.strip()] = value.strip()
    group, name, version = (values.get(key, "") for key in ("groupId", "artifactId", "version"))
    return (group, name, version) if name and version else None
