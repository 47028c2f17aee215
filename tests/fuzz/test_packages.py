"""Package databases with bytes changed, removed, inserted, or doubled: read, or unreadable, and nothing else."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from layerscope.packages import executables, java
from layerscope.packages.databases import unit_of
from layerscope.packages.package import Unreadable
from tests.effort import seeds
from tests.fuzz.mutations import spoil
from tests.packages.test_databases import (
    RPM,
    STATUS,
    berkeley_file,
    ndb_file,
    sqlite_file,
)
from tests.packages.test_inside_files import build_info, elf, jar, pom, reader

DOCUMENTS: dict[bytes, bytes] = {
    b"var/lib/dpkg/status": STATUS,
    b"var/lib/dpkg/status.d/a": b"Package: a\nVersion: 1\n",
    b"lib/apk/db/installed": b"P:musl\nV:1\nF:lib\nR:x\n\n",
    b"var/lib/rpm/Packages.db": ndb_file(RPM, RPM),
    b"var/lib/rpm/Packages": berkeley_file(RPM + bytes(900)),
    b"a/node_modules/b/package.json": b'{"name": "b", "version": "1"}',
    b"v/vendor/composer/installed.json": b'{"packages": [{"name": "a/b", "version": "1"}]}',
    b"o/conda-meta/x.json": b'{"name": "a", "version": "1", "files": ["a", "b"]}',
    b"s/specifications/a-1.gemspec": b"# stub: a 1 ruby lib\ns.name = 'a'\n",
    b"x/a-1.dist-info/METADATA": b"Name: a\nVersion: 1\n\n",
}


@pytest.mark.random
@pytest.mark.parametrize("seed", seeds(8))
def test_a_mutated_database_is_read_or_unreadable(seed: int, tmp_path: Path) -> None:
    documents = DOCUMENTS | {
        b"var/lib/rpm/rpmdb.sqlite": sqlite_file(tmp_path, RPM)["rpmdb.sqlite"]
    }
    source = random.Random(seed)
    for path, data in documents.items():
        unit = unit_of(path)
        assert unit is not None
        database, where = unit
        for _ in range(150):
            changed = bytearray(data)
            for _ in range(source.randint(1, 6)):
                spoil(changed, source)
            with suppress(Unreadable):
                for each in database.read(where, {path: bytes(changed)}, "debian"):
                    assert each.package.purl.startswith("pkg:")


@pytest.mark.random
@pytest.mark.parametrize("seed", seeds(8))
def test_a_mutated_program_or_archive_is_read_or_left_alone(seed: int) -> None:
    source = random.Random(seed)
    program = elf({b".go.buildinfo": build_info()})
    archive = jar({**pom("g", "a", "1"), "x.jar": jar(pom("h", "b", "2"))})
    for _ in range(500):
        changed = bytearray(program)
        spoil(changed, source)
        data = executables.clip(reader(bytes(changed)))
        if data is not None:
            list(executables.read(b"x", {b"x": data}, ""))
        changed = bytearray(archive)
        spoil(changed, source)
        data = java.clip(b"a.jar", reader(bytes(changed)), len(changed))
        if data is not None:
            list(java.read(b"a.jar", {b"a.jar": data}, ""))
