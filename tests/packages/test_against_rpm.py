"""Bytes of packages against `rpm -qa`, `rpm -ql`, and stat, in a root that rpm itself fills.

rpm writes the databases of today (sqlite, and SUSE's ndb). It only reads those of Berkeley DB, so there Berkeley's own
`db_load` writes the headers that rpm made, and rpm says what they hold.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.builder.tools import require
from tests.packages.roots import analyzed, members_of, stored
from tests.packages.rpmroot import rpm_of_trixie

SPEC = """\
Name: {name}
Version: {version}
Release: 1
Summary: A test
License: MIT
BuildArch: noarch
{more}
%description
A test.
%install
mkdir -p %{{buildroot}}/usr/share/{name}/deep %{{buildroot}}/usr/bin %{{buildroot}}/etc
head -c {size} /dev/zero | tr '\\0' 'x' > %{{buildroot}}/usr/share/{name}/data
head -c 700 /dev/zero | tr '\\0' 'y' > %{{buildroot}}/usr/share/{name}/deep/{name}.txt
ln %{{buildroot}}/usr/share/{name}/data %{{buildroot}}/usr/share/{name}/hard
ln -s data %{{buildroot}}/usr/share/{name}/soft
printf 'run {version}' > %{{buildroot}}/usr/bin/{name}
printf 'conf' > %{{buildroot}}/etc/{name}.conf
%files
/usr/share/{name}
/usr/bin/{name}
%config /etc/{name}.conf
"""


def run(*command: str | Path, **environment: str) -> str:
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def built(folder: Path, name: str, version: str, size: int, more: str = "") -> Path:
    """A package that rpmbuild makes."""
    spec = folder / f"{name}-{version}.spec"
    spec.write_text(SPEC.format(name=name, version=version, size=size, more=more))
    run(
        require("rpmbuild"),
        "-bb",
        "--define",
        f"_topdir {folder}/build",
        "--define",
        f"_dbpath {folder}/db",
        spec,
    )
    return folder / "build" / "RPMS" / "noarch" / f"{name}-{version}-1.noarch.rpm"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("rpm")
    return {
        "one": built(folder, "one", "1.0", 30_000),
        "one 2": built(folder, "one", "2.0", 40_000),
        "other": built(folder, "other", "3.1", 9000, "Epoch: 4"),
    }


NAMES = "%{NAME} %{VERSION}-%{RELEASE}\n"
DATABASES = {"sqlite": "rpmdb.sqlite", "ndb": "Packages.db", "bdb_ro": "Packages"}
"""The file that each backend of rpm reads."""


class Root:
    """A root with a database of rpm, on which nothing else is installed."""

    def __init__(self, folder: Path, backend: str) -> None:
        self.folder = folder
        self.backend = backend
        self._shared = folder.parent
        self._rpm = rpm_of_trixie(self._shared) if backend == "ndb" else [require("rpm")]
        (folder / "etc").mkdir(parents=True)
        (folder / "etc/os-release").write_text("ID=fedora\n")
        self.rpm("--initdb")

    @property
    def database(self) -> Path:
        return self.folder / "var/lib/rpm" / DATABASES[self.backend]

    def rpm(self, *arguments: str) -> str:
        """What rpm says. Debian 13's sees the folder of the test in another place."""
        seen = Path("/mnt") if self.backend == "ndb" else self._shared
        return run(
            *self._rpm,
            *("--root", seen / self.folder.name, "--dbpath", "/var/lib/rpm"),
            *("--define", f"_db_backend {self.backend}"),
            *(each.replace(str(self._shared), str(seen)) for each in arguments),
        )

    def install(self, *files: Path) -> None:
        for file in files:
            shutil.copy(file, self._shared)
        copies = [str(self._shared / file.name) for file in files]
        self.rpm("--upgrade", "--nodeps", "--noscripts", *copies)

    def names(self) -> list[str]:
        return sorted(self.rpm("-qa", "--queryformat", NAMES).splitlines())

    def stored(self, name: str) -> int:
        """What `rpm -ql` and stat say of a package. Hard links count once.

        rpm finds a package by name only with an index, so without one it lists the files of all packages.
        """
        if self.backend != "bdb_ro":
            return stored(self.folder, self.rpm("-ql", name).splitlines())
        listed = self.rpm("-qa", "--queryformat", "[%{=NAME} %{FILENAMES}\n]").splitlines()
        pairs = [line.partition(" ") for line in listed]
        return stored(self.folder, [path for owner, _, path in pairs if owner == name])

    def to_berkeley(self, page_bytes: int) -> None:
        """Write the headers that rpm has in sqlite into a database of Berkeley DB, and leave rpm that alone.

        Berkeley DB keeps headers of a quarter of a page in the page of their keys, and longer ones in pages of their own.
        """
        with sqlite3.connect(self.database) as database:
            rows = database.execute("SELECT hnum, blob FROM Packages ORDER BY hnum").fetchall()
        aside = self._shared / "sqlite"
        shutil.rmtree(aside, ignore_errors=True)
        self.database.parent.rename(aside)
        self.backend = "bdb_ro"
        self.database.parent.mkdir()
        most = max(number for number, _ in rows)
        lines = [
            "VERSION=3",
            "format=bytevalue",
            "type=hash",
            f"db_pagesize={page_bytes}",
            "HEADER=END",
        ]
        for number, blob in ((0, most.to_bytes(4, "little")), *rows):
            lines += [f" {number.to_bytes(4, 'little').hex()}", f" {blob.hex()}"]
        command = [require("db5.3_load"), str(self.database)]
        text = "\n".join([*lines, "DATA=END", ""])
        subprocess.run(command, input=text.encode(), check=True, timeout=60)

    def to_sqlite(self) -> None:
        """Undo `to_berkeley`."""
        shutil.rmtree(self.database.parent)
        (self._shared / "sqlite").rename(self.database.parent)
        self.backend = "sqlite"


