"""All kinds of package databases, and which one a path belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Final, Protocol, cast

from layerscope.packages.package import Documents, Installed, PackageType
from layerscope.records import dataclass

Unit = tuple["Database", bytes]
"""A database, and a part of it that is read as a whole: all of dpkg's files, or the folder of one distribution."""


class Reader(Protocol):
    """What the module of a kind of database defines."""

    def unit(self, path: bytes) -> bytes | None:
        """The part of the database that a path belongs to; None for other paths."""

    def read(self, where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
        """The packages of a part, from the contents of its files. Raises `Unreadable`."""


@dataclass(frozen=True, slots=True)
class Database:
    """How the packages of one type are read. If two packages claim a file, the one with the lower `rank` owns it.

    `module` is the one of this folder that reads them. It is loaded when an image has something for it.
    """

    type: PackageType
    module: str
    rank: int

    def unit(self, path: bytes) -> bytes | None:
        """The part of the database that a path belongs to; None for other paths."""
        return _reader(self.module).unit(path)

    def read(self, where: bytes, documents: Documents, distribution: str) -> Iterator[Installed]:
        """The packages of a part, from the contents of its files. Raises `Unreadable`."""
        return _reader(self.module).read(where, documents, distribution)

    @property
    def types(self) -> tuple[PackageType, ...]:
        """The types of packages that it may have: a program can be written in Go or in Rust."""
        return ("golang", "cargo") if self.type == "golang" else (self.type,)


@cache
def _reader(module: str) -> Reader:
    return cast("Reader", import_module(f"layerscope.packages.{module}"))


_NAMED: Final = (
    Database("deb", "dpkg", 0),
    Database("apk", "apk", 0),
    Database("rpm", "rpm", 0),
    Database("conda", "conda", 1),
    Database("pypi", "python", 2),
    Database("npm", "npm", 2),
    Database("gem", "gem", 2),
    Database("composer", "composer", 2),
)
_DPKG, _APK, _RPM, _CONDA, _PYPI, _NPM, _GEM, _COMPOSER = _NAMED
EXECUTABLES: Final = Database("golang", "executables", 3)
ARCHIVES: Final = Database("maven", "java", 3)
ZIPS: Final = Database("npm", "yarn", 2)

_BY_NAME: Final[dict[bytes, tuple[Database, ...]]] = {
    b"status": (_DPKG,),
    b"diversions": (_DPKG,),
    b"extended_states": (_DPKG,),
    b"installed": (_APK,),
    b"rpmdb.sqlite": (_RPM,),
    b"rpmdb.sqlite-wal": (_RPM,),
    b"Packages": (_RPM,),
    b"Packages.db": (_RPM,),
    b"METADATA": (_PYPI,),
    b"RECORD": (_PYPI,),
    b"INSTALLER": (_PYPI,),
    b"PKG-INFO": (_PYPI,),
    b"installed-files.txt": (_PYPI,),
    b"top_level.txt": (_PYPI,),
    b"package.json": (_NPM,),
    b"installed.json": (_COMPOSER, _CONDA),
}
_BY_ENDING: Final = (
    (b".list", _DPKG),
    (b".egg-info", _PYPI),
    (b".gemspec", _GEM),
    (b".json", _CONDA),
)
_ENDINGS: Final = tuple(ending for ending, _ in _BY_ENDING)
SINGLE_STATUS: Final = b"var/lib/dpkg/status.d/"
"""The folder of a distroless image that has a file for each package."""

ARCHIVE_ENDINGS: Final = (b".jar", b".war", b".ear", b".hpi", b".jpi")
"""How the names of Java archives end."""
DEVELOPMENT: Final = b"/node_modules/.package-lock.json"
"""npm's record of what it installed, which says what is for development only."""
ZIP_ENDING: Final = b".zip"
RELEASES: Final = frozenset((b"etc/os-release", b"usr/lib/os-release"))
"""The files with a distribution's name (os-release(5))."""
CANDIDATES: Final = (
    *(b"/" + name for name in _BY_NAME),
    *_ENDINGS,
    b"/os-release",
    DEVELOPMENT,
    *ARCHIVE_ENDINGS,
    ZIP_ENDING,
)
"""The endings of paths that packages are read from. A distroless image has more in `SINGLE_STATUS`."""


def is_database_file(path: bytes) -> bool:
    """Whether a path belongs to a database or names the distribution. A quick look at its ending rejects most paths."""
    if not path.endswith(CANDIDATES) and not path.startswith(SINGLE_STATUS):
        return False
    return path in RELEASES or unit_of(path) is not None


def unit_of(path: bytes) -> Unit | None:
    """The part of a database that a path belongs to, judged only by its name; None for most paths."""
    name = path[path.rfind(b"/") + 1 :]
    databases = _BY_NAME.get(name)
    if databases is None:
        if name.endswith(_ENDINGS):
            databases = tuple(each for ending, each in _BY_ENDING if name.endswith(ending))
        elif path.startswith(SINGLE_STATUS):
            databases = (_DPKG,)
        else:
            return None
    for database in databases:
        where = database.unit(path)
        if where is not None:
            return database, where
    return None


def distribution(release: bytes) -> str:
    """The `ID` in an os-release file; empty if it has none."""
    for line in release.splitlines():
        key, equals, value = line.partition(b"=")
        if equals and key.strip() == b"ID":
            return value.strip().strip(b"\"'").decode("utf-8", "replace").lower()
    return ""
