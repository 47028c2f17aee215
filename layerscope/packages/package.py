"""A package and what it owns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import quote

PackageType = Literal[
    "deb", "apk", "rpm", "pypi", "conda", "npm", "gem", "composer", "golang", "cargo", "maven"
]
SYSTEM_TYPES: Final[frozenset[PackageType]] = frozenset({"deb", "apk", "rpm"})
"""Types of the system's own packages. Files that one of them owns belong to no other package."""

_UNQUOTED: Final = ":"
"""Characters that are not escaped in a package URL, in addition to letters, digits, and `-._~`."""


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """A package and its version, as named in its database.

    `namespace` is the part of a package URL before the name: the distribution, an npm scope, a Maven group, or the path
    of a Go module. `qualifiers` are sorted by key. `installer` is the tool that installed it, if the database says so.
    """

    type: PackageType
    name: str
    version: str
    namespace: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()
    installer: str | None = None

    @property
    def full_name(self) -> str:
        """The name as you would type it: `@scope/name`, `group:artifact`, or a Go module's whole path."""
        if not self.namespace or self.type in SYSTEM_TYPES:
            return self.name
        return f"{self.namespace}{':' if self.type == 'maven' else '/'}{self.name}"

    @property
    def purl(self) -> str:
        """The package URL (purl-spec): `pkg:deb/debian/libc6@2.36-9?arch=amd64`."""
        parts = [f"pkg:{self.type}"]
        parts += [_quoted(part) for part in self.namespace.split("/") if part]
        parts.append(_quoted(_normal_name(self.type, self.name)))
        url = "/".join(parts)
        if self.version:
            url += f"@{_quoted(self.version)}"
        pairs = [f"{key}={_quoted(value)}" for key, value in self.qualifiers if value]
        return url + ("?" + "&".join(pairs) if pairs else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A package installed in a filesystem.

    `where` is the document that names it. `files` are the paths it owns. `trees` are directories that it owns with
    everything below, except for trees of other packages further down. Paths have no leading slash. `inside` are packages
    built into the files; their own sizes are unknown.
    """

    package: Package
    where: bytes
    files: tuple[bytes, ...] = field(default=(), repr=False)
    trees: tuple[bytes, ...] = field(default=(), repr=False)
    inside: tuple[Package, ...] = field(default=(), repr=False)


def qualifiers(**values: str | None) -> tuple[tuple[str, str], ...]:
    """The qualifiers of a package URL, sorted and without empty ones."""
    return tuple(sorted((key, value) for key, value in values.items() if value))


def text(data: bytes) -> str:
    """Text from a database. Invalid UTF-8 becomes replacement characters, which is fine for names."""
    return data.decode("utf-8", "replace")


def _normal_name(kind: PackageType, name: str) -> str:
    return name.lower().replace("_", "-") if kind == "pypi" else name


def _quoted(part: str) -> str:
    return quote(part, safe=_UNQUOTED)


Documents = Mapping[bytes, bytes]
"""The contents of a unit's files by path, without a leading slash."""


class Unreadable(ValueError):
    """A database that doesn't follow its format. The message says what is wrong, without the path."""
