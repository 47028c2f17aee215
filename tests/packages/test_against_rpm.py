"""Bytes of packages against `rpm -ql` and stat, in a root that rpm itself fills."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.builder.tools import require
from tests.packages.roots import analyzed, members_of, stored

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


class Root:
    """A root with a database of rpm, on which nothing else is installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._options = [
            "--root",
            str(folder),
            "--dbpath",
            "/var/lib/rpm",
        ]
        (folder / "etc").mkdir(parents=True)
        (folder / "etc/os-release").write_text("ID=fedora\n")
        self.rpm("--initdb")

    def rpm(self, *arguments: str | Path) -> str:
        return run(require("rpm"), *self._options, *arguments)

    def install(self, *files: Path) -> None:
        self.rpm("--upgrade", "--nodeps", "--noscripts", *files)

    def stored(self, name: str) -> int:
        """What `rpm -ql` and stat say of a package. Hard links count once."""
        return stored(self.folder, self.rpm("-ql", name).splitlines())


@pytest.mark.engine
def test_bytes_of_rpm_packages_are_those_of_rpm_and_stat(
    tmp_path: Path, packages: dict[str, Path]
) -> None:
    root = Root(tmp_path / "root")
    root.install(packages["one"], packages["other"])
    assert (root.folder / "var/lib/rpm/rpmdb.sqlite").exists()
    before = {name: root.stored(name) for name in ("one", "other")}
    assert before["one"] == 30_000 + 700 + len("run 1.0conf")
    first = members_of(root.folder)
    root.install(packages["one 2"])
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
    names = root.rpm("-qa", "--queryformat", "%{NAME} %{VERSION}-%{RELEASE}\n").splitlines()
    assert sorted(names) == ["one 2.0-1", "other 3.1-1"]
    assert found.owned.content + found.unowned.content == analysis.sizes.content