@pytest.mark.engine
@pytest.mark.parametrize("backend", DATABASES)
def test_bytes_of_rpm_packages_are_those_of_rpm_and_stat(
    tmp_path: Path, packages: dict[str, Path], backend: str
) -> None:
    """Berkeley DB's databases are made anew from sqlite's for each layer, because rpm doesn't write them."""
    berkeley = backend == "bdb_ro"
    root = Root(tmp_path / "root", "sqlite" if berkeley else backend)
    root.install(packages["one"], packages["other"])
    assert root.database.exists()
    before = {name: root.stored(name) for name in ("one", "other")}
    assert before["one"] == 30_000 + 700 + len("run 1.0conf")
    if berkeley:
        root.to_berkeley(page_bytes=2048)
        assert root.stored("one") == before["one"]
    first = members_of(root.folder)
    if berkeley:
        root.to_sqlite()
    root.install(packages["one 2"])
    if berkeley:
        root.to_berkeley(page_bytes=32768)
    after = root.stored("one")
    analysis = analyzed(tmp_path, first, members_of(root.folder))
    assert "packages-unreadable" not in [note.code for note in analysis.notes]
    found = analysis.facts.packages
    assert found is not None
    rows = {(row.package.name, row.package.version): row for row in found.rows}
    old, new = rows["one", "1.0-1"], rows["one", "2.0-1"]
    assert (old.content, old.live, old.installed) == (before["one"], 0, False)
    assert (new.live, new.installed) == (after, True)
    # The second layer stores the other package's files again, as they are.
    other = rows["other", "3.1-1"]
    assert ("epoch", "4") in other.package.qualifiers
    assert (other.content, other.live) == (2 * before["other"], before["other"])
    assert root.names() == ["one 2.0-1", "other 3.1-1"]
    assert found.owned.content + found.unowned.content == analysis.sizes.content
