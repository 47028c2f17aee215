"""All kinds of package databases, and which one a path belongs to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from layerscope.packages import (
    apk,
    composer,
    conda,
    dpkg,
    executables,
    gem,
    java,
    npm,
    python,
    rpm,
)
from layerscope.packages.package import Documents, Installed, PackageType

Unit = tuple["Database", bytes]
"""A database, and a part of it that is read as a whole: all of dpkg's files, or the folder of one distribution."""


@dataclass(frozen=True, slots=True)
class Database:
    """How the packages of one type are read.

    `unit` returns the part of the database that a path belongs to, and `read` the packages of a part from the contents of
    its files. If two packages claim a file, the one with the lower `rank` owns it.
    """

    type: PackageType
    unit: Callable[[bytes], bytes | None]
    read: Callable[[bytes, Documents, str], Iterator[Installed]]
    rank: int


_NAMED: Final = (
    Database("deb", dpkg.unit, dpkg.read, 0),
    Database("apk", apk.unit, apk.read, 0),
    Database("rpm", rpm.unit, rpm.read, 0),
    Database("conda", conda.unit, conda.read, 1),
    Database("pypi", python.unit, python.read, 2),
    Database("npm", npm.unit, npm.read, 2),
    Database("gem", gem.unit, gem.read, 2),
    Database("composer", composer.unit, composer.read, 2),
)
_DPKG, _APK, _RPM, _CONDA, _PYPI, _NPM, _GEM, _COMPOSER = _NAMED
EXECUTABLES: Final = Database("golang", lambda path: path, executables.read, 3)
ARCHIVES: Final = Database("maven", lambda path: path, java.read, 3)

_BY_NAME: Final[dict[bytes, tuple[Database, ...]]] = {
    b"status": (_DPKG,),
    b"diversions": (_DPKG,),
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

RELEASES: Final = frozenset((b"etc/os-release", b"usr/lib/os-release"))
"""The files with a distribution's name (os-release(5))."""
CANDIDATES: Final = (
    *(b"/" + name for name in _BY_NAME),
    *_ENDINGS,
    b"/os-release",
    *java.ENDINGS,
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
