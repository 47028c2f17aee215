"""Archives of Yarn's Plug'n'Play: the package by the archive's name, and its scope by the folders inside."""

from __future__ import annotations

import io
import random
import zipfile

import pytest

from layerscope.packages import yarn
from layerscope.packages.archive_members import MEMBERS
from layerscope.packages.documents import document, unit_of_document
from tests.analysis.images import analysis_of
from tests.effort import seeds
from tests.fuzz.mutations import spoil
from tests.packages.test_inside_files import reader


def packed(name: str, size: int = 300) -> bytes:
    """An archive as Yarn 4 writes it: the folders first, without compression."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        folder = ""
        for part in ("node_modules", *name.split("/")):
            folder += f"{part}/"
            archive.writestr(zipfile.ZipInfo(folder), b"")
        archive.writestr(f"{folder}package.json", b"{}")
        archive.writestr(f"{folder}index.js", b"x" * size)
    return out.getvalue()


@pytest.mark.parametrize(
    ("file", "inside", "name", "version"),
    [
        ("lodash-npm-4.17.21-6382451519-d8cbea072b", "lodash", "lodash", "4.17.21"),
        ("@types-node-npm-20.1.0-c5561d67cd-77173e89fe", "@types/node", "@types/node", "20.1.0"),
        ("@a-b-c-npm-1.0.0-0b1d74308f-10c0", "@a-b/c", "@a-b/c", "1.0.0"),
        ("npm-npm-9.0.0-rc.1-0b1d74308f-8", "npm", "npm", "9.0.0-rc.1"),
        ("left-pad-npm-1.3.0-0b1d74308f", "left-pad", "left-pad", "1.3.0"),
        ("typescript-patch-6fda4d02cf-0123456789", "typescript", "typescript", ""),
    ],
)
@pytest.mark.parametrize("folder", ["app/.yarn/cache", "root/.yarn/berry/cache", ".yarn/cache"])
def test_an_archive_is_its_package(
    folder: str, file: str, inside: str, name: str, version: str
) -> None:
    path, data = f"{folder}/{file}.zip", packed(inside)
    analysis = analysis_of({path: data})
    assert analysis.facts.packages is not None
    (row,) = analysis.facts.packages.rows
    package = row.package
    assert (package.type, package.full_name, package.version) == ("npm", name, version)
    assert package.installer == "yarn"
    assert (row.content, row.files) == (len(data), 1)


@pytest.mark.parametrize(
    "path",
    [
        "app/.yarn/cache/readme.zip",
        "app/cache/lodash-npm-4.17.21-6382451519-d8cbea072b.zip",
        "app/.yarn/cache/lodash-npm-4.17.21-6382451519-d8cbea072b.zip/x.zip",
        "srv/data.zip",
        "app/.yarn/cache/lodash-4.17.21.zip",
    ],
)
def test_other_archives_are_no_packages(path: str) -> None:
    analysis = analysis_of({path: packed("lodash")})
    assert analysis.facts.packages is not None
    assert not analysis.facts.packages.rows


def test_an_archive_that_is_cut_short_keeps_the_first_part_as_scope() -> None:
    analysis = analysis_of({".yarn/cache/@types-node-npm-1.0.0-c5561d67cd-8.zip": b"PK"})
    assert analysis.facts.packages is not None
    assert analysis.facts.packages.rows[0].package.full_name == "@types/node"


@pytest.mark.random
@pytest.mark.parametrize("seed", seeds(4))
def test_a_mutated_archive_is_a_package_or_none(seed: int) -> None:
    source = random.Random(seed)
    archive = packed("@types/node", 50)
    path = b"a/.yarn/cache/@types-node-npm-1.0.0-c5561d67cd-8.zip"
    for _ in range(400):
        changed, name = bytearray(archive), bytearray(path)
        spoil(changed, source)
        if source.random() < 0.3:
            spoil(name, source)
        data = document(bytes(name), len(changed), 0o644, reader(bytes(changed)))
        if data is None or data.startswith(MEMBERS):
            continue
        unit = unit_of_document(bytes(name), data)
        assert unit is not None
        if unit[0].module == "yarn":
            assert len(data) < 4096
            for each in yarn.read(bytes(name), {bytes(name): data}, ""):
                assert each.package.purl.startswith("pkg:npm/")
