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
"""Types of the system's own packages: what one of them owns belongs to no other."""

_UNQUOTED: Final = ":"
"""What stays as it is in each part of a package URL, beside letters, digits, and `-._~`."""


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """A package of one version, as its database names it.

    `namespace` is the part of a package URL before the name: the distribution, an npm scope, a Maven group, or the path
    of a Go module. `qualifiers` are sorted by key. `installer` says which tool put it there, where its database does.
    """

    type: PackageType
    name: str
    version: str
    namespace: str = ""
    qualifiers: tuple[tuple[str, str], ...] = ()
    installer: str | None = None

    @property
    def full_name(self) -> str:
        """The name that people type: `@scope/name`, `group:artifact`, or a Go module's whole path."""
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
    """A package at one place of a filesystem.

    `where` is the document that names it. `files` are the paths it owns, and `trees` directories that it owns with all
    below them, except what another package's tree owns further down. Paths have no leading slash. `inside` are packages
    built into the files, whose own bytes nothing tells.
    """

    package: Package
    where: bytes
    files: tuple[bytes, ...] = field(default=(), repr=False)
    trees: tuple[bytes, ...] = field(default=(), repr=False)
    inside: tuple[Package, ...] = field(default=(), repr=False)


def qualifiers(**values: str | None) -> tuple[tuple[str, str], ...]:
    """The qualifiers of a package URL: sorted, without those that are empty."""
    return tuple(sorted((key, value) for key, value in values.items() if value))


def text(data: bytes) -> str:
    """Text of a database. Bytes that are not UTF-8 become replacement characters: they only name things."""
    return data.decode("utf-8", "replace")


def _normal_name(kind: PackageType, name: str) -> str:
    return name.lower().replace("_", "-") if kind == "pypi" else name


def _quoted(part: str) -> str:
    return quote(part, safe=_UNQUOTED)


Documents = Mapping[bytes, bytes]
"""The contents of a unit's files, by path without a leading slash."""


class Unreadable(ValueError):
    """A database that does not follow its format. The message says what is wrong, without the path."""
