"""Java archives: the Maven coordinates in them and in the archives nested in them.

Specification: https://maven.apache.org/shared/maven-archiver/ (`META-INF/maven/GROUP/ARTIFACT/pom.properties`).
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Final

from layerscope.packages.json_documents import json_value
from layerscope.packages.package import Documents, Installed, Package, Unreadable, text

_ARCHIVE: Final = re.compile(rb".*\.(?:jar|war|ear|hpi|jpi)", re.IGNORECASE)
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
"""Uncompressed bytes of nested archives that one archive may make us read."""
_MOST_FILES: Final = 200_000

Coordinates = tuple[str, str, str]


def wanted(path: bytes) -> bool:
    """Whether a path is a Java archive by its name."""
    return _ARCHIVE.fullmatch(path) is not None


def clip(path: bytes, data: bytes) -> bytes | None:
    """The coordinates in an archive, its own first, as a document for `read`; None when it names none."""
    left = [_MOST_NESTED_BYTES]
    try:
        found = list(_coordinates(text(path.rpartition(b"/")[2]), data, 0, left))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, ValueError, EOFError):
        return None
    return json.dumps(found).encode() if found else None


def read(where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
    """The package that an archive is, and those in it. `documents` holds what `clip` made. Raises `Unreadable`."""
    del distribution
    rows = json_value(documents[where])
    if not isinstance(rows, list):
        raise Unreadable("is not what an archive tells")
    packages = [
        Package("maven", str(name), str(version), str(group)) for group, name, version in rows
    ]
    if packages:
        yield Installed(
            package=packages[0], where=where, files=(where,), inside=tuple(packages[1:])
        )


def _coordinates(name: str, data: bytes, level: int, left: list[int]) -> Iterator[Coordinates]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
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
                yield from _coordinates(member.filename, archive.read(member), level + 1, left)
            except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError):
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
