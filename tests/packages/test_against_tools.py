"""Bytes of packages against `dpkg -L`, `pip show -f`, and stat, on packages that this machine has."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from layerscope.analysis.model import Analysis
from tests.analysis.images import analysis_of
from tests.builder import Directory, File, Hardlink, Symlink

DPKG = Path("/var/lib/dpkg")
PACKED = (
    "base-files",
    "bash",
    "coreutils",
    "dash",
    "debianutils",
    "diffutils",
    "grep",
    "gzip",
    "hostname",
    "perl-base",
    "sed",
    "tar",
    "zlib1g",
)
"""Packages that every Debian system has: with hard links, multiarch names, diversions, and files in `/bin` and `/usr`."""


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def packed(paths: Iterable[Path]) -> dict[str, Any]:
    """The members of a layer with these files of the machine, at their real paths. Hard links stay hard links."""
    members: dict[str, Any] = {}
    first: dict[tuple[int, int], str] = {}
    for path in sorted(paths):
        real = path.parent.resolve() / path.name
        for parent in (*reversed(path.parents), real):
            status = parent.lstat()
            name = str(parent).strip("/")
            if not name or name in members:
                continue
            if stat.S_ISLNK(status.st_mode):
                members[name] = Symlink(os.readlink(parent))
            elif stat.S_ISDIR(status.st_mode):
                members[name] = Directory()
            elif stat.S_ISREG(status.st_mode):
                known = first.setdefault((status.st_dev, status.st_ino), name)
                members[name] = (
                    File(parent.read_bytes(), stat.S_IMODE(status.st_mode))
                    if known == name
                    else Hardlink(known)
                )
    # A path behind a symlink can't also be a member below it.
    links = [f"{name}/" for name, each in members.items() if isinstance(each, Symlink)]
    return {
        name: each for name, each in members.items() if not name.startswith(tuple(links) or "//")
    }


def stored(paths: Iterable[Path]) -> int:
    """The bytes of the regular files among these paths according to stat; hard links count once."""
    found = {}
    for path in paths:
        status = path.lstat()
        if stat.S_ISREG(status.st_mode):
            found[status.st_dev, status.st_ino] = status.st_size
    return sum(found.values())


def content_of(analysis: Analysis, kind: str) -> dict[str, int]:
    packages = analysis.facts.packages
    assert packages is not None
    return {row.package.name: row.content for row in packages.rows if row.package.type == kind}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("dpkg") is None, reason="needs a Debian system")
def test_bytes_of_debian_packages_are_those_of_dpkg_and_stat() -> None:
    installed = output("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\\n").splitlines()
    names = [name for name in PACKED if f"{name} installed" in installed]
    assert len(names) > 5
    lists = {
        name: [
            Path(line)
            for line in output("dpkg", "-L", name).splitlines()
            if line.startswith("/") and os.path.lexists(line) and line != "/."
        ]
        for name in names
    }
    database = [DPKG / "status", DPKG / "diversions", Path("/etc/os-release")]
    for name in names:
        database += [*DPKG.glob(f"info/{name}.list"), *DPKG.glob(f"info/{name}:*.list")]
    everything = {path for paths in lists.values() for path in paths} | set(database)
    analysis = analysis_of(packed(path for path in everything if path.exists()))
    assert [note.code for note in analysis.notes] == []
    found = content_of(analysis, "deb")
    assert found["coreutils"] > 1_000_000
    assert {name: found[name] for name in names} == {
        name: stored(paths) for name, paths in lists.items()
    }
    versions = {
        row.package.name: row.package.version
        for row in (analysis.facts.packages.rows if analysis.facts.packages else ())
    }
    for name in names:
        assert versions[name] == output("dpkg-query", "-W", "-f", "${Version}\\n", name).split()[0]


@pytest.mark.slow
def test_bytes_of_pip_are_those_of_pip_show_and_stat(tmp_path: Path) -> None:
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, capture_output=True)
    shown = output(str(folder / "bin" / "python"), "-m", "pip", "show", "-f", "pip")
    location = next(line for line in shown.splitlines() if line.startswith("Location: "))
    site = Path(location.removeprefix("Location: "))
    files = [
        Path(os.path.normpath(site / line.strip()))
        for line in shown.partition("Files:\n")[2].splitlines()
    ]
    files = [path for path in files if path.exists()]
    assert len(files) > 100
    analysis = analysis_of(packed(path for path in folder.rglob("*") if path.exists()))
    assert content_of(analysis, "pypi")["pip"] == stored(files)
